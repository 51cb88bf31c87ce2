"""An import that is interrupted, and continues the next time."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from iot_authorizer_cli.commands.users.csv_file import Row
from iot_authorizer_cli.commands.users.import_run import ImportRun
from iot_authorizer_cli.project.development_issuer import DATA, table_path
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item, TableBusy, TableUnavailable
from iot_identities.user import User, to_item, user_id
from tests.cli.commands.users.conftest import Users, csv_of

pytestmark = pytest.mark.slow

CTRL_C = """
import os, signal
from iot_identities import sqlite_table
put, written = sqlite_table._put, 0
def interrupted(database, item):
    global written
    written += 1
    if written == 60:
        os.kill(os.getpid(), signal.SIGINT)
    put(database, item)
sqlite_table._put = interrupted
from iot_authorizer_cli.entry_point import main
main()
"""
"""The program, interrupted by Ctrl-C while it writes its 60th user."""


def interrupted(users: Users, *options: str) -> subprocess.CompletedProcess[str]:
    users.write("devices.csv", csv_of(120))
    command = [sys.executable, "-c", CTRL_C, "users", "import", "devices.csv", *options]
    return subprocess.run(command, cwd=users.folder, env=os.environ, capture_output=True, text=True, check=False)


def test_after_ctrl_c_the_same_command_writes_the_rest(users: Users) -> None:
    done = interrupted(users)
    assert (done.returncode, done.stdout) == (130, "")
    there = len(users.names())
    assert 60 <= there < 120
    assert done.stderr.splitlines()[-1] == f"{there} of 120 users are done: the same command continues"
    assert {len(users.stored(name).passwords) for name in users.names()} == {1}
    assert users.done("import", "devices.csv") == f"added {120 - there}, replaced 0, skipped {there}\n"
    assert len(users.names()) == 120


def test_ctrl_c_while_users_are_replaced_says_that_the_command_starts_again(users: Users) -> None:
    done = interrupted(users, "--replace")
    assert done.stderr.splitlines()[-1].endswith(" of 120 users are done: the same command starts again")


Writes = Sequence[tuple[Item, Item | None]]
ROWS = [Row(User(f"d{number}")) for number in range(60)]


class Single(SqliteTable):
    """A table that stores one user at once, as DynamoDB does."""

    def write_some(self, writes: Writes) -> Sequence[bool]:
        return super().write_some(writes[:1])


class Failing(Single):
    """Stores some users, and then raises an error several times."""

    users = 50
    times = 1_000
    error = TableUnavailable("AccessDeniedException")

    def write_some(self, writes: Writes) -> Sequence[bool]:
        if self.users <= 0 and self.times > 0:
            self.times -= 1
            raise self.error
        self.users -= 1
        return super().write_some(writes)


def test_after_an_error_of_the_table_the_same_import_continues(tmp_path: Path) -> None:
    with pytest.raises(TableUnavailable):
        ImportRun(Failing(tmp_path / "table"), ROWS, replacing=False).run(lambda _: None)
    again = ImportRun(SqliteTable(tmp_path / "table"), ROWS, replacing=False)
    again.run(lambda _: None)
    assert again.skipped >= 50
    assert again.added + again.skipped == 60


class Storing(SqliteTable):
    """A table that tells when it begins to store users."""

    began = Event()

    def write_some(self, writes: Writes) -> Sequence[bool]:
        self.began.set()
        return super().write_some(writes)


def test_ctrl_c_while_a_thread_starts_leaves_no_user_uncounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, table = Thread.start, Storing(tmp_path / "table")

    def interrupted_start(thread: Thread) -> None:
        start(thread)
        table.began.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(Thread, "start", interrupted_start)
    running = ImportRun(table, ROWS, replacing=False)
    with pytest.raises(KeyboardInterrupt):
        running.run(lambda _: None)
    assert 0 < running.done == len(list(table.items("user#")))


def test_a_busy_table_is_asked_again_after_growing_pauses(tmp_path: Path) -> None:
    pauses: list[float] = []
    table = Failing(tmp_path / "table")
    table.users, table.times, table.error = 0, 5, TableBusy("ThrottlingException")
    running = ImportRun(table, ROWS[:1], replacing=False, pause=pauses.append)
    running.run(lambda _: None)
    assert (running.added, pauses[0], len(pauses)) == (1, 0.05, 5)
    assert pauses == sorted(set(pauses))


def test_a_table_that_stays_busy_is_given_up(tmp_path: Path) -> None:
    pauses: list[float] = []
    table = Failing(tmp_path / "table")
    table.users, table.error = 0, TableBusy("ThrottlingException")
    with pytest.raises(TableBusy):
        ImportRun(table, ROWS[:1], replacing=False, pause=pauses.append).run(lambda _: None)
    assert len(pauses) == 8
    assert sum(pauses) < 13


class Overtaken(SqliteTable):
    """A table into which another writer writes the first user just before."""

    def write_some(self, writes: Writes) -> Sequence[bool]:
        item, replacing = writes[0]
        self.write({**item, "disabled": True}, replacing=replacing, new=replacing is None)
        return super().write_some(writes)


@pytest.mark.parametrize("replacing", [False, True])
def test_users_that_another_writer_changes_meanwhile_are_skipped(tmp_path: Path, replacing: bool) -> None:
    if replacing:
        SqliteTable(tmp_path / "table").write(to_item(ROWS[0].user))
    table = Overtaken(tmp_path / "table")
    running = ImportRun(table, ROWS[:1], replacing=replacing)
    running.run(lambda _: None)
    assert (running.added, running.replaced, running.overtaken) == (0, 0, ["d0"])
    assert table.read(["user#d0"])["user#d0"]["disabled"] is True


def test_a_table_that_stays_busy_is_reported_with_the_progress(users: Users) -> None:
    users.write("devices.csv", csv_of(3))
    users.table.read([user_id("d1")])
    with closing(sqlite3.connect(table_path(users.folder / DATA), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = users("import", "devices.csv")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "0 of 3 users are done: the same command continues",
            "iot-authorizer: .iot-authorizer/identities.sqlite: database is locked",
        ],
    )
