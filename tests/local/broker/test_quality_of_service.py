"""QoS 0 and 1, and no QoS 2 (developer guide, "MQTT Quality of Service (QoS) options")."""

import pytest

from iot_core.mqtt import Puback, Publish, ReasonCode, Suback, Subscribe, Subscription
from tests.local.broker.bench import MQTT_5, Bench


@pytest.mark.parametrize("topic_filter", ["a", "$share/g/a"])
@pytest.mark.parametrize(("published", "subscribed"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_subscription_has_the_qos_asked_for_and_a_message_the_lower_one_of_both_sides(
    broker: Bench, topic_filter: str, published: int, subscribed: int
) -> None:
    alice, bob = broker.connect(), broker.connect("bob")
    assert alice.subscribe(topic_filter, qos=subscribed) == (subscribed,)
    bob.publish("a", b"hello", published)
    assert [message.qos for message in alice.received()] == [min(published, subscribed)]


def test_only_qos_1_is_acknowledged_with_its_packet_id(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("a")
    assert bob.wire.packets == []
    bob.send(Publish("a", b"", 1, False, False, 54_321))
    assert bob.wire.packets == [Puback(54_321)]


def test_a_publish_that_is_sent_again_is_delivered_again(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.send(Publish("a", b"", 1, False, False, 7))
    bob.send(Publish("a", b"", 1, False, True, 7))
    assert [message.duplicate for message in alice.received()] == [False, False]


def test_messages_arrive_in_the_order_in_which_they_were_published_with_different_packet_ids(broker: Bench) -> None:
    alice, bob = broker.subscriber("a/+", qos=1), broker.connect("bob")
    for number in range(100):
        bob.publish(f"a/{number % 3}", b"%d" % number, qos=1)
    messages = alice.received()
    assert [message.payload for message in messages] == [b"%d" % number for number in range(100)]
    assert len({message.packet_id for message in messages}) == 100


def test_a_packet_id_is_used_again_when_all_others_were(broker: Bench) -> None:
    alice = broker.subscriber("a", qos=1)
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


def test_a_publish_with_qos_2_is_not_delivered_and_ends_the_connection(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.publish("a", qos=2)
    assert bob.ended_with(ReasonCode.QOS_NOT_SUPPORTED)
    assert len(bob.wire.packets) == (1 if broker.version is MQTT_5 else 0)
    assert alice.received() == []


def test_a_subscribe_with_qos_2_ends_the_connection_and_subscribes_nothing(broker: Bench) -> None:
    alice = broker.persistent()
    alice.send(Subscribe(1, (Subscription("a", 1), Subscription("b", 2))))
    assert alice.ended_with(ReasonCode.QOS_NOT_SUPPORTED)
    assert not any(isinstance(packet, Suback) for packet in alice.wire.packets)
    assert dict(broker.session().subscriptions) == {}
