"""The limits of what is kept for absent clients, however many client IDs they use. Not limits of AWS."""

from pathlib import Path

import pytest

from iot_core.mqtt import Version
from tests.local.broker.bench import Bench, limits, only_mqtt_5, will
from tests.local.broker.peer import Peer

PLACE = 256
"""Bytes that each place in a queue counts."""


@pytest.fixture
def few(version: Version) -> Bench:
    """Keeps two sessions of clients that are away."""
    return Bench(version, limits=limits(absent_sessions=2))


def small(version: Version, messages: int, size: int = 1000) -> Bench:
    """Keeps so many messages of 1,000 bytes for clients that are away, each in a queue of its own."""
    return Bench(version, limits=limits(stored_bytes=messages * (size + PLACE)))


def leave(broker: Bench, *client_ids: str, topic_filter: str = "a") -> None:
    """Clients subscribe and disconnect, one after the other, a second apart."""
    for client_id in client_ids:
        broker.leave(topic_filter, qos=1, client_id=client_id)
        broker.wait(1)


def there(broker: Bench) -> list[str]:
    return sorted(session.client_id for session in broker.broker.sessions())


@pytest.mark.parametrize(
    ("client_ids", "kept"),
    [(("alice", "bob", "carol"), ["bob", "carol"]), (("alice", "bob", "alice", "carol"), ["alice", "carol"])],
)
def test_the_session_that_is_absent_for_longest_ends_at_once(
    few: Bench, client_ids: tuple[str, ...], kept: list[str]
) -> None:
    *before, last = client_ids
    leave(few, *before)
    few.connect("dan").lose()  # Its session ends with its connection, and does not count.
    assert there(few) == sorted({*before})
    few.persistent(last).lose()
    assert there(few) == kept


def test_connected_sessions_do_not_count(few: Bench) -> None:
    connected = [few.persistent(client_id).client.client_id for client_id in ("alice", "bob", "carol", "dan")]
    leave(few, "eve", "frank")
    assert there(few) == [*connected, "eve", "frank"]


def test_neither_a_session_that_ended_nor_a_connection_that_is_taken_over_counts(few: Bench) -> None:
    few.persistent("dan")
    leave(few, "alice", "bob")
    few.broker.disconnect("bob", clean_session=True)
    leave(few, "carol")
    few.persistent("dan")
    assert there(few) == ["alice", "carol", "dan"]


def test_nothing_is_left_of_a_session_that_ended(few: Bench) -> None:
    leave(few, "alice", topic_filter="only/alice")
    few.publish("only/alice", b"x", qos=1)
    leave(few, "bob", "carol")
    few.storage.commit()
    execute = few.storage.database.execute
    assert few.broker.router.group("only/alice") is None
    for table in ("session", "subscription"):
        found = execute(f"SELECT client_id FROM {table} ORDER BY client_id").fetchall()
        assert found == [("bob",), ("carol",)]
    assert execute("SELECT COUNT(*) FROM message").fetchone() == (0,)
    assert few.storage.waiting_bytes == 0
    assert not few.persistent("alice").connack.session_present


def test_it_is_no_longer_a_member_of_its_shared_subscription(few: Bench) -> None:
    leave(few, "alice", topic_filter="$share/g/a")
    few.publish("a", b"x", qos=1)
    leave(few, "bob", "carol")
    assert few.broker.router.group("$share/g/a") is None
    assert few.storage.waiting_bytes == 0


@only_mqtt_5
def test_it_is_reported_with_its_queued_messages_and_its_delayed_will_is_published(few: Bench) -> None:
    watcher = few.subscriber("wills/alice", client_id="watcher")
    alice = few.persistent("alice", will=will(will_delay_interval=100))
    alice.subscribe("a", qos=1)
    alice.lose()
    few.publish("a", b"x", qos=1)
    leave(few, "bob", "carol")
    assert [fields for kind, fields in few.reports if kind == "dropped"] == [
        {"client_id": "alice", "reason": "too_many_sessions", "count": 1}
    ]
    assert watcher.payloads() == [b"gone"]


def test_nothing_is_kept_for_a_session_that_ended_in_the_middle_of_a_delivery(version: Version) -> None:
    """The message ends a slow client. Its session is one too many, so that of an absent subscriber ends."""
    broker = Bench(version, limits=limits(absent_sessions=1, queued_messages=1))
    slow = broker.subscriber("a", qos=1, persistent=True, client_id="slow")
    leave(broker, "away")
    slow.wire.slow = True
    slow.subscribe("b", qos=1)
    broker.publish("b", b"fills its queue", qos=1)
    broker.publish("a", b"x", qos=1)
    assert there(broker) == ["slow"]
    broker.storage.commit()
    assert broker.storage.database.execute("SELECT client_id FROM queued").fetchall() == [("slow",)]


@only_mqtt_5
def test_sessions_that_expire_together_may_end_each_other(version: Version) -> None:
    """The Will of the first ends two slow clients. Their sessions are too many, so that the second one must end too."""
    broker = Bench(version, limits=limits(absent_sessions=2, queued_messages=0))
    for name in ("one", "two"):
        slow = broker.persistent(name)
        slow.subscribe("wills/alice", qos=1)
        slow.wire.slow = True
    broker.connect("alice", expiry=10, will=will(qos=1, will_delay_interval=100)).lose()
    broker.connect("bob", expiry=10).lose()
    broker.wait(10)
    assert there(broker) == ["one", "two"]


@pytest.mark.parametrize("killed", [False, True])
def test_sessions_over_the_limit_end_when_the_broker_starts(version: Version, tmp_path: Path, killed: bool) -> None:
    """A client that was connected when the process was killed was absent last."""
    broker = Bench(version, tmp_path / "iot-core.sqlite")
    alice = broker.persistent("alice")
    if not killed:
        alice.lose()
    leave(broker, "bob", "carol")
    broker.limits = limits(absent_sessions=2)
    (Bench.kill if killed else Bench.restart)(broker)
    assert there(broker) == (["alice", "carol"] if killed else ["bob", "carol"])


def publish(broker: Bench, *topics: str, size: int = 1000) -> None:
    for topic in topics:
        broker.publish(topic, bytes(size), qos=1)


def sizes(peer: Peer) -> list[int]:
    return [len(payload) for payload in peer.payloads()]


def test_all_queues_together_take_only_so_many_bytes(version: Version) -> None:
    broker = small(version, messages=2)
    names = ("alice", "bob", "carol")
    for name in names:
        leave(broker, name, topic_filter=name)
    publish(broker, *names)
    assert [len(broker.persistent(name).payloads()) for name in names] == [1, 1, 0]


@pytest.mark.parametrize("topic_filter", ["a", "$share/g/a"])
def test_what_they_do_not_take_is_counted_and_reported(version: Version, topic_filter: str) -> None:
    broker = small(version, messages=1)
    leave(broker, "alice", topic_filter=topic_filter)
    publish(broker, "a", "a", "a")
    assert (broker.missed(), broker.dropped()) == (2, ["queues_full"])
    assert sizes(broker.persistent("alice")) == [1000]


@pytest.mark.parametrize("size", [0, 1000])
def test_a_message_in_many_queues_counts_once_and_each_place_counts_too(version: Version, size: int) -> None:
    broker = Bench(version, limits=limits(stored_bytes=size + 3 * PLACE))
    leave(broker, "alice", "bob", "carol")
    publish(broker, "a", "a", size=size)
    assert [sizes(broker.persistent(name)) for name in ("alice", "bob", "carol")] == [[size]] * 3


def test_a_connected_client_misses_nothing(version: Version) -> None:
    broker = small(version, messages=1)
    leave(broker, "alice")
    bob = broker.subscriber("a", qos=1, persistent=True, client_id="bob")
    publish(broker, "a", "a", "a")
    assert sizes(bob) == [1000, 1000, 1000]


@pytest.mark.parametrize("expires", [False, True])
def test_acknowledged_messages_and_expired_sessions_make_room(version: Version, expires: bool) -> None:
    broker = small(version, messages=1)
    for _ in range(3):
        leave(broker, "alice")
        publish(broker, "a")
        if expires:
            broker.wait(3600)
        else:
            alice = broker.persistent("alice")
            alice.acknowledge(*alice.received())
    assert broker.dropped() == []


def test_what_was_kept_before_counts_after_a_restart(version: Version, tmp_path: Path) -> None:
    broker = Bench(version, tmp_path / "iot-core.sqlite", limits(stored_bytes=1000 + PLACE))
    leave(broker, "alice")
    publish(broker, "a")
    broker.restart()
    publish(broker, "a")
    assert broker.dropped() == ["queues_full"]


@only_mqtt_5
@pytest.mark.parametrize(("seconds", "dropped"), [(9, ["queues_full"]), (10, [])])
def test_a_will_counts_while_it_waits(version: Version, seconds: int, dropped: list[str]) -> None:
    broker = small(version, messages=1)
    leave(broker, "bob")
    broker.persistent("alice", will=will(payload=bytes(1000), will_delay_interval=10)).lose()
    broker.wait(seconds)
    publish(broker, "a")
    assert broker.dropped() == dropped


@only_mqtt_5
def test_a_will_is_not_kept_where_there_is_no_room(version: Version) -> None:
    broker = small(version, messages=1)
    leave(broker, "bob")
    publish(broker, "a")
    watcher = broker.subscriber("wills/alice", client_id="watcher")
    broker.persistent("alice", will=will(will_delay_interval=10)).lose()
    broker.wait(10)
    assert watcher.payloads() == []
    assert broker.dropped() == ["queues_full"]
