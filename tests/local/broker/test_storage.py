"""The file that holds what survives the process."""

from dataclasses import replace
from pathlib import Path

import pytest

from iot_core.broker.database import pack
from iot_core.broker.message import Message
from iot_core.broker.storage import Storage, StoredSession
from iot_core.mqtt import Properties, Subscription, Version, Will

PROPERTIES = Properties(
    payload_format_indicator=1,
    content_type="text/plain",
    response_topic="answers",
    correlation_data=b"\0\xff",
    user_properties=(("k", "v"), ("k", "w")),
)
SESSION = StoredSession("ann/ä", Version.MQTT_5, 600, "principal", 1_700_000_000.25, "CONNECTION_LOST")
WILL = Will("wills/ä", b"\0gone", 1, True, replace(PROPERTIES, message_expiry_interval=7))


NOTHING = {"session": 0, "subscription": 0, "queued": 0, "message": 0, "will": 0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "iot-core.sqlite"


@pytest.fixture
def storage(path: Path) -> Storage:
    """A storage with one session."""
    storage = Storage(path)
    storage.keep_session(SESSION)
    return storage


def again(storage: Storage, path: Path) -> Storage:
    storage.close()
    return Storage(path)


def rows(storage: Storage) -> dict[str, int]:
    """How many are in each table."""
    storage.commit()
    tables = ("session", "subscription", "queued", "message", "will")
    execute = storage.database.execute
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


@pytest.mark.parametrize(
    "session",
    [
        SESSION,
        SESSION._replace(version=Version.MQTT_3_1_1, disconnected_at=None, disconnect_reason=None),
        SESSION._replace(expiry_interval=7),
    ],
)
def test_a_session_replaces_the_one_before_and_comes_back_as_it_was(
    path: Path, storage: Storage, session: StoredSession
) -> None:
    storage.keep_session(session)
    assert list(again(storage, path).sessions()) == [session]


def test_rows_are_not_used_twice(path: Path, storage: Storage) -> None:
    first = storage.enqueue("ann/ä", Message("a", b"", 1), False)
    assert again(storage, path).enqueue("ann/ä", Message("a", b"", 1), False) > first


def test_messages_for_shared_subscriptions_are_apart(path: Path) -> None:
    storage = Storage(path)
    storage.keep_session(SESSION._replace(client_id="$share/g/a"))
    storage.enqueue("$share/g/a", Message("a", b"for the client", 1), False)
    storage.enqueue_shared("$share/g/a", Message("a", b"for the group", 1))
    found = {delivery.message.payload: delivery for delivery in again(storage, path).queued()}
    client, group = found[b"for the client"], found[b"for the group"]
    assert (client.client_id, client.shared) == ("$share/g/a", None)
    assert (group.client_id, group.shared) == (None, "$share/g/a")


def test_a_forgotten_session_is_forgotten_with_everything_of_it(path: Path, storage: Storage) -> None:
    message = Message("a", b"", 1)
    storage.keep_subscription("ann/ä", Subscription("a", 1))
    storage.dequeue(storage.enqueue("ann/ä", message, False), message)
    storage.keep_will("ann/ä", WILL, 1.0)
    storage.forget_session("ann/ä")
    assert rows(again(storage, path)) == NOTHING


def test_what_belongs_to_no_session_is_deleted_when_the_file_is_opened(path: Path) -> None:
    """As after a commit of the session that failed."""
    storage = Storage(path)
    storage.keep_subscription("unknown", Subscription("a", 1))
    storage.enqueue("unknown", Message("a", b"", 1), False)
    storage.keep_will("unknown", WILL, 1.0)
    assert rows(again(storage, path)) == NOTHING


def test_a_place_in_a_queue_without_its_message_is_deleted_when_the_file_is_opened(
    path: Path, storage: Storage
) -> None:
    storage.enqueue("ann/ä", Message("a", b"", 1), False)
    storage.commit()
    storage.database.execute("DELETE FROM message")
    assert list(again(storage, path).queued()) == []


def test_a_message_for_a_thousand_clients_is_packed_written_and_counted_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[Message | Will] = []

    def remembered(message: Message | Will) -> bytes:
        packed.append(message)
        return pack(message)

    monkeypatch.setattr("iot_core.broker.storage.pack", remembered)
    storage, message = Storage(path), Message("a", bytes(100_000), 1)
    for_a_thousand(storage, message)
    assert packed == [message]
    assert rows(storage)["message"] == 1
    assert 100_000 < sum(file.stat().st_size for file in path.parent.iterdir()) < 500_000
    assert storage.waiting_bytes == 100_000 + 1001 * 256
    storage = again(storage, path)
    found = list(storage.queued())
    assert (len(found), len({id(delivery.message) for delivery in found})) == (1001, 1)
    assert storage.waiting_bytes == 100_000 + 1001 * 256


@pytest.mark.parametrize("opened_again", [False, True])
def test_a_message_is_deleted_with_its_last_place(path: Path, opened_again: bool) -> None:
    storage, message = Storage(path), Message("a", b"x", 1)
    *places, last = for_a_thousand(storage, message)
    if opened_again:
        storage = again(storage, path)
        message = next(delivery.message for delivery in list(storage.queued()))
    for place in places:
        storage.dequeue(place, message)
    assert (rows(storage)["queued"], rows(storage)["message"]) == (1, 1)
    storage.dequeue(last, message)
    assert (rows(storage)["queued"], rows(storage)["message"], storage.waiting_bytes) == (0, 0, 0)


def test_a_message_that_left_its_last_queue_can_be_queued_again(path: Path, storage: Storage) -> None:
    """As when a member of a shared subscription leaves it to another one."""
    message = Message("a", b"x", 1)
    storage.dequeue(storage.enqueue("ann/ä", message, False), message)
    storage.enqueue("ann/ä", message, False)
    assert [delivery.message.payload for delivery in again(storage, path).queued()] == [b"x"]


def test_what_is_not_committed_is_lost_in_a_crash(path: Path, storage: Storage) -> None:
    storage.retain(Message("a", b"x"), 1)
    storage.commit()
    storage.retain(Message("b", b"x"), 1)
    storage.database.close()
    assert [message.topic for message, _ in Storage(path).retained()] == ["a"]


def test_it_says_whether_something_is_to_be_committed() -> None:
    storage = Storage(":memory:")
    assert not storage.changed
    storage.forget_retained("a")
    assert storage.changed
    storage.commit()
    assert not storage.changed
