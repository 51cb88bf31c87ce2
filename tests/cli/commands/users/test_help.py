"""Help of `iot-authorizer users`, and what it costs the other commands."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from iot_authorizer_cli.app import app

COMMANDS = [
    "add",
    "set-password",
    "rotate",
    "set-claims",
    "set-valid-until",
    "disable",
    "enable",
    "unlock",
    "remove",
    "list",
    "show",
    "import",
]


def help_of(*command: str) -> str:
    return CliRunner().invoke(app, ["users", *command], prog_name="iot-authorizer", env={"COLUMNS": "80"}).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command: str) -> None:
    assert f"Example: iot-authorizer users {command}" in help_of(command, "--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_into_80_columns(command: str) -> None:
    assert [line for line in help_of(command, "--help").splitlines() if len(line) > 80] == []


def test_without_a_command_it_says_which_there_are() -> None:
    shown = help_of()
    assert [command for command in COMMANDS if f"\n  {command} " not in shown] == []


def test_other_commands_load_neither_boto3_nor_rich() -> None:
    script = (
        "import sys, iot_authorizer_cli.app; print({'boto3', 'botocore.session', 'rich.console'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == (
        "set()\n"
    )
