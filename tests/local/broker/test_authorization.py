"""The policy, at every PUBLISH, SUBSCRIBE and delivery."""

import pytest

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench, only_mqtt_5
from tests.local.broker.peer import Policy


@pytest.mark.parametrize("qos", [0, 1])
def test_an_unauthorized_publish_ends_the_connection(broker: Bench, qos: int) -> None:
    bob = broker.connect()
    bob.policy.deny("Publish", "a")
    bob.publish("a", b"x", qos)
    assert bob.closed
    assert bob.pubacks() == []


@only_mqtt_5
def test_it_is_told_that_it_is_not_authorized(broker: Bench) -> None:
    bob = broker.connect()
    bob.policy.deny("Publish", "a")
    bob.publish("a")
    assert bob.end == ReasonCode.NOT_AUTHORIZED


def test_an_unauthorized_publish_reaches_nobody(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob")
    alice.subscribe("a")
    bob.policy.deny("Publish", "a")
    bob.publish("a")
    assert alice.received() == []


def test_a_retained_publish_needs_permission_for_that_too(broker: Bench) -> None:
    bob = broker.connect()
    bob.policy.deny("RetainPublish", "a")
    bob.publish("a", b"x")
    assert not bob.closed
    bob.publish("a", b"x", retain=True)
    assert bob.closed
    assert broker.broker.retained.get("a") is None


def test_permission_to_retain_is_no_permission_to_publish(broker: Bench) -> None:
    bob = broker.connect()
    bob.policy.deny("Publish", "a")
    bob.publish("a", b"x", retain=True)
    assert bob.closed


def test_an_unauthorized_filter_is_refused_in_the_suback(broker: Bench) -> None:
    alice = broker.connect()
    alice.policy.deny("Subscribe", "b")
    assert alice.subscribe("a", "b", "c", qos=1) == (1, ReasonCode.NOT_AUTHORIZED if broker.version == 5 else 0x80, 1)
    assert not alice.closed


def test_an_unauthorized_filter_gets_nothing(broker: Bench) -> None:
    alice = broker.connect()
    alice.policy.deny("Subscribe", "b")
    alice.subscribe("a", "b")
    broker.publish("a")
    broker.publish("b")
    assert alice.topics() == ["a"]


def test_a_filter_that_is_refused_leaves_the_subscription_that_is_there(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a", qos=1)
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
    alice = broker.connect()
    alice.subscribe("a/#", qos=1)
    alice.policy.deny("Receive", "a/secret")
    broker.publish("a/open", qos=qos)
    broker.publish("a/secret", qos=qos)
    assert alice.topics() == ["a/open"]
    assert not alice.closed


def test_receive_is_asked_for_when_what_waited_is_sent(broker: Bench) -> None:
    alice = broker.persistent()
    alice.subscribe("a/#", qos=1)
    alice.lose()
    broker.publish("a/open", qos=1)
    broker.publish("a/secret", qos=1)
    policy = Policy()
    policy.deny("Receive", "a/secret")
    assert broker.persistent(policy=policy).topics() == ["a/open"]


def test_what_may_not_be_received_does_not_wait_any_longer(broker: Bench) -> None:
    alice = broker.persistent()
    alice.subscribe("a", qos=1)
    alice.lose()
    broker.publish("a", qos=1)
    policy = Policy()
    policy.deny("Receive", "a")
    broker.persistent(policy=policy).lose()
    assert broker.persistent().topics() == []


def test_another_policy_is_in_force_at_once(broker: Bench) -> None:
    alice = broker.connect()
    alice.subscribe("a")
    policy = Policy()
    policy.deny("Receive", "a")
    policy.deny("Publish", "b")
    alice.client.permissions = policy
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
