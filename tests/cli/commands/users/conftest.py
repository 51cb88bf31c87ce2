"""`iot-authorizer users` on this machine's table or on a table in DynamoDB."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from iot_authorizer_cli.project.development_issuer import DATA, make_folder, table_path
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.passwords import hash_password
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Table
from iot_identities.user import User, from_item, user_id
from tests.cli.in_process import run_here
from tests.identities.conftest import _environment, aws, dynamodb_name, patient  # noqa: F401 (fixtures)

SECRET = "correct horse"
HASH = hash_password(SECRET)


def csv_of(count: int) -> str:
    """Users with the same hash, so that nothing must be hashed."""
    return "name,hash\n" + "".join(f'd{number},"{HASH}"\n' for number in range(count))


@dataclass
class Users:
    """Runs the command, and looks into the table that it writes to."""

    folder: Path
    table: Table
    options: tuple[str, ...] = ()

    def __call__(self, *arguments: str, typed: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """`typed` is standard input, which is not a terminal."""
        content = typed.encode() if isinstance(typed, str) else typed
        return run_here(self.folder, "users", *arguments, *self.options, typed=content)

    def done(self, *arguments: str, typed: str | bytes = "") -> str:
        """The output of a run that must succeed."""
        done = self(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stored(self, name: str) -> User:
        """A user of the table."""
        return from_item(self.table.read([user_id(name)])[user_id(name)])

    def names(self) -> list[str]:
        """All users of the table, sorted."""
        return sorted(from_item(item).name for item in self.table.items("user#"))

    def write(self, name: str, text: str | bytes) -> None:
        """Writes a file into the folder."""
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """On the development table."""
    table = SqliteTable(table_path(make_folder(tmp_path / DATA)))
    table.read([])
    return Users(tmp_path, table)


@pytest.fixture(params=["sqlite", "dynamodb"])
def users_anywhere(request: pytest.FixtureRequest, users: Users) -> Users:
    """On the development table, and on one in DynamoDB."""
    if request.param == "sqlite":
        return users
    name = request.getfixturevalue("dynamodb_name")
    return Users(users.folder, DynamoDbTable(name), ("--table", name))
