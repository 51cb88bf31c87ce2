"""The file of what survives."""

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
    storage.database.execute("DELETE FROM message")
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

    monkeypatch.setattr("iot_core.broker.storage.pack", remembered)
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
    assert storage.waiting_bytes == 5000 + 1001 * 256


def test_it_counts_the_same_when_it_was_opened_again(path: Path) -> None:
    storage = Storage(path)
    for_a_thousand(storage, Message("a", bytes(5000), 1))
    storage = again(storage, path)
    list(storage.queued())
    assert storage.waiting_bytes == 5000 + 1001 * 256


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
    assert (rows(storage)["message"], storage.waiting_bytes) == (0, 0)


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
    storage.database.close()
    assert [message.topic for message, _ in Storage(path).retained()] == ["a"]


def test_it_says_whether_something_is_to_be_committed() -> None:
    storage = Storage(":memory:")
    assert not storage.changed
    storage.forget_retained("a")
    assert storage.changed
    storage.commit()
    assert not storage.changed
