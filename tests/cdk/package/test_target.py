"""What a build may replace, and how sources are compiled."""

from pathlib import Path

import pytest

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.target import (
    LAMBDA,
    check_replaceable,
    compile_sources,
    find_interpreter,
    this_machine,
)


def test_the_default_is_python_3_14_on_arm64() -> None:
    assert (LAMBDA.python, LAMBDA.platform) == ("3.14", "aarch64-manylinux_2_28")


def test_a_machine_without_a_processor_of_lambda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(InvalidSettings, match="this machine is riscv64, and Lambda has only arm64 and x86_64"):
        this_machine()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mine", "mine: not built by this command, which would replace it"),
        ("mine/thesis.txt", "not built by this command"),
        ("lambda", r"contains .*authorizer\.toml, and a build replaces it"),
        (".", r"contains .*authorizer\.toml"),
    ],
)
def test_a_build_replaces_only_what_a_build_wrote(config: Path, tmp_path: Path, place: str, message: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidSettings, match=message):
        build(config, tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_and_one_that_was_built_may_be_replaced(tmp_path: Path, code: Path) -> None:
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    check_replaceable(code, code.with_name("authorizer.toml"))
    with pytest.raises(InvalidSettings, match=r"contains .*sources"):
        check_replaceable(code, code / "sources")


def test_an_interpreter_is_found_by_its_version_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_interpreter(this_machine().python) is not None
    for name, script in (("python2.6", "#!/bin/sh\necho not installed\n"), ("python2.5", "not a program")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (find_interpreter("2.6"), find_interpreter("2.5")) == (None, None)


def test_a_mistake_in_a_source_is_one_line(tmp_path: Path) -> None:
    interpreter = find_interpreter(this_machine().python)
    assert interpreter is not None
    (tmp_path / "rooms.py").write_text("import re\nrooms = (\n")
    with pytest.raises(InvalidSettings, match=r"^rooms\.py:2: SyntaxError: '\(' was never closed$"):
        compile_sources(interpreter, tmp_path)
