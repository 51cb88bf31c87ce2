"""What a Lambda directory was built for, and what a build may replace."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import aws_lambda

from iot_authorizer_cdk.app import build_app
from iot_authorizer_cdk.authorizer_function import FunctionProps
from iot_authorizer_cdk.lambda_directory import build
from iot_authorizer_cdk.settings import InvalidSettings
from iot_authorizer_cdk.target import MARK, Target, check_replaceable, write_target
from tests import ROOT
from tests.cdk.conftest import Synth

X86_64 = 62
"""e_machine of an ELF file (elf.h)."""


@pytest.mark.parametrize(
    "props",
    [
        FunctionProps(architecture=aws_lambda.Architecture.X86_64),
        FunctionProps(runtime=aws_lambda.Runtime.PYTHON_3_13),
    ],
    ids=["architecture", "python"],
)
def test_a_directory_that_was_built_for_something_else_is_refused(synth: Synth, props: FunctionProps) -> None:
    with pytest.raises(InvalidSettings, match=r"lambda: built for Python 3\.14 on arm64, and the function runs Python"):
        synth(function=props)


@pytest.mark.parametrize("mark", ["", "[]", "{}"])
def test_a_directory_that_does_not_say_what_it_was_built_for_is_refused(synth: Synth, code: Path, mark: str) -> None:
    (code / MARK).write_text(mark)
    with pytest.raises(InvalidSettings, match="does not say what it was built for: `make build` writes it"):
        synth()


def test_a_stage_runs_on_what_its_directory_was_built_for(code: Path) -> None:
    write_target(code, Target("3.13", "x86_64"))
    stage = {"architecture": "x86_64", "python": "3.13"}
    assert build_app(code, {"stage": "prod", "stages": {"prod": stage}}).synth().stacks


def test_the_build_of_a_stage_is_for_what_the_stage_says(config: Path, tmp_path: Path) -> None:
    stages = {"prod": {"architecture": "x86_64", "python": "3.13"}}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": {"stages": stages}}))
    options = ["--stage", "prod", "--config", str(config), "--output", "built"]
    command = [sys.executable, "-m", "iot_authorizer_cdk.build_command", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    (library,) = (tmp_path / "built/pydantic_core").glob("*.so")
    assert int.from_bytes(library.read_bytes()[18:20], "little") == X86_64
    assert "cpython-313-" in library.name
    assert json.loads((tmp_path / "built" / MARK).read_text()) == stages["prod"]


def test_a_directory_that_no_build_wrote_is_left_as_it_is(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(InvalidSettings, match="mine: no build wrote this, and one would replace all of it"):
        build(ROOT, config, tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").is_file()


def test_a_file_is_no_directory_to_replace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidSettings, match="no build wrote this"):
        check_replaceable(tmp_path / "file")


@pytest.mark.parametrize("place", ["", ".."])
def test_a_directory_with_the_configuration_in_it_is_not_replaced(config: Path, place: str) -> None:
    with pytest.raises(InvalidSettings, match=r"authorizer\.toml is in it, and a build replaces all of it"):
        build(ROOT, config, config.parent / place)
    assert config.is_file()


def test_a_directory_with_the_sources_in_it_is_not_replaced(tmp_path: Path, code: Path) -> None:
    with pytest.raises(InvalidSettings, match="sources is in it"):
        check_replaceable(code, code / "sources")


def test_an_empty_directory_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")


def test_a_build_replaces_one_before(code: Path) -> None:
    check_replaceable(code, code.with_name("authorizer.toml"))
