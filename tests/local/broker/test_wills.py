"""Will messages (developer guide, "MQTT Last Will and Testament (LWT) messages"; MQTT 5.0, section 3.1.2.5)."""

import pytest

from iot_core.broker.session import DisconnectReason
from iot_core.mqtt import Will
from tests.local.broker.bench import Bench, only_mqtt_5, will
from tests.local.broker.peer import Peer, Policy


@pytest.fixture
def bob(broker: Bench) -> Peer:
    return broker.subscriber("wills/alice", qos=1, client_id="bob")


@pytest.mark.parametrize("reason", [reason for reason in DisconnectReason if "CLIENT_INITIATED" not in reason])
def test_it_is_published_when_the_client_does_not_end_the_connection_itself(
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


@pytest.mark.parametrize("retain", [False, True])
def test_it_is_retained_if_it_says_so(broker: Bench, retain: bool) -> None:
    broker.connect(will=will(retain=retain)).lose()
    assert broker.subscriber("wills/alice", client_id="bob").payloads() == ([b"gone"] if retain else [])


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        ("Publish", "the policy does not allow this publish"),
        ("RetainPublish", "the policy does not allow this retained publish"),
    ],
)
def test_one_that_the_policy_does_not_allow_is_not_published_and_is_reported(
    broker: Bench, bob: Peer, action: str, detail: str
) -> None:
    broker.connect(will=will(retain=True), policy=Policy((action, "wills/alice"))).lose()
    assert bob.payloads() == []
    assert dropped(broker) == [report("will_not_allowed", detail)]


def dropped(broker: Bench) -> list[object]:
    return [fields for kind, fields in broker.reports if kind == "dropped"]


def report(reason: str, detail: str) -> dict[str, object]:
    return {"client_id": "alice", "reason": reason, "detail": detail, "count": 1}


@only_mqtt_5
@pytest.mark.parametrize(
    ("last", "detail"),
    [
        (will("a/b/c/d/e/f/g/h/i"), "a topic has at most 7 slashes"),
        (will(content_type="c" * 8193), "a message's properties have at most 8192 bytes"),
    ],
)
def test_one_that_breaks_a_rule_is_reported(broker: Bench, last: Will, detail: str) -> None:
    broker.connect(will=last).lose()
    assert dropped(broker) == [report("will_not_valid", detail)]


def test_each_one_is_reported(broker: Bench) -> None:
    for _ in range(3):
        broker.persistent(will=will(), policy=Policy(("Publish", "wills/alice"))).lose()
    assert broker.dropped() == ["will_not_allowed"] * 3


def test_one_that_was_revoked_is_not_reported(broker: Bench) -> None:
    broker.connect(will=will()).disconnect()
    broker.connect(will=will())
    broker.broker.disconnect("alice", prevent_will=True)
    assert broker.dropped() == []


def test_it_can_not_pose_as_an_event(broker: Bench, bob: Peer) -> None:
    bob.subscribe("$aws/events/fake")
    broker.connect(will=will("$aws/events/fake")).lose()
    assert bob.topics() == []


@only_mqtt_5
def test_a_delay_does_not_count_if_the_session_ends_with_the_connection(broker: Bench, bob: Peer) -> None:
    broker.connect(will=will(will_delay_interval=100)).lose()
    assert bob.payloads() == [b"gone"]
