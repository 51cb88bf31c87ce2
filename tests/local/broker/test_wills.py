"""Will messages (developer guide, "MQTT Last Will and Testament (LWT) messages"; MQTT 5.0, section 3.1.2.5)."""

import pytest

from iot_core.broker.presence import DisconnectReason
from tests.local.broker.bench import Bench, only_mqtt_5, will
from tests.local.broker.peer import Peer, Policy


@pytest.fixture
def bob(broker: Bench) -> Peer:
    bob = broker.connect("bob")
    bob.subscribe("wills/alice", qos=1)
    return bob


@pytest.mark.parametrize("reason", [reason for reason in DisconnectReason if "CLIENT_INITIATED" not in reason])
def test_it_is_published_when_a_connection_ends_otherwise_than_by_its_client(
    broker: Bench, bob: Peer, reason: DisconnectReason
) -> None:
    broker.connect(will=will()).end_by(reason)
    assert bob.payloads() == [b"gone"]


def test_it_is_not_published_after_a_disconnect(broker: Bench, bob: Peer) -> None:
    broker.connect(will=will()).disconnect()
    assert bob.payloads() == []


@only_mqtt_5
@pytest.mark.parametrize("reason_code", [0x04, 0x80, 0x81, 0x99])
def test_it_is_published_after_a_disconnect_with_another_reason_than_0(
    broker: Bench, bob: Peer, reason_code: int
) -> None:
    broker.connect(will=will()).disconnect(reason_code)
    assert bob.payloads() == [b"gone"]


def test_it_is_published_when_the_client_breaks_a_rule(broker: Bench, bob: Peer) -> None:
    broker.connect(will=will()).publish("a", qos=2)
    assert bob.payloads() == [b"gone"]


def test_it_is_published_once(broker: Bench, bob: Peer) -> None:
    alice = broker.connect(will=will())
    alice.lose()
    alice.lose()
    broker.wait(60)
    assert bob.payloads() == [b"gone"]


@pytest.mark.parametrize("qos", [0, 1])
def test_it_has_its_qos(broker: Bench, bob: Peer, qos: int) -> None:
    broker.connect(will=will(qos=qos)).lose()
    assert [message.qos for message in bob.received()] == [qos]


def test_it_can_be_retained(broker: Bench) -> None:
    broker.connect(will=will(retain=True)).lose()
    bob = broker.connect("bob")
    bob.subscribe("wills/alice")
    assert bob.payloads() == [b"gone"]


def test_it_is_not_retained_where_it_does_not_ask_for_it(broker: Bench) -> None:
    broker.connect(will=will()).lose()
    assert broker.broker.retained.get("wills/alice") is None


def test_it_needs_the_permission_to_publish(broker: Bench, bob: Peer) -> None:
    policy = Policy()
    policy.deny("Publish", "wills/alice")
    broker.connect(will=will(), policy=policy).lose()
    assert bob.payloads() == []


def test_a_retained_one_needs_the_permission_to_retain(broker: Bench, bob: Peer) -> None:
    policy = Policy()
    policy.deny("RetainPublish", "wills/alice")
    broker.connect(will=will(retain=True), policy=policy).lose()
    assert bob.payloads() == []


def test_the_permission_counts_that_the_client_has_at_the_end(broker: Bench, bob: Peer) -> None:
    alice = broker.connect(will=will())
    alice.policy.deny("Publish", "wills/alice")
    alice.lose()
    assert bob.payloads() == []


def dropped(broker: Bench) -> list[object]:
    return [fields for kind, fields in broker.reports if kind == "dropped"]


def report(reason: str, detail: str) -> dict[str, object]:
    return {"client_id": "alice", "reason": reason, "detail": detail, "count": 1}


def test_one_that_the_policy_forbids_is_reported_once(broker: Bench) -> None:
    policy = Policy()
    policy.deny("Publish", "wills/alice")
    broker.connect(will=will(), policy=policy).lose()
    assert dropped(broker) == [report("will_not_allowed", "the policy does not allow this publish")]


def test_one_that_the_policy_forbids_to_retain_is_reported_once(broker: Bench) -> None:
    policy = Policy()
    policy.deny("RetainPublish", "wills/alice")
    broker.connect(will=will(retain=True), policy=policy).lose()
    assert dropped(broker) == [report("will_not_allowed", "the policy does not allow this retained publish")]


def test_one_with_a_topic_that_can_not_be_is_reported_once(broker: Bench) -> None:
    broker.connect(will=will("a/b/c/d/e/f/g/h/i")).lose()
    assert dropped(broker) == [report("will_not_valid", "a topic has at most 7 slashes")]


@only_mqtt_5
def test_one_with_properties_that_are_too_large_is_reported_once(broker: Bench) -> None:
    broker.connect(will=will(content_type="c" * 8193)).lose()
    assert dropped(broker) == [report("will_not_valid", "a message's properties have at most 8192 bytes")]


def test_each_one_is_reported_whatever_was_dropped_before(broker: Bench) -> None:
    policy = Policy()
    policy.deny("Publish", "wills/alice")
    for _ in range(3):
        broker.persistent(will=will(), policy=policy).lose()
    assert broker.dropped() == ["will_not_allowed"] * 3


def test_one_that_nobody_wants_published_is_not_reported(broker: Bench) -> None:
    broker.connect(will=will()).disconnect()
    broker.connect(will=will())
    broker.broker.disconnect("alice", prevent_will=True)
    assert broker.dropped() == []


def test_it_can_not_pose_as_an_event(broker: Bench, bob: Peer) -> None:
    bob.subscribe("$aws/events/fake")
    broker.connect(will=will("$aws/events/fake")).lose()
    assert bob.topics() == []


@only_mqtt_5
def test_it_is_not_for_its_own_client_where_that_wants_no_local(broker: Bench) -> None:
    alice = broker.persistent(will=will(qos=1))
    alice.subscribe("wills/alice", qos=1, no_local=True)
    alice.lose()
    assert broker.persistent().payloads() == []


@only_mqtt_5
def test_its_properties_reach_the_subscriber(broker: Bench, bob: Peer) -> None:
    broker.connect(will=will(content_type="text/plain", user_properties=(("k", "v"),), will_delay_interval=5)).lose()
    (message,) = bob.received()
    assert message.properties.content_type == "text/plain"
    assert message.properties.user_properties == (("k", "v"),)


@only_mqtt_5
def test_a_delayed_one_is_published_when_the_delay_is_over(broker: Bench, bob: Peer) -> None:
    broker.connect(expiry=100, will=will(will_delay_interval=10)).lose()
    broker.wait(9)
    assert bob.payloads() == []
    broker.wait(1)
    assert bob.payloads() == [b"gone"]


@only_mqtt_5
def test_a_delayed_one_is_published_when_the_session_ends_before(broker: Bench, bob: Peer) -> None:
    broker.connect(expiry=10, will=will(will_delay_interval=100)).lose()
    broker.wait(10)
    assert bob.payloads() == [b"gone"]


@only_mqtt_5
def test_a_delay_counts_for_nothing_where_the_session_ends_at_once(broker: Bench, bob: Peer) -> None:
    broker.connect(will=will(will_delay_interval=100)).lose()
    assert bob.payloads() == [b"gone"]


@only_mqtt_5
def test_a_delayed_one_is_revoked_when_the_session_goes_on(broker: Bench, bob: Peer) -> None:
    broker.persistent(will=will(will_delay_interval=10)).lose()
    broker.persistent()
    broker.wait(10)
    assert bob.payloads() == []


@only_mqtt_5
def test_a_delayed_one_is_published_when_a_clean_start_ends_the_session(broker: Bench, bob: Peer) -> None:
    broker.persistent(will=will(will_delay_interval=10)).lose()
    broker.connect()
    assert bob.payloads() == [b"gone"]


@only_mqtt_5
def test_a_delayed_one_is_published_once(broker: Bench, bob: Peer) -> None:
    broker.connect(expiry=100, will=will(will_delay_interval=10)).lose()
    broker.wait(10)
    broker.wait(100)
    assert bob.payloads() == [b"gone"]
