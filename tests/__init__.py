"""The specification, as tests: `tests/NAME` is about the package in the folder NAME."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES_PATH = os.pathsep.join(str(ROOT / name) for name in ("authorizer", "identities", "policies", "local", "cli"))
"""PYTHONPATH for a process that imports our packages."""
READY = sorted(path for path in (ROOT / "policies").glob("*.toml") if not path.name.endswith(".test.toml"))
"""The ready templates."""
UV = str(ROOT / (os.environ.get("UV") or shutil.which("uv") or ".uv/bin/uv"))
"""The program uv: the one of `make`, or the one that is installed."""
