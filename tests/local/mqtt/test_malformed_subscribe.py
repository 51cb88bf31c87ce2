"""Each rule for SUBSCRIBE, UNSUBSCRIBE, their answers, and the packets around a connection's end, broken once."""

import pytest

from iot_core.mqtt import Auth, Disconnect, MalformedPacket, Properties, ProtocolError, Subscribe, Subscription, Version
from tests.local.mqtt.malformed import Broken, each_in
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
    ("MQTT-3.9.3-1 SUBACK has a code for each filter", 0x90, b"\0\1", b"", ProtocolError, "MQTT-3.9.3-1"),
    ("MQTT-3.9.3-2 SUBACK has its own codes", 0x90, b"\0\1", b"\0\3", MalformedPacket, "MQTT-3.9.3-2"),
    ("MQTT-2.2.1-3 SUBACK has a packet ID but 0", 0x90, b"\0\0", b"\0", ProtocolError, "MQTT-2.2.1-3"),
]
IN_BOTH_WITHOUT_PROPERTIES = [
    *(
        Broken(f"3.12, 3.13 nothing stands in {first:#04x}", frame(first, b"\0"), MalformedPacket, "1 bytes behind")
        for first in (0xC0, 0xD0)
    ),
    *(
        Broken(f"MQTT-2.1.3-1 {first:#04x} has no flags", frame(first), MalformedPacket, "MQTT-2.1.3-1")
        for first in (0xC1, 0xD8, 0xB2)
    ),
]
IN_3_1_1 = [
    Broken("MQTT-3.8.3-4 the options are only a QoS", frame(0x82, b"\0\1\0\1t\4"), MalformedPacket, "3.8.3-5"),
    Broken("MQTT-3.9.3-2 SUBACK has one refusal", frame(0x90, b"\0\1\x87"), MalformedPacket, "MQTT-3.9.3-2"),
    Broken("3.11 UNSUBACK has no codes", frame(0xB0, b"\0\1\0"), MalformedPacket, "1 bytes behind"),
    Broken("MQTT-3.14.1-1 DISCONNECT has no flags", frame(0xE1), MalformedPacket, "MQTT-2.1.3-1"),
    Broken("3.14.2 DISCONNECT has no reason code", frame(0xE0, b"\0"), MalformedPacket, "1 bytes behind"),
    Broken("2.2.1 the type 15 is reserved", frame(0xF0), MalformedPacket, "no such type"),
    Broken("2.2.1 the type 0 is reserved", frame(0x00), MalformedPacket, "no such type"),
]
IN_5 = [
    Broken("3.8.3.1 there is no retain handling 3", frame(0x82, b"\0\1\0\0\1t\x30"), ProtocolError, "3.8.3.1"),
    Broken(
        "MQTT-3.8.3-4 a shared subscription is not without local ones",
        frame(0x82, b"\0\1\0\0\x0a$share/g/t\4"),
        ProtocolError,
        "MQTT-3.8.3-4",
    ),
    Broken("MQTT-3.11.3-1 UNSUBACK has codes", frame(0xB0, b"\0\1\0"), ProtocolError, "MQTT-3.11.3-1"),
    Broken("MQTT-3.11.3-2 UNSUBACK has its own codes", frame(0xB0, b"\0\1\0\1"), MalformedPacket, "its own"),
    Broken("MQTT-3.14.1-1 DISCONNECT has no flags", frame(0xE2), MalformedPacket, "MQTT-2.1.3-1"),
    Broken("MQTT-3.14.2-1 DISCONNECT has its own codes", frame(0xE0, b"\1"), MalformedPacket, "MQTT-3.14.2-1"),
    Broken("2.1.2 the type 0 is reserved", frame(0x00), MalformedPacket, "no such type"),
    Broken("MQTT-3.15.1-1 AUTH has no flags", frame(0xF1), MalformedPacket, "MQTT-2.1.3-1"),
    Broken("MQTT-3.15.2-1 AUTH has its own codes", frame(0xF0, b"\1\0"), MalformedPacket, "MQTT-3.15.2-1"),
    Broken("3.15.2.2.2 AUTH has a method", frame(0xF0, b"\x18\0"), ProtocolError, "3.15.2.2.2"),
    Broken("3.15.2.2 AUTH has properties", frame(0xF0, b"\x18"), MalformedPacket, "ends inside"),
]


def in_both(properties: bytes) -> list[Broken]:
    """Where MQTT 5 has properties, MQTT 3.1.1 has nothing."""
    return [
        Broken(rule, frame(first, packet_id, properties, payload), error, text)
        for rule, first, packet_id, payload, error, text in IN_BOTH
    ] + IN_BOTH_WITHOUT_PROPERTIES


@pytest.mark.parametrize(
    ("version", "broken"),
    [*each_in(MQTT_3_1_1, in_both(b"") + IN_3_1_1), *each_in(MQTT_5, in_both(b"\0") + IN_5)],
)
def test_a_broken_rule_has_its_error(version: Version, broken: Broken) -> None:
    broken.check(version)


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a+", "$share/", "#"])
def test_where_wildcards_may_stand_is_the_brokers_to_say(topic_filter: str) -> None:
    packet = frame(0x82, b"\0\1", bytes((0, len(topic_filter))), topic_filter.encode(), b"\1")
    assert decode(packet, MQTT_3_1_1) == [Subscribe(1, (Subscription(topic_filter, 1),))]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(frame(0xE0), id="3.14.2.1 no reason code"),
        pytest.param(frame(0xE0, b"\0"), id="3.14.2.2.1 no properties"),
        pytest.param(frame(0xE0, b"\0\0"), id="3.14.2.2.1 empty properties"),
    ],
)
def test_what_says_nothing_may_be_left_out_of_disconnect(packet: bytes) -> None:
    assert decode(packet, MQTT_5) == [Disconnect()]


def test_auth_may_be_without_everything() -> None:
    assert decode(frame(0xF0), MQTT_5) == [Auth()]


def test_auth_may_be_with_nothing_but_its_method() -> None:
    assert decode(frame(0xF0, b"\x18\4\x15\0\1m"), MQTT_5) == [Auth(0x18, Properties(authentication_method="m"))]
