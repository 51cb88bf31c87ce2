"""The checks' project, which all these tests use."""

from pathlib import Path

import pytest

from tests.cli.in_process import run_here


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the command writes."""
    folder = tmp_path_factory.mktemp("conformance")
    written = run_here(folder, "conformance", "checks")
    assert (written.returncode, written.stdout) == (0, "")
    return folder / "checks"
