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


def test_a_publish_without_retain_needs_no_permission_to_retain(broker: Bench) -> None:
    bob = broker.connect()
    bob.policy.deny("RetainPublish", "a")
    bob.publish("a", b"x")
    assert not bob.closed


def test_an_unauthorized_filter_is_refused_in_the_suback_and_gets_nothing(broker: Bench) -> None:
    alice = broker.connect()
    alice.policy.deny("Subscribe", "b")
    assert alice.subscribe("a", "b", "c", qos=1) == (1, ReasonCode.NOT_AUTHORIZED if broker.version == 5 else 0x80, 1)
    broker.publish("a")
    broker.publish("b")
    assert (alice.topics(), alice.closed) == (["a"], False)


def test_a_filter_that_is_refused_leaves_the_subscription_that_is_there(broker: Bench) -> None:
    alice = broker.subscriber("a", qos=1)
    alice.policy.deny("Subscribe", "a")
    alice.subscribe("a", qos=0)
    broker.publish("a", qos=1)
    assert [message.qos for message in alice.received()] == [1]


def test_a_shared_filter_is_asked_for_as_it_is(broker: Bench) -> None:
    alice = broker.connect()
    alice.policy.deny("Subscribe", "$share/g/a")
    assert alice.subscribe("$share/g/a", "a") == (ReasonCode.NOT_AUTHORIZED if broker.version == 5 else 0x80, 0)


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
    bob.publish("a")
    bob.policy.deny("Publish", "a")
    bob.publish("a")
    assert bob.closed
