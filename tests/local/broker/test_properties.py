"""The properties of messages, between clients of one MQTT version and of both."""

from typing import Any

import pytest

from iot_core.mqtt import NO_PROPERTIES, Properties, Publish, ReasonCode, Version
from tests.local.broker.bench import MQTT_3_1_1, MQTT_5, Bench

PASSED_ON: dict[str, Any] = {
    "payload_format_indicator": 1,
    "content_type": "application/json",
    "response_topic": "answers/bob",
    "correlation_data": b"\0\xff",
    "user_properties": (("b", "1"), ("a", "2"), ("b", "1")),
}


@pytest.fixture
def broker() -> Bench:
    return Bench(MQTT_5)


@pytest.mark.parametrize("name", PASSED_ON)
@pytest.mark.parametrize("qos", [0, 1])
def test_a_property_reaches_clients_of_mqtt_5(broker: Bench, name: str, qos: int) -> None:
    alice, bob = broker.subscriber("a", qos=1), broker.connect("bob")
    bob.publish("a", b"{}", qos, **{name: PASSED_ON[name]})
    assert [vars(message.properties) for message in alice.received()] == [{name: PASSED_ON[name]}]


@pytest.mark.parametrize("retained", [False, True])
def test_properties_are_queued_and_retained_with_their_message(broker: Bench, retained: bool) -> None:
    broker.leave("a", qos=1)
    broker.connect("bob").publish("a", b"{}", 1, retain=retained, **PASSED_ON)
    alice = broker.subscriber("a", client_id="carol") if retained else broker.persistent()
    assert [vars(message.properties) for message in alice.received()] == [PASSED_ON]


@pytest.mark.parametrize(("publisher", "subscriber"), [(MQTT_5, MQTT_3_1_1), (MQTT_3_1_1, MQTT_5)])
def test_a_message_passes_between_versions_without_properties(
    broker: Bench, publisher: Version, subscriber: Version
) -> None:
    alice, bob = broker.connect("alice", subscriber), broker.connect("bob", publisher)
    alice.subscribe("a")
    properties = {**PASSED_ON, "message_expiry_interval": 10, "topic_alias": 1} if publisher is MQTT_5 else {}
    bob.publish("a", b"{}", **properties)
    assert alice.received() == [Publish("a", b"{}", properties=NO_PROPERTIES)]


def test_one_message_goes_to_clients_of_both_versions(broker: Bench) -> None:
    peers = [
        broker.connect(client_id, version)
        for client_id, version in (("a", MQTT_5), ("b", MQTT_3_1_1), ("c", MQTT_5), ("d", MQTT_3_1_1))
    ]
    for peer in peers:
        peer.subscribe("topic", qos=1)
    broker.connect("bob").publish("topic", b"{}", 1, content_type="text/plain")
    received = [message.properties.content_type for peer in peers for message in peer.received()]
    assert received == ["text/plain", None, "text/plain", None]


def test_one_message_goes_to_clients_with_other_options(broker: Bench) -> None:
    options = [(qos, retain) for qos in (0, 1) for retain in (False, True)] * 2
    peers = [broker.connect(f"client {number}") for number in range(8)]
    for peer, (qos, retain) in zip(peers, options, strict=True):
        peer.subscribe("a", qos=qos, retain_as_published=retain)
    broker.publish("a", b"{}", qos=1, retain=True)
    assert [(message.qos, message.retain) for peer in peers for message in peer.received()] == options


def test_a_message_from_a_client_has_no_subscription_identifier(broker: Bench) -> None:
    bob = broker.connect("bob")
    bob.send(Publish("a", b"", properties=Properties(subscription_identifiers=(1,))))
    assert bob.end == ReasonCode.PROTOCOL_ERROR


RESPONSE_TOPICS = ["r" * 257, "a/b/c/d/e/f/g/h/i", "$other/a"]


@pytest.mark.parametrize("topic", RESPONSE_TOPICS)
def test_a_response_topic_that_is_no_topic_of_iot_core_ends_the_connection(broker: Bench, topic: str) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.publish("a", response_topic=topic)
    assert (alice.received(), bob.end) == ([], ReasonCode.TOPIC_NAME_INVALID)
