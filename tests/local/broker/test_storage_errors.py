"""Unusable files and failing commits: the error is one line, and nothing is half written."""

import sqlite3
import stat
from functools import partial
from pathlib import Path

import pytest

from iot_core.broker.message import Message
from iot_core.broker.storage import Storage, StorageError
from tests.local.broker.test_storage import SESSION, again


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "iot-core.sqlite"


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def refusal(path: Path) -> str:
    """Return why a file can't be opened."""
    with pytest.raises(StorageError) as refused:
        Storage(path)
    return one_line(refused.value)


def test_a_file_of_another_format_is_refused_and_the_error_says_what_to_do(path: Path) -> None:
    change(path, "PRAGMA user_version = 1")
    assert refusal(path) == (
        f"{path}: can't be used: it has format 1, and this version writes 3. Remove the file: it holds "
        "only the sessions, queues and retained messages of this machine"
    )


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: can't be used: ")
    assert path.read_bytes() == content


def test_only_the_owner_can_read_new_files(path: Path) -> None:
    storage = Storage(path)
    storage.retain(Message("a", b"x"), 1)
    storage.commit()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"iot-core.sqlite": 0o600, "iot-core.sqlite-wal": 0o600}


@pytest.mark.parametrize("place", ["missing/iot-core.sqlite", ""])
def test_a_missing_folder_and_a_folder_in_the_files_place_are_refused(tmp_path: Path, place: str) -> None:
    assert refusal(tmp_path / place).endswith("can't be used: unable to open database file")


def test_a_read_only_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite opens it read-only, since root ignores file permissions."""
    Storage(path).close()
    connect = partial(sqlite3.connect, f"file:{path}?mode=ro", uri=True)
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(**options))
    assert refusal(path).startswith(f"{path}: can't be used: ")


def test_a_file_is_refused_while_it_is_in_use(path: Path) -> None:
    other = Storage(path)
    assert refusal(path).startswith(f"{path}: another process uses this data folder: ")
    other.close()
    Storage(path).close()


def filled(path: Path) -> Storage:
    """A storage on a full disk."""
    storage = Storage(path)
    storage.commit()
    (pages,) = storage.database.execute("PRAGMA page_count").fetchone()
    storage.database.execute(f"PRAGMA max_page_count = {pages}")
    return storage


def change(path: Path, *statements: str) -> None:
    """Change a closed file by SQL."""
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def test_a_commit_on_a_full_disk_writes_nothing_and_the_next_one_succeeds_if_it_can(path: Path) -> None:
    storage = filled(path)
    storage.retain(Message("small", b"x"), 1)
    storage.retain(Message("large", bytes(100_000)), 1)
    with pytest.raises(StorageError) as refused:
        storage.commit()
    assert one_line(refused.value) == f"{path}: can't be written: database or disk is full"
    storage.retain(Message("next", b"x"), 1)
    storage.commit()
    assert [message.topic for message, _ in again(storage, path).retained()] == ["next"]


def test_a_statement_that_fails_takes_the_others_along(path: Path) -> None:
    storage = Storage(path)

    def deny(action: int, table: str | None, *_: str | None) -> int:
        denied = action == sqlite3.SQLITE_INSERT and table == "queued"
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    storage.database.set_authorizer(deny)
    storage.retain(Message("a", b"x"), 1)
    storage.enqueue("ann", Message("a", b"x"), False)
    with pytest.raises(StorageError):
        storage.commit()
    storage.retain(Message("b", b"x"), 1)
    storage.commit()
    assert [message.topic for message, _ in again(storage, path).retained()] == ["b"]


def test_places_in_queues_are_not_written_later_where_another_statement_failed(path: Path) -> None:
    storage = filled(path)
    storage.keep_session(SESSION)
    storage.retain(Message("large", bytes(100_000)), 1)
    storage.enqueue("ann/ä", Message("a", b"x", 1), False)
    with pytest.raises(StorageError):
        storage.commit()
    storage.keep_session(SESSION)
    assert list(again(storage, path).queued()) == []


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["INSERT INTO retained VALUES ('a', x'00', NULL, 1)"], "the data folder holds a message that can't be read"),
        (["DROP TABLE retained", "CREATE TABLE retained (topic TEXT)"], "can't be read: "),
    ],
)
def test_content_that_can_not_be_read_is_a_storage_error(path: Path, statements: list[str], expected: str) -> None:
    Storage(path).close()
    change(path, *statements)
    with pytest.raises(StorageError) as refused:
        list(Storage(path).retained())
    assert expected in one_line(refused.value)
