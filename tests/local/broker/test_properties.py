"""What passes between clients beside topic and payload, in one version and between both."""

from typing import Any

import pytest

from iot_core.mqtt import NO_PROPERTIES, Properties, Publish, ReasonCode
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


def test_properties_wait_with_their_message(broker: Bench) -> None:
    broker.leave("a", qos=1)
    broker.connect("bob").publish("a", b"{}", 1, **PASSED_ON)
    assert [vars(message.properties) for message in broker.persistent().received()] == [PASSED_ON]


def test_properties_are_retained_with_their_message(broker: Bench) -> None:
    broker.connect("bob").publish("a", b"{}", retain=True, **PASSED_ON)
    alice = broker.subscriber("a")
    assert [vars(message.properties) for message in alice.received()] == [PASSED_ON]


def test_clients_of_mqtt_3_1_1_get_the_message_without_properties(broker: Bench) -> None:
    alice, bob = broker.connect("alice", MQTT_3_1_1), broker.connect("bob")
    alice.subscribe("a")
    bob.publish("a", b"{}", **PASSED_ON, message_expiry_interval=10, topic_alias=1)
    assert alice.received() == [Publish("a", b"{}", properties=NO_PROPERTIES)]


def test_clients_of_mqtt_5_get_messages_of_mqtt_3_1_1(broker: Bench) -> None:
    alice, bob = broker.connect("alice"), broker.connect("bob", MQTT_3_1_1)
    alice.subscribe("a")
    bob.publish("a", b"{}")
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
