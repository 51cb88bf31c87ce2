"""The table of identities that a command uses."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from iot_authorizer_cli.project.development_issuer import table_path
from iot_authorizer_cli.project.identity_table import TableOptions, problem_of
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import TableUnavailable


def test_without_a_name_it_is_the_development_table_in_a_private_folder_outside_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    folder = tmp_path / "new"
    TableOptions(data=folder).open(make=True).write({"id": "a"})
    assert "a" in SqliteTable(table_path(folder)).read(["a"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    status = subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    TableOptions(data=tmp_path).open(make=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["", "new"])
def test_a_command_that_only_reads_makes_no_table(tmp_path: Path, folder: str) -> None:
    with pytest.raises(typer.BadParameter, match="has no table yet"):
        TableOptions(data=tmp_path / folder).open()
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_a_table_of_dynamodb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert isinstance(TableOptions("devices", tmp_path).open(), DynamoDbTable)


def test_without_botocore_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("dynamodb_table", "service_data"):
        monkeypatch.delitem(sys.modules, f"iot_identities.{module}", raising=False)
    for name in [each for each in sys.modules if each.startswith("botocore.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(typer.BadParameter) as error:
        TableOptions("devices", tmp_path).open()
    expected = "botocore is not installed: install this package with its extra `aws`, or boto3"
    assert error.value.format_message() == f"Invalid value for --table: {expected}"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("ResourceNotFoundException", "DynamoDB: ResourceNotFoundException: check the table's name, and the region"),
        ("NoRegionError", "DynamoDB: NoRegionError: set AWS_DEFAULT_REGION"),
        ("NoCredentialsError", "DynamoDB: NoCredentialsError: check the credentials"),
        ("EndpointConnectionError", "DynamoDB: EndpointConnectionError: check the table's name, the region and the"),
        ("identities.sqlite: disk I/O error", "identities.sqlite: disk I/O error"),
    ],
)
def test_an_error_of_the_table_says_what_to_check(error: str, advice: str) -> None:
    assert problem_of(TableUnavailable(error)).startswith(advice)
