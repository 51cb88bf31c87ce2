"""Persistent sessions (developer guide, "MQTT persistent sessions"; MQTT 5.0, sections 3.1.2.11.2 and 4.1)."""

import pytest

from iot_core.mqtt import ReasonCode, Version
from tests.local.broker.bench import Bench, limits, only_mqtt_3_1_1, only_mqtt_5

HOUR = 3600
WEEK = 7 * 24 * HOUR


def away(broker: Bench, *payloads: bytes, qos: int = 1) -> None:
    """Alice subscribes and disconnects, and messages are published."""
    broker.leave("a", qos=qos)
    for payload in payloads:
        broker.publish("a", payload, qos=1)


def test_a_resumed_session_has_its_queue_and_its_subscriptions(broker: Bench) -> None:
    away(broker, b"1", b"2")
    alice = broker.persistent()
    assert alice.connack.session_present
    broker.publish("a", b"live")
    assert sorted(alice.payloads()) == [b"1", b"2", b"live"]


def test_a_clean_start_ends_the_session_before(broker: Bench) -> None:
    away(broker, b"1")
    alice = broker.connect()
    broker.publish("a", b"2")
    assert not alice.connack.session_present
    assert alice.payloads() == []


def test_a_clean_session_ends_with_its_connection(broker: Bench) -> None:
    broker.subscriber("a", qos=1).lose()
    broker.publish("a", b"1", qos=1)
    again = broker.persistent()
    assert (again.connack.session_present, again.payloads()) == (False, [])


@pytest.mark.parametrize(("published", "subscribed"), [(0, 1), (1, 0)])
def test_qos_0_is_not_queued_for_an_absent_client(broker: Bench, published: int, subscribed: int) -> None:
    away(broker, qos=subscribed)
    broker.publish("a", b"lost", qos=published)
    assert broker.persistent().payloads() == []


def test_only_unacknowledged_messages_are_sent_again_with_dup_and_their_packet_ids_and_before_others(
    broker: Bench,
) -> None:
    alice = broker.subscriber("a", qos=1, persistent=True)
    broker.number(1, 2, 3)
    first, second, third = alice.received()
    alice.acknowledge(first)
    alice.lose()
    broker.number(4)
    again = [(message.payload, message.packet_id, message.duplicate) for message in broker.persistent().received()]
    assert again[:2] == [(b"2", second.packet_id, True), (b"3", third.packet_id, True)]
    assert [(payload, duplicate) for payload, _, duplicate in again[2:]] == [(b"4", False)]
    assert len({packet_id for _, packet_id, _ in again}) == 3


def test_the_order_stays_over_many_connections(broker: Bench) -> None:
    away(broker, *(b"%d" % number for number in range(250)))
    received: list[bytes] = []
    while not received or received[-1] != b"249":
        alice = broker.persistent()
        messages = alice.received()
        received += [message.payload for message in messages[:70]]
        alice.acknowledge(*messages[:70])
        alice.lose()
    assert received == [b"%d" % number for number in range(250)]


def test_live_messages_queue_behind_those_that_wait(broker: Bench) -> None:
    away(broker, *(b"%d" % number for number in range(101)))
    alice = broker.persistent()
    broker.publish("a", b"live", qos=1)
    alice.acknowledge(*alice.received())
    assert alice.payloads() == [b"100", b"live"]


def test_a_clients_own_connected_event_comes_behind_what_waited(broker: Bench) -> None:
    broker.leave("$aws/events/presence/connected/alice", "a", qos=1)
    broker.publish("a", qos=1)
    assert broker.persistent().topics() == ["a", "$aws/events/presence/connected/alice"]


@only_mqtt_3_1_1
@pytest.mark.parametrize("seconds", [HOUR - 1, HOUR])
def test_a_session_of_mqtt_3_1_1_expires_after_an_hour(broker: Bench, seconds: int) -> None:
    away(broker, b"1")
    broker.wait(seconds)
    alice = broker.persistent()
    assert (alice.connack.session_present, alice.payloads()) == ((True, [b"1"]) if seconds < HOUR else (False, []))


@pytest.mark.parametrize("ticked", [False, True])
def test_an_expired_session_keeps_nothing(broker: Bench, ticked: bool) -> None:
    away(broker, b"1")
    broker.clock.now += HOUR
    if ticked:
        broker.broker.tick()
        assert broker.broker.session("alice") is None
        assert broker.broker.router.is_empty()
    assert not broker.persistent().connack.session_present
    assert broker.broker.router.is_empty()


def test_the_time_begins_when_the_connection_ends(broker: Bench) -> None:
    alice = broker.persistent()
    broker.wait(2 * HOUR)
    alice.lose()
    broker.wait(HOUR - 1)
    assert broker.persistent().connack.session_present


@only_mqtt_5
@pytest.mark.parametrize("changed", [None, 200])
def test_the_connect_or_the_disconnect_sets_the_expiry(broker: Bench, changed: int | None) -> None:
    broker.connect(expiry=100).disconnect(session_expiry_interval=changed)
    broker.wait((changed or 100) - 1)
    assert broker.broker.session("alice") is not None
    broker.wait(1)
    assert broker.broker.session("alice") is None


@only_mqtt_5
@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("expiry", [None, 100])
def test_only_the_expiry_makes_a_session_persistent(broker: Bench, clean: bool, expiry: int | None) -> None:
    broker.connect(clean=clean, expiry=expiry).lose()
    assert broker.connect(clean=False).connack.session_present is (expiry is not None)


@only_mqtt_5
@pytest.mark.parametrize(
    ("asked", "named"), [(None, None), (0, None), (1, None), (WEEK, None), (WEEK + 1, WEEK), (0xFFFF_FFFF, WEEK)]
)
def test_a_session_expires_after_at_most_7_days_and_connack_names_another_expiry_than_the_connects(
    broker: Bench, asked: int | None, named: int | None
) -> None:
    alice = broker.connect(expiry=asked)
    assert alice.connack.properties.session_expiry_interval == named
    alice.lose()
    broker.wait(WEEK)
    assert broker.broker.session("alice") is None


@only_mqtt_5
@pytest.mark.parametrize(("asked", "given"), [(0, None), (WEEK, WEEK), (WEEK + 1, WEEK)])
def test_a_disconnect_sets_an_expiry_of_at_most_7_days(broker: Bench, asked: int, given: int | None) -> None:
    broker.connect(expiry=100).disconnect(session_expiry_interval=asked)
    session = broker.broker.session("alice")
    assert (session.expiry_interval if session is not None else None) == given


@only_mqtt_5
def test_a_disconnect_that_gives_an_expiry_to_a_session_without_is_a_protocol_error(broker: Bench) -> None:
    alice = broker.connect()
    alice.disconnect(session_expiry_interval=1)
    assert alice.end == ReasonCode.PROTOCOL_ERROR
    assert broker.broker.session("alice") is None


@only_mqtt_5
def test_a_resumed_session_has_the_expiry_of_the_last_connect(broker: Bench) -> None:
    broker.connect(expiry=100).lose()
    broker.connect(clean=False, expiry=10).lose()
    broker.wait(10)
    assert broker.broker.session("alice") is None


@pytest.mark.parametrize(("limit", "kept"), [({"queued_messages": 3}, 3), ({"queued_bytes": 100}, 2)])
def test_a_full_queue_drops_messages_and_counts_them(version: Version, limit: dict[str, int], kept: int) -> None:
    broker = Bench(version, limits=limits(**limit))
    messages = [bytes([number]) * 60 for number in range(5)]
    away(broker, *messages)
    assert (broker.missed(), broker.dropped()) == (5 - kept, ["queue_full"])
    assert broker.persistent().payloads() == messages[:kept]


def test_the_first_message_that_is_dropped_is_reported_and_then_each_hundredth(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=0))
    away(broker, *[b"lost"] * 250)
    counts = [fields["count"] for kind, fields in broker.reports if kind == "dropped"]
    assert counts == [1, 101, 201]
