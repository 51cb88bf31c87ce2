"""Runs uv, which locks and installs packages.

uv has its user's settings, so that a company's package index is used.
"""

import os
import shutil
import subprocess
from pathlib import Path

_INSTALL_UV = "install uv (https://docs.astral.sh/uv/), or name it in the variable UV"
_WITHOUT = ("VIRTUAL_ENV", "FORCE_COLOR")
"""Variables that uv must not see; the CDK sets the second one."""


class UvError(Exception):
    """uv is missing or failed. The text says why."""


def run_uv(*arguments: str, cwd: Path | None = None, typed: str = "") -> str:
    """Runs uv in a folder, by default in the current one, and returns its output. Raises UvError.

    `typed` is its standard input.
    """
    program = find_uv()
    environment = {name: value for name, value in os.environ.items() if name not in _WITHOUT} | {"NO_COLOR": "1"}
    command = [program, *arguments]
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, input=typed, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise UvError(f"{program}: {error.strerror}: {_INSTALL_UV}") from None
    if done.returncode:
        raise UvError(f"uv {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def find_uv() -> str:
    """Returns the uv that the variable UV names, the user's on PATH, or the one of the package `uv`. Raises UvError."""
    if program := os.environ.get("UV") or shutil.which("uv"):
        return program
    try:
        from uv import find_uv_bin  # noqa: PLC0415 (only an extra has it)

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        raise UvError(f"uv: not found: {_INSTALL_UV}") from None
