"""The file of what survives."""

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local.broker.message import Message
from local.broker.storage import Storage, StorageError
from local.broker.stored import StoredSession, pack
from local.mqtt import Properties, Subscription, Version, Will

PROPERTIES = Properties(
    payload_format_indicator=1,
    content_type="text/plain",
    response_topic="answers",
    correlation_data=b"\0\xff",
    user_properties=(("k", "v"), ("k", "w")),
)
SESSION = StoredSession("ann/ä", Version.MQTT_5, 600, "principal", 1_700_000_000.25, "CONNECTION_LOST")
WILL = Will("wills/ä", b"\0gone", 1, True, replace(PROPERTIES, message_expiry_interval=7))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "iot-core.sqlite"


def again(storage: Storage, path: Path) -> Storage:
    storage.close()
    return Storage(path)


def rows(storage: Storage) -> dict[str, int]:
    """How many are in each table."""
    storage.commit()
    tables = ("session", "subscription", "queued", "message", "will")
    execute = storage._database.execute
    return {table: execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables}


def for_a_thousand(storage: Storage, message: Message) -> list[int]:
    """Keeps a message for a thousand clients and a shared subscription; gives its places."""
    client_ids = [f"client {number}" for number in range(1000)]
    for client_id in client_ids:
        storage.keep_session(SESSION._replace(client_id=client_id))
    places = [storage.enqueue(client_id, message, False) for client_id in client_ids]
    places.append(storage.enqueue_shared("$share/g/a", message))
    storage.commit()
    return places


def fields(message: Message) -> tuple[object, ...]:
    return message.topic, message.payload, message.qos, message.retain, message.properties, message.expires_at


@pytest.mark.parametrize(
    "message",
    [
        Message("a", b"x"),
        Message("a/ä", b"\0\xff" * 1000, 1, True, PROPERTIES, 1_700_000_000.5),
        Message("a", b"", 0, True),
    ],
)
def test_a_message_comes_back_as_it_was(path: Path, message: Message) -> None:
    storage = Storage(path)
    storage.retain(message, 17)
    ((found, modified),) = again(storage, path).retained()
    assert (fields(found), modified) == (fields(message), 17)


def test_a_forgotten_retained_message_stays_forgotten(path: Path) -> None:
    storage = Storage(path)
    storage.retain(Message("a", b"x"), 1)
    storage.retain(Message("b", b"x"), 1)
    storage.forget_retained("a")
    assert [message.topic for message, _ in again(storage, path).retained()] == ["b"]


@pytest.mark.parametrize(
    "session", [SESSION, SESSION._replace(version=Version.MQTT_3_1_1, disconnected_at=None, disconnect_reason=None)]
)
def test_a_session_comes_back_as_it_was(path: Path, session: StoredSession) -> None:
    storage = Storage(path)
    storage.keep_session(session)
    assert list(again(storage, path).sessions()) == [session]


def test_a_session_takes_the_place_of_the_one_before(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    storage.keep_session(SESSION._replace(expiry_interval=7))
    assert [session.expiry_interval for session in again(storage, path).sessions()] == [7]


def test_subscriptions_come_back_with_their_options(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    subscriptions = [Subscription("a/#", 0), Subscription("$share/g/b", 1, False, True), Subscription("c", 1, True)]
    for subscription in subscriptions:
        storage.keep_subscription("ann/ä", subscription)
    storage.keep_subscription("ann/ä", Subscription("gone", 1))
    storage.forget_subscription("ann/ä", "gone")
    found = list(again(storage, path).subscriptions())
    assert found == [("ann/ä", subscription) for subscription in subscriptions]


def test_queued_messages_come_back_in_their_order(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    messages = [Message("a", b"%d" % number, 1) for number in range(5)]
    rows = [storage.enqueue("ann/ä", message, message.payload == b"2") for message in messages]
    storage.dequeue(rows[1], messages[1])
    found = list(again(storage, path).queued())
    assert [delivery.message.payload for delivery in found] == [b"0", b"2", b"3", b"4"]
    assert [delivery.retain for delivery in found] == [False, True, False, False]
    assert {delivery.client_id for delivery in found} == {"ann/ä"}


def test_messages_come_back_with_the_time_when_they_expire(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    for expires_at in (1_700_000_001.0, 1_700_000_002.0, None):
        storage.enqueue("ann/ä", Message("a", b"x", 1, expires_at=expires_at), False)
    found = [delivery.message.expires_at for delivery in again(storage, path).queued()]
    assert found == [1_700_000_001.0, 1_700_000_002.0, None]


def test_rows_are_not_used_twice(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    first = storage.enqueue("ann/ä", Message("a", b"", 1), False)
    storage = again(storage, path)
    assert storage.enqueue("ann/ä", Message("a", b"", 1), False) > first


def test_messages_for_shared_subscriptions_are_apart(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION._replace(client_id="$share/g/a"))
    storage.enqueue("$share/g/a", Message("a", b"for the client", 1), False)
    storage.enqueue_shared("$share/g/a", Message("a", b"for the group", 1))
    found = {delivery.message.payload: delivery for delivery in again(storage, path).queued()}
    client, group = found[b"for the client"], found[b"for the group"]
    assert (client.client_id, client.shared) == ("$share/g/a", None)
    assert (group.client_id, group.shared) == (None, "$share/g/a")


def test_a_forgotten_session_takes_all_along(path: Path) -> None:
    storage = Storage(path)
    message = Message("a", b"", 1)
    storage.keep_session(SESSION)
    storage.keep_subscription("ann/ä", Subscription("a", 1))
    storage.dequeue(storage.enqueue("ann/ä", message, False), message)
    storage.keep_will("ann/ä", WILL, 1.0)
    storage.forget_session("ann/ä")
    assert rows(again(storage, path)) == {"session": 0, "subscription": 0, "queued": 0, "message": 0, "will": 0}


def test_what_a_session_left_behind_that_could_not_be_written_is_gone(path: Path) -> None:
    storage = Storage(path)
    storage.keep_subscription("nobody", Subscription("a", 1))
    storage.enqueue("nobody", Message("a", b"", 1), False)
    storage.keep_will("nobody", WILL, 1.0)
    assert rows(again(storage, path)) == {"session": 0, "subscription": 0, "queued": 0, "message": 0, "will": 0}


def test_a_place_in_a_queue_whose_message_could_not_be_written_is_gone(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    storage.enqueue("ann/ä", Message("a", b"", 1), False)
    storage.commit()
    storage._database.execute("DELETE FROM message")
    assert list(again(storage, path).queued()) == []


def test_a_message_for_a_thousand_clients_is_written_once(path: Path) -> None:
    storage, message = Storage(path), Message("a", bytes(100_000), 1)
    for_a_thousand(storage, message)
    size = sum(file.stat().st_size for file in path.parent.iterdir())
    assert rows(storage)["message"] == 1
    assert len(message.payload) < size < 5 * len(message.payload)


def test_a_message_for_a_thousand_clients_is_packed_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[Message | Will] = []

    def remembered(message: Message | Will) -> bytes:
        packed.append(message)
        return pack(message)

    monkeypatch.setattr("local.broker.stored_queues.pack", remembered)
    message = Message("a", b"x", 1)
    for_a_thousand(Storage(path), message)
    assert packed == [message]


def test_a_message_for_a_thousand_clients_comes_back_as_one_object(path: Path) -> None:
    storage = Storage(path)
    for_a_thousand(storage, Message("a", b"x", 1))
    found = list(again(storage, path).queued())
    assert len(found) == 1001
    assert len({id(delivery.message) for delivery in found}) == 1


def test_it_counts_a_message_once_and_256_bytes_for_each_place(path: Path) -> None:
    storage = Storage(path)
    for_a_thousand(storage, Message("a", bytes(5000), 1))
    assert storage.queued_bytes == 5000 + 1001 * 256


def test_it_counts_the_same_when_it_was_opened_again(path: Path) -> None:
    storage = Storage(path)
    for_a_thousand(storage, Message("a", bytes(5000), 1))
    storage = again(storage, path)
    list(storage.queued())
    assert storage.queued_bytes == 5000 + 1001 * 256


def test_a_message_stays_until_it_left_its_last_queue(path: Path) -> None:
    storage, message = Storage(path), Message("a", b"x", 1)
    places = for_a_thousand(storage, message)
    for place in places[:-1]:
        storage.dequeue(place, message)
    assert [delivery.row for delivery in again(storage, path).queued()] == places[-1:]


@pytest.mark.parametrize("opened_again", [False, True])
def test_a_message_that_left_its_last_queue_is_gone(path: Path, opened_again: bool) -> None:
    storage, message = Storage(path), Message("a", b"x", 1)
    places = for_a_thousand(storage, message)
    if opened_again:
        storage = again(storage, path)
        message = next(delivery.message for delivery in list(storage.queued()))
    for place in places:
        storage.dequeue(place, message)
    storage.commit()
    assert (rows(storage)["message"], storage.queued_bytes) == (0, 0)


def test_a_message_that_was_gone_can_be_kept_again(path: Path) -> None:
    """As one that a member of a shared subscription left to another."""
    storage, message = Storage(path), Message("a", b"x", 1)
    storage.keep_session(SESSION)
    storage.dequeue(storage.enqueue("ann/ä", message, False), message)
    storage.enqueue("ann/ä", message, False)
    assert [delivery.message.payload for delivery in again(storage, path).queued()] == [b"x"]


def test_a_will_comes_back_as_it_was(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    storage.keep_will("ann/ä", WILL, 1_700_000_000.5)
    assert list(again(storage, path).wills()) == [("ann/ä", WILL, 1_700_000_000.5)]


def test_a_forgotten_will_stays_forgotten(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION)
    storage.keep_will("ann/ä", WILL, 1_700_000_000.5)
    storage.forget_will("ann/ä")
    assert list(again(storage, path).wills()) == []


def test_what_is_not_committed_is_not_there_after_a_crash(path: Path) -> None:
    storage = Storage(path)
    storage.retain(Message("a", b"x"), 1)
    storage.commit()
    storage.retain(Message("b", b"x"), 1)
    storage._database.close()
    assert [message.topic for message, _ in Storage(path).retained()] == ["a"]


def test_it_says_whether_something_is_to_be_committed() -> None:
    storage = Storage(":memory:")
    assert not storage.changed
    storage.forget_retained("a")
    assert storage.changed
    storage.commit()
    assert not storage.changed


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
        f"{path}: can't be used: it is of format 1, and this version writes 2; remove it to begin anew: "
        "nothing but the sessions, queues and retained messages of this machine is in it"
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


def test_a_file_that_another_process_uses_is_refused(path: Path) -> None:
    program = f"from local.broker.storage import Storage\ns = Storage({str(path)!r})\nprint(flush=True)\ninput()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StorageError) as refused:
            Storage(path)
        other.communicate(b"\n")
    assert one_line(refused.value) == f"{path}: another process uses this data folder"


def test_a_file_that_another_process_used_is_free(path: Path) -> None:
    Storage(path).close()
    Storage(path).close()


def filled(path: Path) -> Storage:
    """A storage on a disk that takes nothing more."""
    storage = Storage(path)
    storage.commit()
    (pages,) = storage._database.execute("PRAGMA page_count").fetchone()
    storage._database.execute(f"PRAGMA max_page_count = {pages}")
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

    storage._database.set_authorizer(deny)
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
