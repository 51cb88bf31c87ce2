"""SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK: each rule broken once, and what the rules leave free."""

import pytest

from iot_core.mqtt import MalformedPacket, ProtocolError, Subscribe, Subscription, Version
from tests.local.mqtt.broken_rules import Broken, each_rule
from tests.local.mqtt.streams import decode, frame

MQTT_3_1_1, MQTT_5 = Version.MQTT_3_1_1, Version.MQTT_5

IN_BOTH = [
    ("MQTT-3.8.1-1 the flags of SUBSCRIBE are 0010", 0x80, b"\0\1", b"\0\1t\0", MalformedPacket, "MQTT-2.1.3-1"),
    ("MQTT-3.10.1-1 the flags of UNSUBSCRIBE are 0010", 0xA0, b"\0\1", b"\0\1t", MalformedPacket, "MQTT-2.1.3-1"),
    ("MQTT-2.2.1-3 SUBSCRIBE has a packet ID but 0", 0x82, b"\0\0", b"\0\1t\0", ProtocolError, "MQTT-2.2.1-3"),
    ("MQTT-2.2.1-3 UNSUBSCRIBE has a packet ID but 0", 0xA2, b"\0\0", b"\0\1t", ProtocolError, "MQTT-2.2.1-3"),
    ("MQTT-3.8.3-2 SUBSCRIBE has a topic filter", 0x82, b"\0\1", b"", ProtocolError, "MQTT-3.8.3-2"),
    ("MQTT-3.10.3-2 UNSUBSCRIBE has a topic filter", 0xA2, b"\0\1", b"", ProtocolError, "MQTT-3.10.3-2"),
    ("MQTT-4.7.3-1 a topic filter is not empty", 0x82, b"\0\1", b"\0\0\0", MalformedPacket, "MQTT-4.7.3-1"),
    ("MQTT-4.7.3-1 a filter to end is not empty", 0xA2, b"\0\1", b"\0\0", MalformedPacket, "MQTT-4.7.3-1"),
    ("MQTT-3.8.3-1 a topic filter is UTF-8", 0x82, b"\0\1", b"\0\1\xff\0", MalformedPacket, "MQTT-1.5.4-1"),
    ("MQTT-3.10.3-1 a filter to end is UTF-8", 0xA2, b"\0\1", b"\0\1\xff", MalformedPacket, "MQTT-1.5.4-1"),
    ("MQTT-4.7.3-2 a topic filter has no U+0000", 0x82, b"\0\1", b"\0\1\0\0", MalformedPacket, "MQTT-1.5.4-2"),
    ("3.8.3 a topic filter has options", 0x82, b"\0\1", b"\0\1t", MalformedPacket, "ends inside"),
    ("3.8.3 a second topic filter has options", 0x82, b"\0\1", b"\0\1t\0\0\1u", MalformedPacket, "ends inside"),
    ("MQTT-3.8.3-5 bit 7 of the options is reserved", 0x82, b"\0\1", b"\0\1t\x80", MalformedPacket, "MQTT-3.8.3-5"),
    ("MQTT-3.8.3-5 bit 6 of the options is reserved", 0x82, b"\0\1", b"\0\1t\x40", MalformedPacket, "MQTT-3.8.3-5"),
    ("3.8.3.1 a subscription has no QoS 3", 0x82, b"\0\1", b"\0\1t\3", ProtocolError, "QoS 3"),
    ("MQTT-2.1.3-1 the flags of SUBACK are 0000", 0x92, b"\0\1", b"\0", MalformedPacket, "MQTT-2.1.3-1"),
    ("MQTT-2.1.3-1 the flags of UNSUBACK are 0000", 0xB2, b"\0\1", b"\0", MalformedPacket, "MQTT-2.1.3-1"),
    ("MQTT-3.9.3-1 SUBACK has a code for each filter", 0x90, b"\0\1", b"", ProtocolError, "MQTT-3.9.3-1"),
    ("MQTT-3.9.3-2 SUBACK has its own codes", 0x90, b"\0\1", b"\0\3", MalformedPacket, "MQTT-3.9.3-2"),
    ("MQTT-2.2.1-3 SUBACK has a packet ID but 0", 0x90, b"\0\0", b"\0", ProtocolError, "MQTT-2.2.1-3"),
]
IN_3_1_1 = [
    Broken("MQTT-3.8.3-4 the options are only a QoS", frame(0x82, b"\0\1\0\1t\4"), MalformedPacket, "3.8.3-5"),
    Broken("MQTT-3.9.3-2 SUBACK has one refusal", frame(0x90, b"\0\1\x87"), MalformedPacket),
    Broken("3.11 UNSUBACK has no codes", frame(0xB0, b"\0\1\0"), MalformedPacket, "1 bytes after"),
]
IN_5 = [
    Broken("3.8.3.1 there is no retain handling 3", frame(0x82, b"\0\1\0\0\1t\x30"), ProtocolError),
    Broken(
        "MQTT-3.8.3-4 a shared subscription is not without local ones",
        frame(0x82, b"\0\1\0\0\x0a$share/g/t\4"),
        ProtocolError,
    ),
    Broken("MQTT-3.11.3-1 UNSUBACK has codes", frame(0xB0, b"\0\1\0"), ProtocolError),
    Broken("MQTT-3.11.3-2 UNSUBACK has its own codes", frame(0xB0, b"\0\1\0\1"), MalformedPacket, "of another packet"),
]


def in_both(properties: bytes) -> list[Broken]:
    """Only MQTT 5 has properties."""
    return [
        Broken(rule, frame(first, packet_id, properties, payload), error, text)
        for rule, first, packet_id, payload, error, text in IN_BOTH
    ]


@each_rule({MQTT_3_1_1: in_both(b"") + IN_3_1_1, MQTT_5: in_both(b"\0") + IN_5})
def test_a_broken_rule_has_its_error(version: Version | None, broken: Broken) -> None:
    broken.check(version)


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a+", "$share/", "#"])
def test_wildcards_may_be_anywhere_because_the_broker_checks_topic_filters(topic_filter: str) -> None:
    packet = frame(0x82, b"\0\1", bytes((0, len(topic_filter))), topic_filter.encode(), b"\1")
    assert decode(packet, MQTT_3_1_1) == [Subscribe(1, (Subscription(topic_filter, 1),))]
