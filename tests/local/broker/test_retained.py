"""Retained messages (developer guide, "MQTT retained messages")."""

import pytest

from iot_core.mqtt import ReasonCode, Subscribe, Subscription, Version
from tests.local.broker.bench import Bench, limits, only_mqtt_3_1_1, only_mqtt_5


def test_a_subscriber_gets_what_is_retained_under_its_topic(broker: Bench) -> None:
    broker.publish("a/b", b"kept", retain=True)
    alice = broker.connect()
    alice.subscribe("a/b")
    assert [(message.payload, message.retain) for message in alice.received()] == [(b"kept", True)]


@pytest.mark.parametrize("topic_filter", ["a/+", "a/#", "#", "+/b", "$share/g/a/b"])
def test_wildcards_and_shared_subscriptions_get_nothing_retained(broker: Bench, topic_filter: str) -> None:
    broker.publish("a/b", b"kept", retain=True)
    alice = broker.connect()
    alice.subscribe(topic_filter)
    assert alice.received() == []


def test_a_live_copy_has_no_retain_flag(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a")
    broker.publish("a", b"live", retain=True)
    assert [message.retain for message in alice.received()] == [False]


def test_one_message_is_retained_a_topic(broker: Bench) -> None:
    broker.publish("a", b"one", retain=True)
    broker.publish("a", b"two", retain=True)
    alice = broker.connect()
    alice.subscribe("a")
    assert alice.payloads() == [b"two"]


def test_a_message_without_retain_leaves_the_retained_one(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    broker.publish("a", b"other")
    alice = broker.connect()
    alice.subscribe("a")
    assert alice.payloads() == [b"kept"]


def test_an_empty_message_deletes_the_retained_one(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    broker.publish("a", b"", retain=True)
    alice = broker.connect()
    alice.subscribe("a")
    assert alice.received() == []


def test_subscribers_get_the_empty_message_that_deletes(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a")
    broker.publish("a", b"", retain=True)
    assert alice.payloads() == [b""]


@pytest.mark.parametrize(("published", "subscribed"), [(0, 1), (1, 0), (1, 1)])
def test_a_retained_message_has_the_lower_qos(broker: Bench, published: int, subscribed: int) -> None:
    broker.publish("a", b"kept", published, retain=True)
    alice = broker.connect()
    alice.subscribe("a", qos=subscribed)
    assert [message.qos for message in alice.received()] == [min(published, subscribed)]


def test_it_is_sent_behind_the_suback(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.send(Subscribe(1, (Subscription("a", 0),)))
    assert [type(packet).__name__ for packet in alice.wire.packets] == ["Suback", "Publish"]


def test_it_is_sent_again_for_each_subscribe(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.subscribe("a")
    alice.subscribe("a")
    assert alice.payloads() == [b"kept", b"kept"]


@only_mqtt_5
@pytest.mark.parametrize(("retain_handling", "times"), [(0, 2), (1, 1), (2, 0)])
def test_retain_handling_says_when_it_is_sent(broker: Bench, retain_handling: int, times: int) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.subscribe("a", retain_handling=retain_handling)
    alice.subscribe("a", retain_handling=retain_handling)
    assert alice.payloads() == [b"kept"] * times


@only_mqtt_5
def test_retain_handling_1_sends_once_for_a_filter_that_stands_twice_in_a_subscribe(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.subscribe("a", "a", retain_handling=1)
    assert alice.payloads() == [b"kept"]


@only_mqtt_5
def test_retain_handling_1_knows_the_subscriptions_of_a_resumed_session(broker: Bench) -> None:
    broker.persistent().subscribe("a")
    broker.publish("a", b"kept", retain=True)
    alice = broker.persistent()
    alice.subscribe("a", retain_handling=1)
    assert alice.payloads() == []


def test_a_refused_filter_gets_nothing_retained(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.policy.deny("Subscribe", "a")
    alice.subscribe("a")
    assert alice.received() == []


def test_what_the_client_may_not_receive_is_not_sent(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.policy.deny("Receive", "a")
    alice.subscribe("a")
    assert alice.received() == []


def test_a_retained_message_is_delivered_to_shared_subscribers_like_any_other(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("$share/g/a")
    broker.publish("a", b"live", retain=True)
    assert alice.payloads() == [b"live"]


def test_it_is_known_when_it_was_published(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    found = broker.broker.retained.get("a")
    assert found is not None
    assert found.modified_ms == 1_700_000_000_000


def test_all_are_listed_in_the_order_of_their_topics(broker: Bench) -> None:
    for topic in ("b", "a/c", "a"):
        broker.publish(topic, b"kept", retain=True)
    assert [message.topic for message, _ in broker.broker.retained.items()] == ["a", "a/c", "b"]


class Full:
    """An account with as many retained messages as there may be."""

    def __init__(self, version: Version) -> None:
        self.broker = Bench(version, limits=limits(retained_messages=2))
        self.bob = self.broker.connect("bob")
        for topic in ("a", "b"):
            self.bob.publish(topic, b"kept", retain=True)


@pytest.fixture
def full(version: Version) -> Full:
    return Full(version)


def test_a_retained_message_too_many_is_not_retained(full: Full) -> None:
    full.bob.publish("c", b"kept", retain=True)
    assert full.broker.broker.retained.get("c") is None


def test_a_retained_message_too_many_reaches_nobody_and_is_counted(full: Full) -> None:
    alice = full.broker.connect()
    alice.subscribe("c")
    full.bob.publish("c", b"kept", retain=True)
    assert alice.received() == []
    assert full.broker.dropped() == ["too_many_retained"]


@only_mqtt_3_1_1
def test_a_retained_message_too_many_is_not_acknowledged(full: Full) -> None:
    full.bob.publish("c", b"kept", qos=1, retain=True)
    assert full.bob.pubacks() == []


@only_mqtt_5
def test_a_retained_message_too_many_is_refused_in_the_puback(full: Full) -> None:
    full.bob.publish("c", b"kept", qos=1, retain=True)
    assert full.bob.pubacks() == [ReasonCode.QUOTA_EXCEEDED]


def test_a_full_account_takes_a_topics_next_message(full: Full) -> None:
    full.bob.publish("a", b"next", retain=True)
    found = full.broker.broker.retained.get("a")
    assert found is not None
    assert found.message.payload == b"next"


def test_deleting_one_makes_room(full: Full) -> None:
    full.bob.publish("a", b"", retain=True)
    full.bob.publish("c", b"kept", retain=True)
    assert full.broker.broker.retained.get("c") is not None


def test_an_expired_one_makes_room() -> None:
    broker = Bench(limits=limits(retained_messages=1))
    bob = broker.connect("bob")
    bob.publish("a", b"kept", retain=True, message_expiry_interval=10)
    broker.wait(10)
    bob.publish("b", b"kept", retain=True)
    assert broker.broker.retained.get("b") is not None
