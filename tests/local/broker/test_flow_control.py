"""How much a client is sent at once, and what becomes of one that is too slow."""

import pytest

from iot_core.mqtt import ReasonCode, Unsubscribe, Version
from tests.local.broker.bench import Bench, limits, only_mqtt_5
from tests.local.broker.peer import Peer


def subscriber(broker: Bench, client_id: str = "alice", **properties: int) -> Peer:
    peer = broker.connect(client_id, **properties)  # type: ignore[arg-type]
    peer.subscribe("a", qos=1)
    return peer


def test_a_client_has_100_messages_in_flight_and_a_puback_makes_room_for_the_next_one(broker: Bench) -> None:
    alice = subscriber(broker)
    broker.number(*range(102))
    messages = alice.received()
    assert len(messages) == 100
    alice.acknowledge(messages[50])
    assert alice.payloads() == [b"100"]


@only_mqtt_5
@pytest.mark.parametrize(("receive_maximum", "in_flight"), [(1, 1), (99, 99), (100, 100), (101, 100), (65_535, 100)])
def test_the_clients_receive_maximum_counts_up_to_100(broker: Bench, receive_maximum: int, in_flight: int) -> None:
    alice = subscriber(broker, receive_maximum=receive_maximum)
    broker.number(*range(150))
    assert len(alice.received()) == in_flight


@only_mqtt_5
def test_a_client_with_receive_maximum_1_gets_qos_0_at_once_and_qos_1_in_its_order(broker: Bench) -> None:
    alice = subscriber(broker, receive_maximum=1)
    broker.number(*range(5))
    broker.number(9, qos=0)
    received = []
    while messages := alice.received():
        received += [message.payload for message in messages]
        alice.acknowledge(*(message for message in messages if message.qos))
    assert received == [b"0", b"9", b"1", b"2", b"3", b"4"]


@only_mqtt_5
@pytest.mark.parametrize("qos", [0, 1])
def test_only_a_packet_over_the_clients_maximum_is_dropped_and_it_takes_no_room(broker: Bench, qos: int) -> None:
    header = 2 + len(b"\0\1a") + (2 if qos else 0) + len(b"\0")
    alice = subscriber(broker, maximum_packet_size=100, receive_maximum=1)
    broker.publish("a", bytes(101 - header), qos)
    broker.publish("a", bytes(100 - header), qos)
    assert [len(payload) for payload in alice.payloads()] == [100 - header]
    assert not alice.closed


def test_qos_0_is_dropped_and_counted_while_the_client_is_slow(broker: Bench) -> None:
    alice = subscriber(broker)
    alice.wire.slow = True
    broker.number(1, 2, qos=0)
    alice.wire.slow = False
    broker.number(3, qos=0)
    assert alice.payloads() == [b"3"]
    assert (broker.missed(), broker.dropped()) == (2, ["slow"])


def test_qos_1_is_queued_while_the_client_is_slow_whatever_it_acknowledges(broker: Bench) -> None:
    alice = subscriber(broker)
    broker.number(1)
    alice.wire.slow = True
    broker.number(2, 3)
    alice.acknowledge(*alice.received())
    assert alice.payloads() == []
    alice.wire.slow = False
    alice.drain()
    assert alice.payloads() == [b"2", b"3"]


class Slow:
    """A client whose queue of three messages is full."""

    def __init__(self, version: Version, *, persistent: bool = False) -> None:
        self.broker = Bench(version, limits=limits(queued_messages=3))
        self.alice = (self.broker.persistent if persistent else self.broker.connect)()
        self.alice.subscribe("a", qos=1)
        self.alice.wire.slow = True
        self.broker.number(1, 2, 3)


def test_a_client_whose_queue_is_full_is_ended_and_reported_with_the_message(version: Version) -> None:
    slow = Slow(version)
    assert not slow.alice.closed
    slow.broker.number(4)
    assert slow.alice.ended_with(ReasonCode.QUOTA_EXCEEDED)
    ends = [fields["disconnect_reason"] for _, fields in slow.broker.reports if fields.get("event") == "disconnected"]
    assert (ends, slow.broker.dropped()) == (["THROTTLED"], ["slow"])


def test_a_queue_that_is_full_of_bytes_ends_a_client_too_and_an_emptied_one_has_room(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_bytes=100))
    alice = subscriber(broker)
    for _ in range(2):
        alice.wire.slow = True
        broker.publish("a", bytes(100), qos=1)
        alice.wire.slow = False
        alice.drain()
    assert len(alice.payloads()) == 2
    alice.wire.slow = True
    broker.publish("a", bytes(100), qos=1)
    broker.publish("a", b"", qos=1)
    assert alice.closed


def test_other_subscribers_and_the_publisher_are_not_affected(version: Version) -> None:
    slow = Slow(version)
    carol = subscriber(slow.broker, "carol")
    bob = slow.broker.connect("bob")
    for payload in (b"4", b"5"):
        bob.publish("a", payload, qos=1)
    assert carol.payloads() == [b"4", b"5"]
    assert bob.pubacks() == [ReasonCode.SUCCESS] * 2


def test_a_persistent_session_keeps_what_waited(version: Version) -> None:
    slow = Slow(version, persistent=True)
    slow.broker.number(4)
    assert slow.broker.persistent().payloads() == [b"1", b"2", b"3"]


def test_a_client_that_is_too_slow_for_its_own_messages_gets_no_answer_after_its_end(version: Version) -> None:
    slow = Slow(version)
    slow.alice.publish("a", qos=1)
    assert (slow.alice.closed, slow.alice.pubacks()) == (True, [])


def came_back(version: Version) -> tuple[Bench, Peer]:
    """Return a client with a full queue that takes one message at a time."""
    broker = Bench(version, limits=limits(queued_messages=3, receive_maximum=1))
    broker.leave("a", qos=1)
    broker.number(1, 2, 3)
    alice = broker.persistent()
    broker.number(4)
    return broker, alice


def test_a_client_that_is_catching_up_is_not_ended_and_its_missed_messages_are_counted(version: Version) -> None:
    broker, alice = came_back(version)
    broker.number(5, 6)
    assert (alice.closed, broker.missed()) == (False, 2)


def test_a_client_that_has_caught_up_is_ended_like_any_other(version: Version) -> None:
    broker, alice = came_back(version)
    while messages := alice.received():
        alice.acknowledge(*messages)
    broker.number(5, 6, 7, 8)
    assert not alice.closed
    broker.number(9)
    assert alice.closed


@only_mqtt_5
def test_an_answer_that_is_larger_than_the_client_takes_ends_it(broker: Bench) -> None:
    alice = broker.connect(maximum_packet_size=60)
    alice.send(Unsubscribe(1, tuple(map(str, range(100)))))
    assert alice.end == ReasonCode.PACKET_TOO_LARGE
