"""SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0, sections 3.8 to 3.11), with IoT Core's limits."""

import pytest

from iot_core.mqtt import Properties, ReasonCode, Subscribe, Subscription
from tests.local.broker.bench import Bench, only_mqtt_5


def test_overlapping_subscriptions_give_one_copy_with_the_highest_qos(broker: Bench) -> None:
    alice = broker.subscriber("a/#", qos=0)
    alice.subscribe("a/+", qos=1)
    alice.subscribe("a/b", qos=0)
    broker.publish("a/b", b"once", qos=1)
    assert [(message.payload, message.qos) for message in alice.received()] == [(b"once", 1)]


def test_a_subscription_takes_the_place_of_the_one_with_the_same_filter(broker: Bench) -> None:
    alice = broker.subscriber("a", qos=1)
    alice.subscribe("a", qos=0)
    broker.publish("a", qos=1)
    assert [message.qos for message in alice.received()] == [0]


def test_a_client_gets_its_own_messages(broker: Bench) -> None:
    alice = broker.subscriber("a")
    alice.publish("a", b"mine")
    assert alice.payloads() == [b"mine"]


@only_mqtt_5
def test_no_local_keeps_a_clients_own_messages_from_it(broker: Bench) -> None:
    alice, bob = broker.subscriber("a", no_local=True), broker.connect("bob")
    bob.subscribe("a", no_local=True)
    alice.publish("a", b"mine")
    assert (alice.payloads(), bob.payloads()) == ([], [b"mine"])


@only_mqtt_5
def test_no_local_counts_only_where_all_filters_that_match_have_it(broker: Bench) -> None:
    alice = broker.subscriber("a", no_local=True)
    alice.subscribe("+")
    alice.publish("a", b"mine")
    assert alice.payloads() == [b"mine"]


@only_mqtt_5
@pytest.mark.parametrize("retain_as_published", [False, True])
@pytest.mark.parametrize("retain", [False, True])
def test_retain_as_published_keeps_the_retain_flag(broker: Bench, retain_as_published: bool, retain: bool) -> None:
    alice, bob = broker.subscriber("a", retain_as_published=retain_as_published), broker.connect("bob")
    bob.publish("a", b"x", retain=retain)
    assert [message.retain for message in alice.received()] == [retain and retain_as_published]


def test_nothing_comes_after_an_unsubscribe(broker: Bench) -> None:
    alice = broker.subscriber("a", "b")
    alice.unsubscribe("a")
    broker.publish("a")
    broker.publish("b")
    assert alice.topics() == ["b"]


@only_mqtt_5
def test_the_unsuback_says_which_subscriptions_there_were(broker: Bench) -> None:
    alice = broker.subscriber("a")
    assert alice.unsubscribe("b", "a", "a") == (
        ReasonCode.NO_SUBSCRIPTION_EXISTED,
        ReasonCode.SUCCESS,
        ReasonCode.NO_SUBSCRIPTION_EXISTED,
    )


def test_an_unsubscribe_needs_the_very_filter(broker: Bench) -> None:
    alice = broker.subscriber("a/+")
    alice.unsubscribe("a/b", "a/#")
    broker.publish("a/b")
    assert alice.topics() == ["a/b"]


def test_a_subscribe_with_more_than_8_filters_ends_the_connection_without_a_suback(broker: Bench) -> None:
    alice = broker.connect()
    assert alice.subscribe(*(f"a/{number}" for number in range(8))) == (0,) * 8
    assert alice.subscribe(*(f"a/{number}" for number in range(9))) is None
    assert alice.ended_with(ReasonCode.QUOTA_EXCEEDED)


def test_a_connection_has_50_subscriptions(broker: Bench) -> None:
    alice = broker.connect()
    assert [alice.subscribe(f"a/{number}") for number in range(50)] == [(0,)] * 50
    assert alice.subscribe("a/50") == (ReasonCode.QUOTA_EXCEEDED if broker.version == 5 else 0x80,)
    assert alice.subscribe("a/0", qos=1) == (1,)  # It replaces one.
    alice.unsubscribe("a/0")
    assert alice.subscribe("a/50") == (0,)


@only_mqtt_5
def test_subscription_identifiers_end_the_connection(broker: Bench) -> None:
    alice = broker.connect()
    alice.send(Subscribe(1, (Subscription("a", 0),), Properties(subscription_identifiers=(1,))))
    assert alice.end == ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
