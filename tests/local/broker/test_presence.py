"""Presence and subscription events (developer guide, "Lifecycle events")."""

import json

import pytest

from iot_core.broker.session import DisconnectReason
from iot_core.mqtt import Version
from tests.local.broker.bench import START, Bench, limits, will
from tests.local.broker.peer import Peer


@pytest.fixture
def watcher(broker: Bench) -> Peer:
    """Gets all events of alice."""
    return broker.subscriber("$aws/events/+/+/alice", qos=1, client_id="watcher")


def test_connected_and_disconnected_events_have_these_fields(broker: Bench, watcher: Peer) -> None:
    alice = broker.connect("alice")
    broker.wait(1.5)
    alice.disconnect()
    messages = watcher.received()
    assert [message.topic for message in messages] == [
        f"$aws/events/presence/{event}/alice" for event in ("connected", "disconnected")
    ]
    common = {
        "clientId": "alice",
        "sessionIdentifier": alice.client.session_identifier,
        "principalIdentifier": "principalalice",
        "versionNumber": alice.client.version_number,
    }
    assert [json.loads(message.payload) for message in messages] == [
        common | {"eventType": "connected", "timestamp": round(START * 1000), "ipAddress": "192.0.2.7"},
        common
        | {
            "eventType": "disconnected",
            "timestamp": round(START * 1000) + 1500,
            "clientInitiatedDisconnect": True,
            "disconnectReason": "CLIENT_INITIATED_DISCONNECT",
        },
    ]


def test_subscribed_and_unsubscribed_events_have_these_fields(broker: Bench, watcher: Peer) -> None:
    """They name only filters that were granted, or existed."""
    alice = broker.connect("alice")
    watcher.received()
    alice.policy.deny("Subscribe", "b")
    alice.subscribe("a/#", "b", "$SYS/#", "c")
    alice.unsubscribe("c", "d")
    messages = watcher.received()
    assert [message.topic for message in messages] == [
        f"$aws/events/subscriptions/{event}/alice" for event in ("subscribed", "unsubscribed")
    ]
    common = {
        "clientId": "alice",
        "timestamp": round(START * 1000),
        "sessionIdentifier": alice.client.session_identifier,
        "principalIdentifier": "principalalice",
    }
    assert [json.loads(message.payload) for message in messages] == [
        common | {"eventType": "subscribed", "topics": ["a/#", "c"]},
        common | {"eventType": "unsubscribed", "topics": ["c"]},
    ]


def test_version_numbers_rise_also_over_restarts(broker: Bench) -> None:
    found = []
    for _ in range(2):
        found += [broker.persistent().client for _ in range(2)]
        broker.wait(1)
        broker.restart()
    numbers = [client.version_number for client in found]
    assert numbers == sorted(set(numbers))
    assert len({client.session_identifier for client in found}) == 4


def reason(watcher: Peer) -> tuple[object, object]:
    """Of the first end since the last time, and whether the client wanted it."""
    event = next(event for event in watcher.events() if event["eventType"] == "disconnected")
    return event["disconnectReason"], event["clientInitiatedDisconnect"]


def test_a_takeover_ends_the_older_connection_as_a_duplicate_before_the_newer_begins(
    broker: Bench, watcher: Peer
) -> None:
    broker.connect("alice")
    broker.connect("alice")
    events = watcher.events()
    assert [event["eventType"] for event in events] == ["connected", "disconnected", "connected"]
    assert events[1]["disconnectReason"] == "DUPLICATE_CLIENTID"


@pytest.mark.parametrize(
    ("topic", "size", "qos", "expected"),
    [
        ("denied", 0, 0, "FORBIDDEN_ACCESS"),
        ("$aws/events/presence/connected/bob", 0, 0, "FORBIDDEN_ACCESS"),
        ("$other", 0, 0, "CLIENT_ERROR"),
        ("a", 131_073, 0, "CLIENT_ERROR"),
        ("a", 0, 2, "CLIENT_ERROR"),
    ],
)
def test_a_publish_against_the_policy_is_forbidden_access_and_any_other_broken_rule_a_client_error(
    broker: Bench, watcher: Peer, topic: str, size: int, qos: int, expected: str
) -> None:
    alice = broker.connect("alice")
    alice.policy.deny("Publish", "denied")
    alice.publish(topic, bytes(size), qos)
    assert reason(watcher) == (expected, False)


def test_a_client_that_is_too_slow_is_throttled(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=0))
    watcher = broker.subscriber("$aws/events/presence/disconnected/+", client_id="watcher")
    broker.subscriber("a", qos=1).wire.slow = True
    broker.publish("a", qos=1)
    assert reason(watcher) == ("THROTTLED", False)


def test_the_api_and_the_server_end_connections_with_these_reasons(broker: Bench, watcher: Peer) -> None:
    broker.connect("alice")
    broker.broker.disconnect("alice")
    assert reason(watcher) == ("API_INITIATED_DISCONNECT", False)
    broker.broker.close()
    assert broker.reports[-1][1]["disconnect_reason"] == "SERVER_INITIATED_DISCONNECT"


@pytest.mark.parametrize("given", list(DisconnectReason))
def test_a_reason_of_the_gateway_is_passed_on(broker: Bench, watcher: Peer, given: DisconnectReason) -> None:
    broker.connect("alice").end_by(given)
    assert reason(watcher)[0] == given.value


def test_a_will_comes_behind_the_event(broker: Bench, watcher: Peer) -> None:
    watcher.subscribe("wills/alice")
    broker.connect("alice", will=will()).lose()
    assert watcher.topics()[1:] == ["$aws/events/presence/disconnected/alice", "wills/alice"]


@pytest.mark.parametrize(("client_id", "events"), [("ann/phone", 4), ("a+b", 0), ("#", 0), ("ann/+", 0)])
def test_client_ids_with_a_slash_have_events_but_none_with_a_wildcard(
    broker: Bench, client_id: str, events: int
) -> None:
    watcher = broker.subscriber("$aws/events/#", client_id="watcher")
    watcher.received()
    alice = broker.connect(client_id)
    alice.subscribe("a")
    alice.unsubscribe("a")
    alice.lose()
    topics = watcher.topics()
    assert (len(topics), all(topic.endswith(f"/{client_id}") for topic in topics)) == (events, True)


def test_a_connect_that_the_policy_does_not_allow_is_an_event(broker: Bench, watcher: Peer) -> None:
    broker.broker.connect_failed("alice", "principal", "192.0.2.7")
    (event,) = watcher.events()
    assert (event["eventType"], event["principalIdentifier"]) == ("connect_failed", "principal")
    assert (event["connectFailureReason"], event["ipAddress"]) == ("AUTHORIZATION_FAILED", "192.0.2.7")


def test_events_need_the_permission_to_receive_them(broker: Bench, watcher: Peer) -> None:
    watcher.policy.deny("Receive", "$aws/events/presence/connected/alice")
    broker.connect("alice")
    assert watcher.received() == []


def test_events_wait_for_a_watcher_that_is_away(broker: Bench) -> None:
    broker.leave("$aws/events/presence/+/alice", qos=1, client_id="watcher")
    broker.connect("alice").lose()
    assert len(broker.persistent("watcher").received()) == 2


def test_the_feed_is_told_of_connections_and_subscriptions(broker: Bench) -> None:
    alice = broker.subscriber("a", "b")
    alice.unsubscribe("a")
    alice.publish("$other")
    detail = "topics that start with $ are reserved for AWS"
    assert broker.reports == [
        ("presence", {"client_id": "alice", "event": "connected"}),
        ("subscriptions", {"client_id": "alice", "event": "subscribed", "topics": ["a", "b"]}),
        ("subscriptions", {"client_id": "alice", "event": "unsubscribed", "topics": ["a"]}),
        (
            "presence",
            {"client_id": "alice", "event": "disconnected", "disconnect_reason": "CLIENT_ERROR", "detail": detail},
        ),
    ]


@pytest.mark.parametrize(
    ("topic_filter", "reason"), [("a/b/c/d/e/f/g/h/i", "invalid_topic_filter"), ("one/more", "too_many_subscriptions")]
)
def test_a_filter_that_no_policy_is_asked_about_is_told_as_refused(topic_filter: str, reason: str) -> None:
    broker = Bench(limits=limits(subscriptions=1))
    alice = broker.subscriber("first")
    alice.subscribe(topic_filter)
    told = [fields for kind, fields in broker.reports if kind == "decision"]
    assert [(each["resource"], each["allowed"], each["reason"]) for each in told] == [(topic_filter, False, reason)]
