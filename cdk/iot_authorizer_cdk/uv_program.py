"""uv, as a program."""

import os
import shutil
import subprocess
from pathlib import Path


class UvError(Exception):
    """uv is not there, or did not do what it was asked. Its text says why."""


def run_uv(*arguments: str, cwd: Path) -> str:
    """Runs uv: the one that UV names, the user's, or the one that `make` brought. Gives its output. Raises UvError."""
    program = os.environ.get("UV") or shutil.which("uv") or str(cwd / ".uv/bin/uv")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(
            [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UvError(f"{program}: {error.strerror}: install uv, or run `make build`") from None
    if done.returncode:
        raise UvError(f"uv {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout
