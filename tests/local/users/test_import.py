"""`iot-authorizer users import`: thousands of users, all or, where it is interrupted, the rest the next time."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from identities.passwords import fits, hash_password
from identities.sqlite_table import SqliteTable
from identities.table import Item, TableUnavailable
from identities.user import User, to_item, user_id
from local.development import DATA, table_path
from local.users.csv_file import Row
from local.users.import_run import ImportRun
from tests.local.users.conftest import Users

SECRET = "correct horse"
HASH = hash_password(SECRET)


def csv_of(count: int) -> str:
    """Users who share a hash: nothing has to be hashed."""
    return "name,hash\n" + "".join(f'd{number},"{HASH}"\n' for number in range(count))


def test_passwords_hashes_and_claims_are_imported(users_anywhere: Users) -> None:
    users_anywhere.write(
        "devices.csv",
        f'name,password,hash,claims\nann,{SECRET},,\nbob,,"{HASH}",\ncleo,,,"{{""role"": ""admin""}}"\n',
    )
    assert users_anywhere.done("import", "devices.csv") == "added 3, replaced 0, left alone 0\n"
    found = [users_anywhere.stored(name) for name in ("ann", "bob", "cleo")]
    assert [[fits(each.hash, SECRET.encode()) for each in user.passwords] for user in found] == [[True], [True], []]
    assert found[2].claims == {"role": "admin"}


def test_users_that_are_there_are_left_alone(users_anywhere: Users) -> None:
    users_anywhere.table.write(to_item(User("d1", claims={"kept": True})))
    users_anywhere.write("devices.csv", csv_of(3))
    assert users_anywhere.done("import", "devices.csv") == "added 2, replaced 0, left alone 1\n"
    assert users_anywhere.stored("d1").claims == {"kept": True}


def test_users_that_are_there_are_replaced_where_it_is_asked_for(users_anywhere: Users) -> None:
    users_anywhere.table.write(to_item(User("d1", claims={"kept": False})))
    users_anywhere.write("devices.csv", csv_of(3))
    assert users_anywhere.done("import", "devices.csv", "--replace") == "added 2, replaced 1, left alone 0\n"
    assert users_anywhere.stored("d1").claims == {}


def test_a_dry_run_counts_and_writes_nothing(users: Users) -> None:
    users.table.write(to_item(User("d1")))
    users.write("devices.csv", csv_of(3))
    told = users.done("import", "devices.csv", "--dry-run")
    assert told == "nothing was written; it would be: added 2, replaced 0, left alone 1\n"
    assert users.names() == ["d1"]


def test_more_users_than_one_reading_takes_are_all_there(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", csv_of(230))
    users_anywhere.done("import", "devices.csv")
    assert users_anywhere.names() == sorted(f"d{number}" for number in range(230))


def test_every_bad_line_is_told_and_nothing_is_written(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", f"name,password\nann,{SECRET}\na/b,{SECRET}\nbob,short\nann,{SECRET}\n")
    done = users_anywhere("import", "devices.csv")
    assert (done.returncode, done.stdout, users_anywhere.names()) == (2, "", [])
    assert done.stderr.splitlines() == [
        "devices.csv:3: name: a user name is one level of a topic: "
        "at most 128 bytes, none of / + # * ? $ and no control character",
        "devices.csv:4: password: a password has at least 8 characters",
        "devices.csv:5: the user is in line 2 already",
        "iot-authorizer: Invalid value for FILE: 3 lines are wrong: nothing was written",
    ]


def test_a_file_in_utf_16_is_one_problem(users: Users) -> None:
    users.write("devices.csv", csv_of(3).encode("utf-16"))
    done = users("import", "devices.csv")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "devices.csv:1: the file is in UTF-16: save it as CSV in UTF-8",
            "iot-authorizer: Invalid value for FILE: one line is wrong: nothing was written",
        ],
    )


def test_a_file_that_is_not_there_is_one_line(users: Users) -> None:
    done = users("import", "devices.csv")
    assert (done.returncode, done.stderr) == (2, "iot-authorizer: devices.csv: No such file or directory\n")


def test_a_file_with_a_header_alone_is_no_user(users: Users) -> None:
    users.write("devices.csv", "name\n")
    assert users.done("import", "devices.csv") == "added 0, replaced 0, left alone 0\n"


def test_in_a_pipe_each_tenth_is_a_line(users: Users) -> None:
    users.write("devices.csv", csv_of(250))
    assert users("import", "devices.csv").stderr.splitlines() == [
        f"{percent} %: {done} of 250"
        for percent, done in ((10, 25), (20, 50), (30, 75), (40, 100), (50, 125), (60, 150), (70, 175))
    ] + ["80 %: 200 of 250", "90 %: 225 of 250"]


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


def test_users_that_are_there_are_not_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = SqliteTable(tmp_path / "table")
    table.write(to_item(User("ann")))
    hashed: list[str] = []

    def noted(password: str) -> str:
        hashed.append(password)
        return HASH

    monkeypatch.setattr("local.users.import_run.hash_password", noted)
    ImportRun(table, [Row(User("ann"), "first one"), Row(User("bob"), "other one")], replacing=False).run(
        lambda _: None
    )
    assert hashed == ["other one"]


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


def test_no_output_holds_a_password(users: Users) -> None:
    users.write("devices.csv", f"name,password,claims\nann,{SECRET},{SECRET}\n{SECRET}/,{SECRET},,{SECRET}\n")
    bad = users("import", "devices.csv")
    users.write("devices.csv", f"name,password\nann,{SECRET}\n")
    good = users("import", "devices.csv")
    assert (bad.returncode, good.returncode) == (2, 0)
    assert SECRET not in bad.stdout + bad.stderr + good.stdout + good.stderr
