"""An import that is interrupted, and goes on the next time."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from identities.sqlite_table import SqliteTable
from identities.table import Item, TableUnavailable
from identities.user import User, user_id
from local.development import DATA, table_path
from local.users.csv_file import Row
from local.users.import_run import ImportRun
from tests.local.users.conftest import Users, csv_of

CTRL_C = """
import os, signal
from identities import sqlite_table
put, written = sqlite_table._put, 0
def interrupted(database, item):
    global written
    written += 1
    if written == 60:
        os.kill(os.getpid(), signal.SIGINT)
    put(database, item)
sqlite_table._put = interrupted
from local.program import main
main()
"""
"""The program, which gets a Ctrl-C in the middle of its third batch of 25."""


def interrupted(users: Users, *options: str) -> subprocess.CompletedProcess[str]:
    users.write("devices.csv", csv_of(120))
    command = [sys.executable, "-c", CTRL_C, "users", "import", "devices.csv", *options]
    return subprocess.run(command, cwd=users.folder, env=os.environ, capture_output=True, text=True, check=False)


def test_ctrl_c_ends_it_and_says_how_to_go_on(users: Users) -> None:
    done = interrupted(users)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1] == "50 of 120 users are done: the same command goes on with the rest"


def test_ctrl_c_while_users_are_replaced_promises_no_rest(users: Users) -> None:
    done = interrupted(users, "--replace")
    assert done.stderr.splitlines()[-1] == "50 of 120 users are done: the same command writes all again"


def test_what_was_written_before_ctrl_c_is_whole(users: Users) -> None:
    interrupted(users)
    assert [len(users.stored(name).passwords) for name in users.names()] == [1] * 50


def test_after_ctrl_c_the_same_command_writes_the_rest(users: Users) -> None:
    interrupted(users)
    assert users.done("import", "devices.csv") == "added 70, replaced 0, left alone 50\n"
    assert len(users.names()) == 120


class Full(SqliteTable):
    """A table that takes some batches, and from then on no more."""

    batches = 2

    def write_many(self, items: Sequence[Item]) -> None:
        if self.batches == 0:
            raise TableUnavailable("ProvisionedThroughputExceededException")
        self.batches -= 1
        super().write_many(items)


def test_a_table_that_fails_half_way_is_gone_on_with(tmp_path: Path) -> None:
    rows = [Row(User(f"d{number}")) for number in range(60)]
    with pytest.raises(TableUnavailable):
        ImportRun(Full(tmp_path / "table"), rows, replacing=False).run(lambda _: None)
    again = ImportRun(SqliteTable(tmp_path / "table"), rows, replacing=False)
    again.run(lambda _: None)
    assert (again.added, again.left_alone) == (10, 50)


def test_a_table_that_is_busy_for_too_long_is_told_with_how_far_it_came(users: Users) -> None:
    users.write("devices.csv", csv_of(3))
    users.table.read([user_id("d1")])
    with closing(sqlite3.connect(table_path(users.folder / DATA), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = users("import", "devices.csv")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "0 of 3 users are done: the same command goes on with the rest",
            "iot-authorizer: .iot-authorizer/identities.sqlite: database is locked",
        ],
    )
