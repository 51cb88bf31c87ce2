"""IoT Core's quotas for a connection (AWS General Reference, "AWS IoT Core endpoints and quotas")."""

import pytest

from iot_core.mqtt import ReasonCode, Version
from tests.local.broker.bench import MQTT_5, Bench, limits, only_mqtt_5, will
from tests.local.broker.peer import Peer

PAYLOAD = 128 * 1024


def publish(peer: Peer, times: int, qos: int = 1) -> None:
    for _ in range(times):
        peer.publish("a", b"x", qos)


def test_a_payload_has_128_kib_and_a_larger_one_ends_the_connection(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.publish("a", bytes(PAYLOAD))
    bob.publish("a", bytes(PAYLOAD + 1))
    assert [len(payload) for payload in alice.payloads()] == [PAYLOAD]
    assert bob.ended_with(ReasonCode.PACKET_TOO_LARGE)


@only_mqtt_5
def test_connack_names_these_limits(broker: Bench) -> None:
    assert (
        vars(broker.connect().connack.properties).items()
        >= {
            "maximum_packet_size": 149_504,
            "receive_maximum": 100,
            "topic_alias_maximum": 8,
            "maximum_qos": 1,
            "subscription_identifier_available": False,
            "shared_subscription_available": True,
            "wildcard_subscription_available": True,
        }.items()
    )


PROPERTIES: list[dict[str, object]] = [
    {"user_properties": (("", ""),) * 256},
    {"user_properties": (("n" * 4096, "v" * (4096 - 32)),)},
    {"user_properties": (("ä" * 2048, "v" * (4096 - 32)),)},
    {"content_type": "c" * 8192},
    {"response_topic": "r" * 256, "correlation_data": bytes(8192 - 256)},
]
"""Each as large as may be."""


@only_mqtt_5
@pytest.mark.parametrize("properties", PROPERTIES)
def test_what_properties_carry_has_8_kib_and_more_ends_the_connection(
    broker: Bench, properties: dict[str, object]
) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.publish("a", **properties)  # type: ignore[arg-type]
    more = {"content_type": "c"} if "user_properties" in properties else {"user_properties": (("", ""),)}
    bob.publish("a", **properties, **more)  # type: ignore[arg-type]
    assert (len(alice.received()), bob.end) == (1, ReasonCode.PACKET_TOO_LARGE)


@only_mqtt_5
def test_a_will_with_larger_properties_is_not_published(broker: Bench) -> None:
    alice = broker.subscriber("a")
    broker.connect("bob", will=will("a", user_properties=(("", ""),) * 257)).lose()
    assert alice.received() == []


@only_mqtt_5
def test_a_queue_counts_the_properties_and_an_emptied_one_has_room(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_bytes=1000))
    broker.leave("a", qos=1)
    bob = broker.connect("bob")
    for _ in range(2):
        for _ in range(2):
            bob.publish("a", qos=1, user_properties=(("n" * 400, "v" * 68),))
        alice = broker.persistent("alice")
        alice.acknowledge(*alice.received())
        alice.lose()
    assert broker.dropped() == []
    for _ in range(3):
        bob.publish("a", qos=1, user_properties=(("n" * 400, "v" * 68),))
    assert broker.dropped() == ["queue_full"]
    assert len(broker.persistent("alice").received()) == 2


@pytest.mark.parametrize(("asked", "given"), [(0, 1200), (1, 30), (29, 30), (30, 30), (1200, 1200), (1201, 1200)])
def test_a_keep_alive_is_from_30_seconds_to_20_minutes_and_connack_names_another_one(
    broker: Bench, asked: int, given: int
) -> None:
    alice = broker.connect(keep_alive=asked)
    named = given if given != asked and broker.version is MQTT_5 else None
    assert (alice.client.keep_alive, alice.connack.properties.server_keep_alive) == (given, named)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_connection_publishes_100_messages_a_second_and_only_mqtt_5_is_told_of_more(broker: Bench, qos: int) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    publish(bob, 103, qos)
    assert (len(alice.received()), broker.missed("bob"), broker.dropped(), bob.closed) == (100, 3, ["throttled"], False)
    refused = [ReasonCode.QUOTA_EXCEEDED] * 3 if broker.version is MQTT_5 else []
    assert bob.pubacks() == ([ReasonCode.SUCCESS] * 100 + refused if qos else [])


@pytest.mark.parametrize(("first", "seconds", "then", "delivered"), [(100, 0.5, 100, 150), (0, 60, 200, 100)])
def test_time_makes_room_for_at_most_100_messages(
    broker: Bench, first: int, seconds: float, then: int, delivered: int
) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    publish(bob, first)
    broker.wait(seconds)
    publish(bob, then)
    assert len(alice.received()) == delivered


def test_a_clock_that_is_set_back_takes_no_messages_away(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    publish(bob, 1)
    broker.clock.now -= 3600
    publish(bob, 99)
    assert len(alice.received()) == 100


def test_each_connection_has_its_own_100(broker: Bench) -> None:
    alice, bob, carol = broker.subscriber("a"), broker.connect("bob"), broker.connect("carol")
    for peer in (bob, carol):
        publish(peer, 100)
    assert len(alice.received()) == 200


def test_the_limit_can_be_lifted(version: Version) -> None:
    broker = Bench(version, limits=limits().without_throttling())
    bob = broker.connect()
    publish(bob, 1000)
    assert len(bob.pubacks()) == 1000


def test_a_connection_that_uses_ever_new_topics_takes_no_more_memory(version: Version) -> None:
    broker = Bench(version, limits=limits().without_throttling())
    bob = broker.connect()
    for number in range(3000):
        bob.publish(f"a/{number}")
    assert len(bob.client.publisher.known_topics) <= 1024


@only_mqtt_5
@pytest.mark.parametrize(("client_id", "assigned"), [("", "$GEN/1"), ("alice", None)])
def test_connack_names_an_assigned_client_id(broker: Bench, client_id: str, assigned: str | None) -> None:
    assert broker.connect(client_id).connack.properties.assigned_client_identifier == assigned
