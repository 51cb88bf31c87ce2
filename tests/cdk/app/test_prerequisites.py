"""What the CDK needs from the machine is checked before anything runs."""

import sys
from pathlib import Path

import pytest

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.app.__main__ import main
from iot_authorizer_cdk.app.prerequisites import check_node


def write_node(folder: Path, version: str) -> None:
    """Makes the Node.js of the machine one of this version."""
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["v22.0.0", "v24.19.0", "v100.1.0"])
def test_a_supported_node_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    write_node(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    check_node()


@pytest.mark.parametrize(
    ("version", "found"), [("v20.20.2", "v20.20.2"), ("v8.1.0", "v8.1.0"), ("", "of no version"), ("22", "22")]
)
def test_a_node_that_the_cdk_does_not_support_is_named_with_the_version_needed_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: str
) -> None:
    write_node(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidSettings) as error:
        check_node()
    message = f"found Node.js {found} ({tmp_path}/node): the CDK needs Node.js 22 or newer: install it"
    assert str(error.value).startswith(message)


def test_a_missing_node_stops_the_app_before_it_reads_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder has neither cdk.json nor build/lambda."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["app"])
    with pytest.raises(SystemExit, match=r"^cdk: node: No such file or directory: the CDK needs Node.js 22 or newer"):
        main()


def test_the_node_that_jsii_is_told_to_run_is_the_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_node(tmp_path, "v20.0.0")
    monkeypatch.setenv("JSII_NODE", str(tmp_path / "node"))
    with pytest.raises(InvalidSettings, match=r"found Node\.js v20\.0\.0"):
        check_node()
