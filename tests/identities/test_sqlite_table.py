"""What is particular to a file: that it can't be used, and that others use it too."""

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item, TableUnavailable
from tests.clock import Clock
from tests.identities.questions import ANN, FIRST, NOW, Question, fill, questions

WRITING = """\
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print(flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "identities.sqlite"


def run(path: Path, statement: str) -> None:
    """Changes the file by hand."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement)


def test_only_its_owner_can_use_a_file(path: Path) -> None:
    table = SqliteTable(path)
    table.write(ANN)
    modes = {file.name.removeprefix(path.name): stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert {name: mode for name, mode in modes.items() if mode != 0o600} == {}
    assert modes.keys() >= {"", "-wal"}


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o606])
def test_a_file_that_others_can_use_is_not_trusted(path: Path, mode: int) -> None:
    SqliteTable(path).write(ANN)
    path.chmod(mode)
    with pytest.raises(TableUnavailable, match=r"identities\.sqlite: other users can read or write it: run chmod 600"):
        SqliteTable(path).read(["user#ann"])


@questions()
@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_of_another_program_is_not_changed(path: Path, content: bytes, ask: Question) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(TableUnavailable, match=r"identities\.sqlite: file is not a database"):
        ask(SqliteTable(path))
    assert path.read_bytes() == content


def test_a_file_of_another_format_is_refused(path: Path) -> None:
    path.touch(mode=0o600)
    run(path, "PRAGMA user_version = 2")
    with pytest.raises(TableUnavailable, match="expected format 1, found 2"):
        SqliteTable(path).read(["a"])


@questions()
def test_a_missing_folder_is_not_a_table(tmp_path: Path, ask: Question) -> None:
    with pytest.raises(TableUnavailable, match="unable to open database file"):
        ask(SqliteTable(tmp_path / "missing" / "identities.sqlite"))


def test_a_file_that_could_not_be_used_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "later" / "identities.sqlite"
    table = SqliteTable(path)
    with pytest.raises(TableUnavailable):
        table.read(["user#ann"])
    path.parent.mkdir()
    assert table.read(["user#ann"]) == {}


def read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite opens it so, as file permissions mean nothing to root."""
    connect = partial(sqlite3.connect, f"file:{path}?mode=ro", uri=True)
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(**options))


@questions("write", "write_some", "delete", "extend", "shorten", "keep")
def test_a_file_that_can_only_be_read_is_not_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, ask: Question
) -> None:
    SqliteTable(path).write(ANN)
    read_only(path, monkeypatch)
    with pytest.raises(TableUnavailable, match="attempt to write a readonly database"):
        ask(SqliteTable(path))


@pytest.fixture
def writing(path: Path) -> "subprocess.Popen[bytes]":
    """Another process, in the middle of writing."""
    with closing(SqliteTable(path)) as table:
        table.write(ANN)
    return subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def begun(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    process.stdout.readline()


@questions("write", "write_some", "delete", "extend", "shorten", "keep")
def test_a_file_that_another_process_writes_for_too_long_is_not_written(
    path: Path, writing: "subprocess.Popen[bytes]", ask: Question
) -> None:
    with writing:
        begun(writing)
        with pytest.raises(TableUnavailable, match="database is locked"):
            ask(SqliteTable(path, patience=0))


@pytest.mark.slow
def test_many_that_open_a_new_file_at_once_all_use_it(tmp_path: Path) -> None:
    together = Barrier(8)

    def write(path: Path) -> None:
        together.wait()
        SqliteTable(path).write(ANN)

    for number in range(30):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, [tmp_path / f"{number}.sqlite"] * 8))


@questions("read", "items")
def test_a_file_that_another_process_writes_is_read(
    path: Path, writing: "subprocess.Popen[bytes]", ask: Question
) -> None:
    with writing:
        begun(writing)
        assert ask(SqliteTable(path, patience=0))


def test_a_process_that_is_killed_while_it_writes_leaves_the_file_free(
    path: Path, writing: "subprocess.Popen[bytes]"
) -> None:
    with writing:
        begun(writing)
        writing.kill()
    SqliteTable(path, patience=0).write({**ANN, "after": True})
    assert SqliteTable(path).read(["user#ann"])["user#ann"]["after"] is True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The databases that are opened, in their order."""
    found: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401
        found.append(connect(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    return found


def test_a_disk_that_is_full_leaves_what_was_there(path: Path, opened: list[sqlite3.Connection]) -> None:
    table = SqliteTable(path, Clock(NOW))
    table.write(ANN)
    (pages,) = opened[0].execute("PRAGMA page_count").fetchone()
    opened[0].execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TableUnavailable, match="database or disk is full"):
        table.write({**ANN, "claims": "x" * 400_000})
    assert list(table.items("")) == [{**ANN, "revision": FIRST}]
    table.write({"id": "user#cleo"})


def test_of_some_items_all_are_stored_at_once_or_none(path: Path, opened: list[sqlite3.Connection]) -> None:
    table = SqliteTable(path)
    table.write(ANN)
    (pages,) = opened[0].execute("PRAGMA page_count").fetchone()
    writes: list[tuple[Item, Item | None]] = [({"id": "small"}, None), ({"id": "large", "claims": "x" * 400_000}, None)]
    opened[0].execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TableUnavailable, match="database or disk is full"):
        table.write_some(writes)
    assert table.read(["small", "large"]) == {}
    opened[0].execute(f"PRAGMA max_page_count = {pages + 200}")
    assert table.write_some(writes) == [True, True]


def test_what_has_expired_is_deleted_with_the_next_change(path: Path) -> None:
    clock = Clock(1_800_000_000)
    table = SqliteTable(path, clock)
    fill(table, [{"id": "old", "expires_at": int(clock.now)}, {"id": "new", "expires_at": int(clock.now) + 1}])
    table.write(ANN)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT id FROM item ORDER BY id").fetchall() == [("new",), ("user#ann",)]


@pytest.mark.parametrize("text", ["", "{", "[]", "1"])
@questions("read", "items", "extend", "shorten", "keep")
def test_an_item_that_was_edited_by_hand_can_be_broken(path: Path, text: str, ask: Question) -> None:
    table = SqliteTable(path)
    table.write(ANN)
    run(path, f"UPDATE item SET item = '{text}'")
    with pytest.raises(TableUnavailable, match="an item is not a JSON object"):
        ask(table)


@questions("extend", "shorten")
def test_an_expiry_that_is_not_a_number_is_not_moved(path: Path, ask: Question) -> None:
    table = SqliteTable(path)
    table.write(ANN)
    run(path, """UPDATE item SET item = '{"id": "user#ann", "expires_at": "never"}'""")
    with pytest.raises(TableUnavailable, match="expires_at is not a number"):
        ask(table)


def test_a_table_that_is_closed_opens_again(path: Path) -> None:
    table = SqliteTable(path)
    table.write(ANN)
    table.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert list(table.read(["user#ann"])) == ["user#ann"]


def test_an_unused_table_is_closed(path: Path) -> None:
    SqliteTable(path).write(ANN)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_one_thread_at_a_time_changes_it(path: Path) -> None:
    """A thread in a transaction reads the clock, which lets other threads run here."""
    table = SqliteTable(path, lambda: Event().wait(0.001) or 1)
    with ThreadPoolExecutor(4) as threads:
        extended = threads.map(lambda _: table.extend("a", now=1, by=1, most=12, seen=False), range(14))
        assert sum(extended) == 12


@pytest.mark.parametrize(("options", "milliseconds"), [({}, 1000), ({"patience": 0.5}, 500)])
def test_it_waits_for_others_that_write(
    path: Path, opened: list[sqlite3.Connection], options: dict[str, float], milliseconds: int
) -> None:
    table = SqliteTable(path, **options)  # type: ignore[arg-type]
    table.write(ANN)
    assert opened[0].execute("PRAGMA busy_timeout").fetchone() == (milliseconds,)
