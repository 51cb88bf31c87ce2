"""CONNECT, CONNACK, PINGREQ, PINGRESP and DISCONNECT: each rule broken once, and what the rules leave free."""

import pytest

from iot_core.mqtt import (
    Decoder,
    Disconnect,
    MalformedPacket,
    ProtocolError,
    ReasonCode,
    UnsupportedVersion,
    Version,
)
from tests.local.mqtt.broken_rules import Broken, each_rule
from tests.local.mqtt.streams import decode, frame

MQTT_3_1_1, MQTT_5 = Version.MQTT_3_1_1, Version.MQTT_5
NAME = b"\0\4MQTT"
NO_KEEP_ALIVE = b"\0\0"
EMPTY = b"\0\0"


def connect(flags: int, *payload: bytes) -> bytes:
    return frame(0x10, NAME, bytes((4, flags)), NO_KEEP_ALIVE, *payload)


def connect_5(flags: int, *rest: bytes) -> bytes:
    """`rest`: the properties and the payload."""
    return frame(0x10, NAME, bytes((5, flags)), NO_KEEP_ALIVE, *rest)


WILL = b"\0\1t\0\0"


BEFORE_CONNECT = [
    Broken("MQTT-2.1.3-1 the flags of CONNECT are reserved", frame(0x11, NAME, b"\4\2\0\0\0\0"), MalformedPacket),
    Broken("MQTT-3.1.0-1 CONNECT comes first", b"\xc0\0", ProtocolError),
    Broken("MQTT-3.1.2-3 a flag of CONNECT is reserved", connect(3, EMPTY), MalformedPacket),
    Broken("MQTT-3.1.2-11 no Will has no QoS", connect(0x0A, EMPTY), MalformedPacket),
    Broken("MQTT-3.1.2-13 no Will is not retained", connect(0x22, EMPTY), MalformedPacket),
    Broken("MQTT-3.1.2-12 a Will has no QoS 3", connect(0x1E, EMPTY, WILL), MalformedPacket),
    Broken(
        "MQTT-3.1.2-22 MQTT 3.1.1 has no password without a user name", connect(0x42, EMPTY, b"\0\1p"), MalformedPacket
    ),
    Broken("MQTT-4.7.3-1 a Will has a topic", connect(6, EMPTY, EMPTY, EMPTY), MalformedPacket),
    Broken("MQTT-4.7.1-1 the topic of a Will has no wildcards", connect(6, EMPTY, b"\0\1#\0\0"), MalformedPacket),
    Broken("MQTT-3.1.3-4 a client ID is UTF-8", connect(2, b"\0\1\xff"), MalformedPacket, "MQTT-1.5.4-1"),
    Broken("MQTT-3.1.3-11 a user name has no U+0000", connect(0x82, EMPTY, b"\0\1\0"), MalformedPacket, "MQTT-1.5.4-2"),
    Broken("MQTT-3.1.2-17 a user name is there when its flag is", connect(0x82, EMPTY), MalformedPacket, "ends inside"),
    Broken(
        "MQTT-3.1.2-16 no user name is there when its flag is not",
        connect(2, EMPTY, EMPTY),
        MalformedPacket,
        "2 bytes after",
    ),
    Broken("1.5.4 a string ends before the packet does", connect(2, b"\0\2a"), MalformedPacket, "ends inside"),
    Broken("3.1.2.11.10 authentication data needs a method", connect_5(2, b"\4\x16\0\1k", EMPTY), ProtocolError),
]
IN_BOTH = [
    Broken("MQTT-3.1.0-2 CONNECT comes once", connect(2, EMPTY), ProtocolError),
    Broken("3.12 PINGREQ is empty", frame(0xC0, b"\0"), MalformedPacket, "1 bytes after"),
    Broken("3.13 PINGRESP is empty", frame(0xD0, b"\0"), MalformedPacket, "1 bytes after"),
    Broken("MQTT-2.1.3-1 PINGREQ has no flags", frame(0xC1), MalformedPacket),
    Broken("MQTT-2.1.3-1 PINGRESP has no flags", frame(0xD8), MalformedPacket),
    Broken("MQTT-3.14.1-1 DISCONNECT has no flags", frame(0xE1), MalformedPacket, "MQTT-2.1.3-1"),
]
IN_3_1_1 = [
    Broken("3.14.2 DISCONNECT has no reason code", frame(0xE0, b"\0"), MalformedPacket, "1 bytes after"),
    Broken("MQTT-3.2.2-1 the flags of CONNACK are reserved but one", b"\x20\2\2\0", MalformedPacket),
    Broken("MQTT-3.2.2-4 a refusal of MQTT 3.1.1 has no session", b"\x20\2\1\5", ProtocolError, "MQTT-3.2.2-6"),
    Broken("3.2 CONNACK of MQTT 3.1.1 has no properties", b"\x20\3\0\0\0", MalformedPacket, "1 bytes after"),
]
IN_5 = [
    Broken("MQTT-3.14.2-1 DISCONNECT has its own codes", frame(0xE0, b"\1"), MalformedPacket),
    Broken("MQTT-3.2.2-6 a refusal of MQTT 5 has no session", b"\x20\3\1\x87\0", ProtocolError),
    Broken("MQTT-3.2.2-8 CONNACK has its own reason codes", b"\x20\3\0\1\0", MalformedPacket),
    Broken("3.2.2.3 CONNACK of MQTT 5 has properties", b"\x20\2\0\0", MalformedPacket, "ends inside"),
]


@each_rule({None: BEFORE_CONNECT, MQTT_3_1_1: IN_BOTH + IN_3_1_1, MQTT_5: IN_BOTH + IN_5})
def test_a_broken_rule_has_its_error(version: Version | None, broken: Broken) -> None:
    broken.check(version)


@pytest.mark.parametrize(
    ("name", "level", "answer_in"),
    [
        pytest.param("MQTT", 0, MQTT_3_1_1, id="MQTT-3.1.2-2 a version that never was"),
        pytest.param("MQTT", 3, MQTT_3_1_1, id="MQTT-3.1.2-2 a version before 3.1.1"),
        pytest.param("MQTT", 6, MQTT_5, id="MQTT-3.1.2-2 a version to come"),
        pytest.param("MQTT", 0x84, MQTT_3_1_1, id="MQTT-3.1.2-2 a bridge of Mosquitto, in 3.1.1"),
        pytest.param("MQTT", 0x85, MQTT_5, id="MQTT-3.1.2-2 a bridge of Mosquitto, in 5"),
        pytest.param("MQIsdp", 4, MQTT_3_1_1, id="MQTT-3.1.2-2 the name of 3.1 with another version"),
        pytest.param("mqtt", None, None, id="MQTT-3.1.2-1 another case"),
        pytest.param("AMQP", None, None, id="MQTT-3.1.2-1 another protocol"),
        pytest.param("", None, None, id="MQTT-3.1.2-1 no name"),
    ],
)
def test_another_version_can_be_answered(name: str, level: int | None, answer_in: Version | None) -> None:
    decoder = Decoder(1000)
    decoder.receive(
        frame(0x10, len(name).to_bytes(2, "big"), name.encode(), bytes((4 if level is None else level,)), b"\2\0\0\0\0")
    )
    with pytest.raises(UnsupportedVersion) as found:
        decoder.next()
    error = found.value
    assert (error.protocol_name, error.level, error.answer_in) == (name, level, answer_in)
    assert error.reason_code is ReasonCode.UNSUPPORTED_PROTOCOL_VERSION
    assert "is neither MQTT 3.1.1 nor MQTT 5" in str(error)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(frame(0xE0), id="3.14.2.1 no reason code"),
        pytest.param(frame(0xE0, b"\0"), id="3.14.2.2.1 no properties"),
        pytest.param(frame(0xE0, b"\0\0"), id="3.14.2.2.1 empty properties"),
    ],
)
def test_disconnect_may_leave_out_what_is_empty(packet: bytes) -> None:
    assert decode(packet, MQTT_5) == [Disconnect()]
