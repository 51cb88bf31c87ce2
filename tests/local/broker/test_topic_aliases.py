"""Topic aliases (MQTT 5.0, section 3.3.2.3.4; 8 of them in IoT Core)."""

import pytest

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import MQTT_5, Bench
from tests.local.broker.peer import Peer


@pytest.fixture
def broker() -> Bench:
    return Bench(MQTT_5)


@pytest.fixture
def alice(broker: Bench) -> Peer:
    return broker.subscriber("#")


@pytest.fixture
def bob(broker: Bench) -> Peer:
    return broker.connect("bob")


def test_an_alias_stands_for_its_topic(alice: Peer, bob: Peer) -> None:
    bob.publish("a/b", topic_alias=1)
    bob.publish("", topic_alias=1)
    assert alice.topics() == ["a/b", "a/b"]


def test_an_alias_can_be_given_to_another_topic(alice: Peer, bob: Peer) -> None:
    bob.publish("a", topic_alias=1)
    bob.publish("b", topic_alias=1)
    bob.publish("", topic_alias=1)
    assert alice.topics() == ["a", "b", "b"]


def test_subscribers_get_no_alias(alice: Peer, bob: Peer) -> None:
    bob.publish("a", topic_alias=1)
    assert [message.properties.topic_alias for message in alice.received()] == [None]


def test_connack_says_that_there_are_8(alice: Peer) -> None:
    assert alice.connack.properties.topic_alias_maximum == 8


def test_there_are_8(alice: Peer, bob: Peer) -> None:
    for alias in range(1, 9):
        bob.publish(f"a/{alias}", topic_alias=alias)
    for alias in range(1, 9):
        bob.publish("", topic_alias=alias)
    assert alice.topics() == [f"a/{alias}" for alias in range(1, 9)] * 2


def test_a_ninth_ends_the_connection(bob: Peer) -> None:
    bob.publish("a", topic_alias=9)
    assert bob.end == ReasonCode.TOPIC_ALIAS_INVALID


def test_an_alias_that_stands_for_nothing_ends_the_connection(bob: Peer) -> None:
    bob.publish("", topic_alias=1)
    assert bob.end == ReasonCode.PROTOCOL_ERROR


def test_each_connection_has_its_own(broker: Bench, bob: Peer) -> None:
    bob.publish("a", topic_alias=1)
    carol = broker.connect("carol")
    carol.publish("", topic_alias=1)
    assert carol.end == ReasonCode.PROTOCOL_ERROR


def test_an_alias_ends_with_its_connection(broker: Bench) -> None:
    bob = broker.persistent("bob")
    bob.publish("a", topic_alias=1)
    bob.lose()
    again = broker.persistent("bob")
    again.publish("", topic_alias=1)
    assert again.end == ReasonCode.PROTOCOL_ERROR


def test_the_policy_counts_for_the_topic_behind_it(bob: Peer) -> None:
    bob.publish("a", topic_alias=1)
    bob.policy.deny("Publish", "a")
    bob.publish("", topic_alias=1)
    assert bob.end == ReasonCode.NOT_AUTHORIZED


def test_a_message_that_is_one_too_many_still_sets_its_alias(broker: Bench, alice: Peer, bob: Peer) -> None:
    for _ in range(100):
        bob.publish("x")
    bob.publish("a", topic_alias=1)
    broker.wait(1)
    bob.publish("", topic_alias=1)
    assert alice.topics() == ["x"] * 100 + ["a"]
