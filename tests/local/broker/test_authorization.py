"""The policy, at every PUBLISH, SUBSCRIBE and delivery."""

import pytest

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench
from tests.local.broker.peer import Policy


@pytest.mark.parametrize("qos", [0, 1])
def test_an_unauthorized_publish_is_not_delivered_and_ends_the_connection(broker: Bench, qos: int) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.policy.deny("Publish", "a")
    bob.publish("a", b"x", qos)
    assert bob.ended_with(ReasonCode.NOT_AUTHORIZED)
    assert bob.pubacks() == []
    assert alice.received() == []


@pytest.mark.parametrize("denied", ["Publish", "RetainPublish"])
def test_a_retained_publish_needs_both_permissions(broker: Bench, denied: str) -> None:
    bob = broker.connect()
    bob.policy.deny(denied, "a")
    bob.publish("a", b"x", retain=True)
    assert bob.ended_with(ReasonCode.NOT_AUTHORIZED)
    assert broker.broker.retained.get("a") is None


def test_an_unauthorized_filter_is_refused_in_the_suback_gets_nothing_and_leaves_the_subscription_before(
    broker: Bench,
) -> None:
    """A shared filter is asked for as it is."""
    alice = broker.subscriber("d", qos=1)
    alice.policy.deny("Subscribe", "b", "d", "$share/g/e")
    refused = ReasonCode.NOT_AUTHORIZED if broker.version == 5 else 0x80
    assert alice.subscribe("a", "b", "c", "d", "$share/g/e", "e") == (0, refused, 0, refused, refused, 0)
    for topic in "abde":
        broker.publish(topic, qos=1)
    assert [(message.topic, message.qos) for message in alice.received()] == [("a", 0), ("d", 1), ("e", 0)]
    assert not alice.closed


@pytest.mark.parametrize("qos", [0, 1])
def test_receive_is_asked_for_at_each_delivery(broker: Bench, qos: int) -> None:
    alice = broker.subscriber("a/#", qos=1)
    alice.policy.deny("Receive", "a/secret")
    broker.publish("a/open", qos=qos)
    broker.publish("a/secret", qos=qos)
    assert alice.topics() == ["a/open"]
    assert not alice.closed


def test_receive_is_asked_for_when_a_queued_message_is_sent_and_the_message_leaves_the_queue(broker: Bench) -> None:
    broker.leave("a/#", qos=1)
    broker.publish("a/open", qos=1)
    broker.publish("a/secret", qos=1)
    alice = broker.persistent(policy=Policy(("Receive", "a/secret")))
    (message,) = alice.received()
    assert message.topic == "a/open"
    alice.acknowledge(message)
    alice.lose()
    assert broker.persistent().topics() == []


def test_another_policy_is_in_force_at_once(broker: Bench) -> None:
    alice = broker.subscriber("a")
    alice.client.link.permissions = Policy(("Receive", "a"), ("Publish", "b"))
    broker.publish("a")
    assert alice.received() == []
    alice.publish("b")
    assert alice.closed


def test_a_topic_that_was_allowed_before_is_asked_for_again(broker: Bench) -> None:
    bob = broker.connect()
    bob.policy.deny("RetainPublish", "a")
    bob.publish("a")
    assert not bob.closed  # Without RETAIN, it needs no permission to retain.
    bob.policy.deny("Publish", "a")
    bob.publish("a")
    assert bob.closed
