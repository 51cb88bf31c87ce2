"""The table of identities that a command works on."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from iot_authorizer_cli.project.development_issuer import table_path
from iot_authorizer_cli.project.identity_table import open_table, problem_of
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import TableUnavailable


def test_without_a_name_it_is_the_development_table(tmp_path: Path) -> None:
    open_table(None, tmp_path).write({"id": "a"})
    assert "a" in SqliteTable(table_path(tmp_path)).read(["a"])


def test_its_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    open_table(None, tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_its_folder_stays_out_of_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    open_table(None, tmp_path / "new").write({"id": "a"})
    told = subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == ""


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    open_table(None, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["", "new"])
def test_where_no_table_is_to_be_made_none_is(tmp_path: Path, folder: str) -> None:
    with pytest.raises(typer.BadParameter, match="there is no table in"):
        open_table(None, tmp_path / folder, make=False)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_a_table_of_dynamodb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert isinstance(open_table("devices", tmp_path), DynamoDbTable)


def test_without_botocore_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    script = """
import sys; sys.modules["botocore"] = None
from pathlib import Path
import typer
from iot_authorizer_cli.project.identity_table import open_table
try:
    open_table("devices", Path())
except typer.BadParameter as error:
    print(error.format_message())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    expected = "Invalid value for --table: there is no botocore: pip install 'iot-authorizer[aws]' brings it\n"
    assert (done.stdout, done.stderr) == (expected, "")


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
