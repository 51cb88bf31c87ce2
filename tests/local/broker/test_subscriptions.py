"""SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0, sections 3.8 to 3.11), with IoT Core's limits."""

import pytest

from iot_core.mqtt import Properties, ReasonCode, Subscribe, Subscription
from tests.local.broker.bench import Bench, only_mqtt_5


def test_overlapping_subscriptions_give_one_copy_with_the_highest_qos(broker: Bench) -> None:
    alice = broker.connect("alice")
    alice.subscribe("a/#", qos=0)
    alice.subscribe("a/+", qos=1)
    alice.subscribe("a/b", qos=0)
    broker.publish("a/b", b"once", qos=1)
    assert [(message.payload, message.qos) for message in alice.received()] == [(b"once", 1)]


def test_a_subscription_takes_the_place_of_the_one_with_the_same_filter(broker: Bench) -> None:
    alice = broker.connect("alice")
    alice.subscribe("a", qos=1)
    alice.subscribe("a", qos=0)
    broker.publish("a", qos=1)
    assert [message.qos for message in alice.received()] == [0]


def test_a_client_gets_its_own_messages(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a")
    alice.publish("a", b"mine")
    assert alice.payloads() == [b"mine"]


@only_mqtt_5
def test_no_local_keeps_a_clients_own_messages_from_it(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a", no_local=True)
    bob.subscribe("a", no_local=True)
    alice.publish("a", b"mine")
    assert (alice.payloads(), bob.payloads()) == ([], [b"mine"])


@only_mqtt_5
def test_no_local_counts_only_where_all_filters_that_match_have_it(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a", no_local=True)
    alice.subscribe("+")
    alice.publish("a", b"mine")
    assert alice.payloads() == [b"mine"]


@only_mqtt_5
@pytest.mark.parametrize("retain_as_published", [False, True])
@pytest.mark.parametrize("retain", [False, True])
def test_retain_as_published_keeps_the_retain_flag(broker: Bench, retain_as_published: bool, retain: bool) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a", retain_as_published=retain_as_published)
    bob.publish("a", b"x", retain=retain)
    assert [message.retain for message in alice.received()] == [retain and retain_as_published]


def test_nothing_comes_after_an_unsubscribe(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a", "b")
    alice.unsubscribe("a")
    broker.publish("a")
    broker.publish("b")
    assert alice.topics() == ["b"]


@only_mqtt_5
def test_the_unsuback_says_which_subscriptions_there_were(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a")
    assert alice.unsubscribe("b", "a", "a") == (
        ReasonCode.NO_SUBSCRIPTION_EXISTED,
        ReasonCode.SUCCESS,
        ReasonCode.NO_SUBSCRIPTION_EXISTED,
    )


def test_an_unsubscribe_needs_the_very_filter(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a/+")
    alice.unsubscribe("a/b", "a/#")
    broker.publish("a/b")
    assert alice.topics() == ["a/b"]


def test_a_subscribe_has_8_filters(broker: Bench) -> None:
    assert broker.connect().subscribe(*(f"a/{number}" for number in range(8))) == (0,) * 8


def test_a_subscribe_with_9_filters_ends_the_connection_without_a_suback(broker: Bench) -> None:
    alice = broker.connect()
    assert alice.subscribe(*(f"a/{number}" for number in range(9))) is None
    assert alice.closed


def test_a_connection_has_50_subscriptions(broker: Bench) -> None:
    alice = broker.connect()
    granted = [alice.subscribe(f"a/{number}") for number in range(50)]
    assert granted == [(0,)] * 50


def test_the_51st_subscription_is_refused(broker: Bench) -> None:
    alice = broker.connect()
    for number in range(50):
        alice.subscribe(f"a/{number}")
    assert alice.subscribe("a/50") == (ReasonCode.QUOTA_EXCEEDED if broker.version == 5 else 0x80,)


def test_a_subscription_that_is_there_counts_once(broker: Bench) -> None:
    alice = broker.connect()
    for number in range(50):
        alice.subscribe(f"a/{number}")
    assert alice.subscribe("a/0", qos=1) == (1,)


def test_an_unsubscribe_makes_room(broker: Bench) -> None:
    alice = broker.connect()
    for number in range(50):
        alice.subscribe(f"a/{number}")
    alice.unsubscribe("a/0")
    assert alice.subscribe("a/50") == (0,)


@only_mqtt_5
def test_subscription_identifiers_end_the_connection(broker: Bench) -> None:
    alice = broker.connect()
    alice.send(Subscribe(1, (Subscription("a", 0),), Properties(subscription_identifiers=(1,))))
    assert alice.end == ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED


@only_mqtt_5
def test_connack_says_which_subscriptions_there_are(broker: Bench) -> None:
    properties = broker.connect().connack.properties
    assert properties.subscription_identifier_available is False
    assert properties.shared_subscription_available is True
    assert properties.wildcard_subscription_available is True
