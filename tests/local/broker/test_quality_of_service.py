"""QoS 0 and 1, and no QoS 2 (developer guide, "MQTT Quality of Service (QoS) options")."""

import pytest

from iot_core.mqtt import Publish, ReasonCode, Subscribe, Subscription
from tests.local.broker.bench import Bench, only_mqtt_3_1_1, only_mqtt_5


@pytest.mark.parametrize(("published", "subscribed"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_message_has_the_lower_qos_of_publisher_and_subscriber(
    broker: Bench, published: int, subscribed: int
) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a", qos=subscribed)
    bob.publish("a", b"hello", published)
    assert [message.qos for message in alice.received()] == [min(published, subscribed)]


@pytest.mark.parametrize("qos", [0, 1])
def test_the_suback_grants_the_qos_that_was_asked_for(broker: Bench, qos: int) -> None:
    assert broker.connect().subscribe("a", qos=qos) == (qos,)


def test_qos_0_is_not_acknowledged(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a")
    assert bob.pubacks() == []


def test_qos_1_is_acknowledged(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a", qos=1)
    assert bob.pubacks() == [ReasonCode.SUCCESS]


def test_a_puback_has_the_packet_id_of_its_publish(broker: Bench) -> None:
    bob = broker.connect()
    bob.send(Publish("a", b"", 1, False, False, 54_321))
    assert [getattr(packet, "packet_id", None) for packet in bob.wire.packets] == [54_321]


def test_a_publish_that_is_sent_again_is_delivered_again(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a")
    bob.send(Publish("a", b"", 1, False, False, 7))
    bob.send(Publish("a", b"", 1, False, True, 7))
    assert [message.duplicate for message in alice.received()] == [False, False]


def test_messages_arrive_in_the_order_in_which_they_were_published(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a/+", qos=1)
    for number in range(50):
        bob.publish(f"a/{number % 3}", b"%d" % number, qos=1)
    assert alice.payloads() == [b"%d" % number for number in range(50)]


def test_messages_in_flight_have_different_packet_ids(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a", qos=1)
    for _ in range(100):
        bob.publish("a", qos=1)
    assert len({message.packet_id for message in alice.received()}) == 100


def test_a_packet_id_is_used_again_when_all_others_were(broker: Bench) -> None:
    alice = broker.connect("alice")
    alice.subscribe("a", qos=1)
    broker.publish("a", qos=1)
    (first,) = alice.received()
    for _ in range(65_534):
        broker.publish("a", qos=1)
        alice.acknowledge(*alice.received())
    broker.publish("a", qos=1)
    assert [message.packet_id for message in alice.received()] == [(first.packet_id or 0) + 1]


def test_a_puback_for_nothing_is_ignored(broker: Bench) -> None:
    alice = broker.connect()
    alice.acknowledge(Publish("a", b"", 1, packet_id=9))
    assert not alice.closed


def test_a_publish_with_qos_2_ends_the_connection(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a", qos=2)
    assert bob.closed


@only_mqtt_5
def test_a_publish_with_qos_2_ends_the_connection_with_its_reason(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a", qos=2)
    assert bob.end == ReasonCode.QOS_NOT_SUPPORTED


@only_mqtt_3_1_1
def test_mqtt_3_1_1_is_not_told_why_a_connection_ends(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a", qos=2)
    assert bob.wire.packets == []


def test_a_publish_with_qos_2_reaches_nobody(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a")
    bob.publish("a", qos=2)
    assert alice.received() == []


def test_a_subscribe_with_qos_2_gets_no_suback_and_ends_the_connection(broker: Bench) -> None:
    alice = broker.connect()
    assert alice.subscribe("a", qos=2) is None
    assert alice.closed


def test_nothing_of_a_subscribe_with_qos_2_is_subscribed(broker: Bench) -> None:
    alice = broker.persistent()
    alice.send(Subscribe(1, (Subscription("a", 1), Subscription("b", 2))))
    session = broker.broker.session("alice")
    assert session is not None
    assert dict(session.subscriptions) == {}


@only_mqtt_5
def test_connack_says_that_there_is_no_qos_2(broker: Bench) -> None:
    assert broker.connect().connack.properties.maximum_qos == 1
