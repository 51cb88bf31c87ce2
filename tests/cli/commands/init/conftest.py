"""Runs `init` in an empty folder, with a program in the place of uv, so that no test needs the network."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.in_process import run_here

Init = Callable[..., CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder of a user's."""
    folder = tmp_path / "My chat"
    folder.mkdir()
    return folder


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    """A program that does what `uv lock` does, as far as `init` sees it."""
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\necho locked > uv.lock\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def init(project: Path, uv: Path) -> Init:
    """Runs `iot-authorizer init` with some arguments in the folder."""
    return lambda *arguments: run_here(project, "init", *arguments, environment={"UV": str(uv)})
