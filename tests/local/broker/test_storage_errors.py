"""Files that can't be used, and commits that fail: one line, and nothing half-written."""

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


def test_a_file_of_another_format_is_refused_and_it_says_what_to_do(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 1")
    database.close()
    with pytest.raises(StorageError) as refused:
        Storage(path)
    assert one_line(refused.value) == (
        f"{path}: can't be used: it has format 1, and this version writes 2. Remove the file to start afresh: it holds "
        "only the sessions, queues and retained messages of this machine"
    )


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        Storage(path)
    assert one_line(refused.value).startswith(f"{path}: can't be used: ")
    assert path.read_bytes() == content


def test_new_files_are_their_owners_alone(path: Path) -> None:
    storage = Storage(path)
    storage.retain(Message("a", b"x"), 1)
    storage.commit()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"iot-core.sqlite": 0o600, "iot-core.sqlite-wal": 0o600}


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refused:
        Storage(tmp_path / "missing" / "iot-core.sqlite")
    assert one_line(refused.value).endswith("can't be used: unable to open database file")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refused:
        Storage(tmp_path)
    assert one_line(refused.value).endswith("can't be used: unable to open database file")


def test_a_file_that_can_only_be_read_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite opens it so, as file permissions mean nothing to root."""
    Storage(path).close()
    connect = partial(sqlite3.connect, f"file:{path}?mode=ro", uri=True)
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(**options))
    with pytest.raises(StorageError) as refused:
        Storage(path)
    assert one_line(refused.value).startswith(f"{path}: can't be used: ")


def test_a_file_that_is_in_use_is_refused(path: Path) -> None:
    other = Storage(path)
    with pytest.raises(StorageError) as refused:
        Storage(path)
    other.close()
    assert one_line(refused.value).startswith(f"{path}: another process uses this data folder: ")


def test_a_file_that_another_process_used_is_free(path: Path) -> None:
    Storage(path).close()
    Storage(path).close()


def filled(path: Path) -> Storage:
    """A storage on a disk that takes nothing more."""
    storage = Storage(path)
    storage.commit()
    (pages,) = storage.database.execute("PRAGMA page_count").fetchone()
    storage.database.execute(f"PRAGMA max_page_count = {pages}")
    return storage


def test_a_disk_that_is_full_is_one_line(path: Path) -> None:
    storage = filled(path)
    storage.retain(Message("a", bytes(100_000)), 1)
    with pytest.raises(StorageError) as refused:
        storage.commit()
    assert one_line(refused.value) == "the data folder can't be written: database or disk is full"


def test_nothing_of_a_failed_commit_is_written(path: Path) -> None:
    storage = filled(path)
    storage.retain(Message("small", b"x"), 1)
    storage.retain(Message("large", bytes(100_000)), 1)
    with pytest.raises(StorageError):
        storage.commit()
    assert list(again(storage, path).retained()) == []


def test_the_next_commit_succeeds_where_it_can(path: Path) -> None:
    storage = filled(path)
    storage.retain(Message("large", bytes(100_000)), 1)
    with pytest.raises(StorageError):
        storage.commit()
    storage.retain(Message("small", b"x"), 1)
    storage.commit()
    assert [message.topic for message, _ in again(storage, path).retained()] == ["small"]


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


def test_a_message_that_can_not_be_read_is_a_storage_error(path: Path) -> None:
    Storage(path).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO retained VALUES ('a', x'00', NULL, 1)")
    database.close()
    with pytest.raises(StorageError) as refused:
        list(Storage(path).retained())
    assert one_line(refused.value) == "the data folder holds a message that can't be read"


def test_a_table_that_can_not_be_read_is_a_storage_error(path: Path) -> None:
    Storage(path).close()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE retained")
        database.execute("CREATE TABLE retained (topic TEXT)")
    database.close()
    with pytest.raises(StorageError) as refused:
        list(Storage(path).retained())
    assert one_line(refused.value).startswith("the data folder can't be read: ")
