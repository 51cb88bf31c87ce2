"""Runs uv, or says why it cannot."""

from pathlib import Path

import pytest

from iot_authorizer_cdk.package.uv import UvError, find_uv, run_uv


def program(folder: Path, script: str) -> str:
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_variable_uv_names_the_program_which_runs_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("UV", program(tmp_path, 'echo "$1" > found'))
    run_uv("lock", cwd=tmp_path / "folder")
    assert (tmp_path / "folder/found").read_text() == "lock\n"


def test_without_a_program_of_the_users_it_is_that_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(find_uv()).is_file()


def test_a_program_that_cannot_run_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", str(tmp_path / "missing"))
    with pytest.raises(UvError, match=r"missing: No such file or directory: install uv \(https"):
        run_uv("lock")


def test_what_uv_says_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", program(tmp_path, "printf 'no\\n  network\\n' >&2; exit 1"))
    with pytest.raises(UvError, match=r"^uv lock: no network$"):
        run_uv("lock")


def test_an_active_environment_is_not_that_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "another")
    monkeypatch.setenv("UV", program(tmp_path, '[ -z "$VIRTUAL_ENV" ]'))
    run_uv("lock")


def test_its_messages_have_no_colours_whatever_the_cdk_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(UvError, match=r"^uv pip: error: [^\x1b]*$"):
        run_uv("pip", "compile", "/nowhere")
