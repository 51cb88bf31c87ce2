"""Retained messages (developer guide, "MQTT retained messages")."""

from itertools import count, islice

import pytest

from iot_core.broker.message import Message
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.storage import Storage
from iot_core.mqtt import ReasonCode, Subscribe, Subscription, Version
from tests.local.broker.bench import MQTT_5, Bench, limits, only_mqtt_5
from tests.local.broker.peer import Peer


def test_a_subscriber_gets_what_is_retained_under_its_topic(broker: Bench) -> None:
    broker.publish("a/b", b"kept", retain=True)
    alice = broker.subscriber("a/b")
    assert [(message.payload, message.retain) for message in alice.received()] == [(b"kept", True)]


@pytest.mark.parametrize("topic_filter", ["a/+", "a/#", "#", "+/b", "$share/g/a/b"])
def test_wildcards_and_shared_subscriptions_get_nothing_retained_but_live_copies_also_of_a_deletion(
    broker: Bench, topic_filter: str
) -> None:
    broker.publish("a/b", b"kept", retain=True)
    alice = broker.subscriber(topic_filter)
    assert alice.received() == []
    for payload in (b"live", b""):
        broker.publish("a/b", payload, retain=True)
    assert [(message.payload, message.retain) for message in alice.received()] == [(b"live", False), (b"", False)]


@pytest.mark.parametrize(
    ("payload", "retain", "kept"),
    [
        pytest.param(b"two", True, [b"two"], id="another one replaces it"),
        pytest.param(b"two", False, [b"one"], id="a message without RETAIN does not"),
        pytest.param(b"", True, [], id="an empty one deletes it"),
    ],
)
def test_a_topic_has_at_most_one_retained_message(
    broker: Bench, payload: bytes, retain: bool, kept: list[bytes]
) -> None:
    broker.publish("a", b"one", retain=True)
    broker.publish("a", payload, retain=retain)
    assert broker.subscriber("a").payloads() == kept


@pytest.mark.parametrize(("published", "subscribed"), [(0, 1), (1, 0), (1, 1)])
def test_a_retained_message_has_the_lower_qos(broker: Bench, published: int, subscribed: int) -> None:
    broker.publish("a", b"kept", published, retain=True)
    alice = broker.subscriber("a", qos=subscribed)
    assert [message.qos for message in alice.received()] == [min(published, subscribed)]


def test_it_is_sent_behind_the_suback(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.send(Subscribe(1, (Subscription("a", 0),)))
    assert [type(packet).__name__ for packet in alice.wire.packets] == ["Suback", "Publish"]


@only_mqtt_5
@pytest.mark.parametrize(("retain_handling", "times"), [(0, 2), (1, 1), (2, 0)])
def test_retain_handling_says_when_it_is_sent(broker: Bench, retain_handling: int, times: int) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.subscriber("a", retain_handling=retain_handling)
    alice.subscribe("a", retain_handling=retain_handling)
    assert alice.payloads() == [b"kept"] * times


@only_mqtt_5
def test_retain_handling_1_sends_once_for_a_filter_that_stands_twice_in_a_subscribe(broker: Bench) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.subscriber("a", "a", retain_handling=1)
    assert alice.payloads() == [b"kept"]


@only_mqtt_5
def test_retain_handling_1_knows_the_subscriptions_of_a_resumed_session(broker: Bench) -> None:
    broker.persistent().subscribe("a")
    broker.publish("a", b"kept", retain=True)
    alice = broker.subscriber("a", retain_handling=1, persistent=True)
    assert alice.payloads() == []


@pytest.mark.parametrize("denied", ["Subscribe", "Receive"])
def test_it_is_not_sent_against_the_policy(broker: Bench, denied: str) -> None:
    broker.publish("a", b"kept", retain=True)
    alice = broker.connect()
    alice.policy.deny(denied, "a")
    alice.subscribe("a")
    assert alice.received() == []


def test_all_are_listed_in_the_order_of_their_topics_with_their_time(broker: Bench) -> None:
    for topic in ("b", "a/c", "a"):
        broker.publish(topic, b"kept", retain=True)
    found = [(retained.message.topic, retained.modified_ms) for retained in broker.broker.retained.items()]
    assert found == [(topic, 1_700_000_000_000) for topic in ("a", "a/c", "b")]


class Topic(str):
    """A topic that counts how often topics are compared."""

    compared = 0

    def __lt__(self, other: str) -> bool:
        Topic.compared += 1
        return str.__lt__(self, other)


def test_a_page_of_the_list_takes_no_longer_if_more_are_retained() -> None:
    """All clients wait meanwhile."""
    clock = count()
    retained = RetainedMessages(Storage(":memory:"), limits(retained_messages=5000), clock.__next__)
    topics = [Topic(f"{number:04}") for number in range(5000)]
    for topic in reversed(topics):
        retained.keep(Message(topic, b"kept"))
    began, Topic.compared = next(clock), 0
    page = [found.message.topic for found in islice(retained.items("2999"), 10)]
    looked_at = next(clock) - began - 1
    assert (page, looked_at, Topic.compared <= 10 * 13) == (topics[3000:3010], 10, True)


@pytest.fixture
def bob(version: Version) -> Peer:
    """A client in an account that holds two retained messages, which is its maximum."""
    bob = Bench(version, limits=limits(retained_messages=2)).connect("bob")
    for topic in ("a", "b"):
        bob.publish(topic, b"kept", retain=True)
    return bob


def payload(bob: Peer, topic: str) -> bytes | None:
    found = bob.broker.retained.get(topic)
    return None if found is None else found.message.payload


def test_a_retained_message_too_many_is_dropped_and_only_mqtt_5_is_told(version: Version) -> None:
    broker = Bench(version, limits=limits(retained_messages=1))
    alice, bob = broker.subscriber("c"), broker.connect("bob")
    bob.publish("a", b"kept", retain=True)
    bob.publish("c", b"kept", qos=1, retain=True)
    assert (alice.received(), broker.broker.retained.get("c")) == ([], None)
    assert broker.dropped() == ["too_many_retained"]
    assert bob.pubacks() == ([ReasonCode.QUOTA_EXCEEDED] if version is MQTT_5 else [])


def test_a_full_account_takes_a_topics_next_message_and_deleting_one_makes_room(bob: Peer) -> None:
    bob.publish("a", b"next", retain=True)
    assert payload(bob, "a") == b"next"
    bob.publish("a", b"", retain=True)
    bob.publish("c", b"kept", retain=True)
    assert payload(bob, "c") == b"kept"


@pytest.mark.parametrize("expires", [False, True])
def test_one_too_many_that_comes_from_no_client_is_delivered_and_reported_unless_another_has_expired(
    expires: bool,
) -> None:
    broker = Bench(limits=limits(retained_messages=1))
    alice = broker.subscriber("b")
    broker.connect("bob").publish("a", b"kept", retain=True, message_expiry_interval=10)
    broker.wait(10 if expires else 9)
    broker.publish("b", b"x", retain=True)
    assert (alice.payloads(), broker.broker.retained.get("b") is not None) == ([b"x"], expires)
    assert broker.dropped() == ([] if expires else ["too_many_retained"])


@pytest.mark.parametrize("qos", [0, 1])
def test_a_slow_client_misses_it_and_is_ended_if_its_queue_is_full(version: Version, qos: int) -> None:
    broker = Bench(version, limits=limits(queued_messages=0))
    for topic in ("a", "b"):
        broker.publish(topic, b"kept", qos, retain=True)
    alice = broker.connect()
    alice.wire.slow = True
    alice.subscribe("a", "b", qos=qos)
    assert (alice.closed, alice.payloads(), broker.dropped()) == (qos == 1, [], ["slow"])
