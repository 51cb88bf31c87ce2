"""PUBLISH and PUBACK: each rule broken once, and what the rules leave free."""

import pytest

from iot_core.mqtt import MalformedPacket, ProtocolError, Puback, Version
from tests.local.mqtt.broken_rules import Broken, each_rule
from tests.local.mqtt.streams import decode, frame

MQTT_3_1_1, MQTT_5 = Version.MQTT_3_1_1, Version.MQTT_5

IN_BOTH = [
    Broken("MQTT-3.3.1-4 there is no QoS 3", frame(0x36, b"\0\1t\0\1\0"), MalformedPacket),
    Broken("MQTT-3.3.1-4 there is no retained QoS 3", frame(0x37, b"\0\1t\0\1\0"), MalformedPacket),
    Broken("MQTT-3.3.1-4 there is no duplicate of QoS 3", frame(0x3E, b"\0\1t\0\1\0"), MalformedPacket),
    Broken("MQTT-3.3.1-2 QoS 0 has no duplicates", frame(0x38, b"\0\1t\0"), MalformedPacket),
    Broken("MQTT-3.3.1-2 retained QoS 0 has no duplicates", frame(0x39, b"\0\1t\0"), MalformedPacket),
    Broken("MQTT-3.3.2-2 a topic has no +", frame(0x30, b"\0\3a/+\0"), MalformedPacket),
    Broken("MQTT-3.3.2-2 a topic has no #", frame(0x30, b"\0\3a/#\0"), MalformedPacket),
    Broken("MQTT-3.3.2-1 a topic is UTF-8", frame(0x30, b"\0\1\xe9\0"), MalformedPacket, "MQTT-1.5.4-1"),
    Broken("MQTT-4.7.3-2 a topic has no U+0000", frame(0x30, b"\0\3a\0b\0"), MalformedPacket, "MQTT-1.5.4-2"),
    Broken("MQTT-2.2.1-3 QoS 1 has a packet ID but 0", frame(0x32, b"\0\1t\0\0\0"), ProtocolError),
    Broken("MQTT-2.2.1-3 QoS 2 has a packet ID but 0", frame(0x34, b"\0\1t\0\0\0"), ProtocolError),
    Broken("3.3.2.1 PUBLISH has a topic", frame(0x30), MalformedPacket, "ends inside"),
    Broken("3.3.2.1 PUBLISH has a topic's length", frame(0x30, b"\0"), MalformedPacket, "ends inside"),
    Broken("1.5.4 the topic ends before the packet does", frame(0x30, b"\0\4abc"), MalformedPacket, "ends inside"),
    Broken("3.3.2.2 QoS 1 has a packet ID", frame(0x32, b"\0\1t"), MalformedPacket, "ends inside"),
    Broken("3.3.2.2 QoS 1 has a whole packet ID", frame(0x32, b"\0\1t\1"), MalformedPacket, "ends inside"),
    Broken("MQTT-2.1.3-1 the flags of PUBACK are 0000", frame(0x42, b"\0\1"), MalformedPacket),
    Broken("MQTT-2.2.1-3 PUBACK has a packet ID but 0", frame(0x40, b"\0\0"), ProtocolError),
    Broken("3.4.2 PUBACK has a packet ID", frame(0x40), MalformedPacket, "ends inside"),
    Broken("3.4.2 PUBACK has a whole packet ID", frame(0x40, b"\1"), MalformedPacket, "ends inside"),
]
IN_3_1_1 = [
    Broken("MQTT-4.7.3-1 a topic is not empty", frame(0x30, b"\0\0x"), MalformedPacket),
    Broken("3.4.2 PUBACK has only a packet ID", frame(0x40, b"\0\1\0"), MalformedPacket, "more than a packet ID"),
]
IN_5 = [
    Broken("3.3.2.1 a topic or an alias is there", frame(0x30, b"\0\0\0x"), ProtocolError),
    Broken("3.3.2.3 PUBLISH has properties", frame(0x30, b"\0\1t"), MalformedPacket, "ends inside"),
    Broken("3.3.2.3 PUBLISH of QoS 1 has properties", frame(0x32, b"\0\1t\0\1"), MalformedPacket, "ends inside"),
    Broken("MQTT-3.3.2-8 an alias is not 0", frame(0x30, b"\0\1t\3\x23\0\0"), ProtocolError, "topic_alias"),
    Broken("MQTT-3.4.2-1 PUBACK has its own codes", frame(0x40, b"\0\1\x92"), MalformedPacket, "0x92"),
    Broken("3.4.2.2 nothing follows the properties", frame(0x40, b"\0\1\0\0\0"), MalformedPacket, "1 bytes after"),
]


@each_rule({MQTT_3_1_1: IN_BOTH + IN_3_1_1, MQTT_5: IN_BOTH + IN_5})
def test_a_broken_rule_has_its_error(version: Version | None, broken: Broken) -> None:
    broken.check(version)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(frame(0x40, b"\0\7\x10"), id="3.4.2.2.1 no properties"),
        pytest.param(frame(0x40, b"\0\7\x10\0"), id="3.4.2.2.1 empty properties"),
    ],
)
def test_puback_may_leave_out_its_properties(packet: bytes) -> None:
    assert decode(packet, MQTT_5) == [Puback(7, 0x10)]
