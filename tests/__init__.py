"""The specification, as tests: `tests/NAME` is about the package in the folder NAME."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES_PATH = os.pathsep.join(str(ROOT / name) for name in ("authorizer", "identities", "policies", "local", "cli"))
"""PYTHONPATH for a process that imports our packages."""
