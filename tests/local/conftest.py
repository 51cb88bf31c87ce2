"""The command line, run as a user runs it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with the ready templates and the configuration."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies", ignore=shutil.ignore_patterns("*.py"))
    shutil.copy(ROOT / "authorizer.toml", tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs `iot-authorizer` with some arguments, in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "iot-authorizer"), *arguments]
        environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run
