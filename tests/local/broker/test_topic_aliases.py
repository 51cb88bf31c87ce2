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


def test_an_alias_replaces_the_topic_that_it_was_given_last(alice: Peer, bob: Peer) -> None:
    for topic in ("a", "", "b", ""):
        bob.publish(topic, topic_alias=1)
    assert alice.topics() == ["a", "a", "b", "b"]


def test_subscribers_get_no_alias(alice: Peer, bob: Peer) -> None:
    bob.publish("a", topic_alias=1)
    assert [message.properties.topic_alias for message in alice.received()] == [None]


def test_there_are_8_and_a_ninth_ends_the_connection(alice: Peer, bob: Peer) -> None:
    for alias in range(1, 9):
        bob.publish(f"a/{alias}", topic_alias=alias)
    for alias in range(1, 9):
        bob.publish("", topic_alias=alias)
    assert alice.topics() == [f"a/{alias}" for alias in range(1, 9)] * 2
    bob.publish("a", topic_alias=9)
    assert bob.end == ReasonCode.TOPIC_ALIAS_INVALID


@pytest.mark.parametrize("client_id", ["bob", "carol"])
def test_an_alias_belongs_to_one_connection(broker: Bench, client_id: str) -> None:
    bob = broker.persistent("bob")
    bob.publish("a", topic_alias=1)
    if client_id == "bob":
        bob.lose()
    other = broker.persistent(client_id)
    other.publish("", topic_alias=1)
    assert other.end == ReasonCode.PROTOCOL_ERROR


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
