"""Each packet type is written in as few bytes as possible, or refused."""

import pytest

from iot_core.mqtt import (
    NO_PROPERTIES,
    Connack,
    Connect,
    Disconnect,
    MalformedPacket,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    ProtocolError,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
    encode,
    publish_parts,
)
from tests.local.mqtt.broken_rules import Broken, each_rule
from tests.local.mqtt.streams import frame

MQTT_3_1_1, MQTT_5 = Version.MQTT_3_1_1, Version.MQTT_5
WHY = Properties(reason_string="x")
DATA = Properties(authentication_data=b"d")


@pytest.mark.parametrize(
    ("packet", "version", "data"),
    [
        (Connect(MQTT_3_1_1, "a", keep_alive=60), MQTT_3_1_1, "100d00044d5154540402003c000161"),
        (Connect(MQTT_5, "a", keep_alive=60), MQTT_5, "100e00044d5154540502003c00000161"),
        (Connect(MQTT_3_1_1, "a", False, 0, "u", b"p"), MQTT_3_1_1, "101300044d51545404c00000000161000175000170"),
        (
            Connect(MQTT_5, "a", will=Will("w", b"m", 1, True)),
            MQTT_5,
            "101500044d515454052e0000000001610000017700016d",
        ),
        (Connack(True, 0), MQTT_3_1_1, "20020100"),
        (Connack(False, 5), MQTT_3_1_1, "20020005"),
        (Connack(False, 0x87), MQTT_5, "2003008700"),
        (Publish("a/b", b"x"), MQTT_3_1_1, "30060003612f6278"),
        (Publish("a/b", b"x", 1, True, True, 258), MQTT_3_1_1, "3b080003612f62010278"),
        (Publish("a/b", b"x", 1, packet_id=258), MQTT_5, "32090003612f6201020078"),
        (Publish("", b"", properties=Properties(topic_alias=2)), MQTT_5, "3006000003230002"),
        (Puback(258), MQTT_3_1_1, "40020102"),
        (Puback(258), MQTT_5, "40020102"),
        (Puback(258, 0x10), MQTT_5, "4003010210"),
        (Puback(258, 0, WHY), MQTT_5, "4008010200041f000178"),
        (Puback(258, 0x87, WHY), MQTT_5, "4008010287041f000178"),
        (Subscribe(1, (Subscription("a", 1),)), MQTT_3_1_1, "8206000100016101"),
        (Subscribe(1, (Subscription("a", 1, True, True, 2),)), MQTT_5, "82070001000001612d"),
        (Suback(1, (0, 0x80)), MQTT_3_1_1, "900400010080"),
        (Suback(1, (0, 0x87)), MQTT_5, "90050001000087"),
        (Unsubscribe(1, ("a",)), MQTT_3_1_1, "a2050001000161"),
        (Unsubscribe(1, ("a",)), MQTT_5, "a206000100000161"),
        (Unsuback(1, (0,)), MQTT_3_1_1, "b0020001"),
        (Unsuback(1, (0, 0x11)), MQTT_5, "b0050001000011"),
        (Pingreq(), MQTT_5, "c000"),
        (Pingresp(), MQTT_3_1_1, "d000"),
        (Disconnect(), MQTT_5, "e000"),
        (Disconnect(4), MQTT_5, "e00104"),
        (Disconnect(0, WHY), MQTT_5, "e00600041f000178"),
        (Disconnect(), MQTT_3_1_1, "e000"),
    ],
    ids=lambda value: value.name if isinstance(value, Version) else str(value)[:40],
)
def test_a_packet_is_written_in_these_bytes(packet: Packet, version: Version, data: str) -> None:
    assert encode(packet, version).hex() == data


@pytest.mark.parametrize(
    ("packet", "written"),
    [
        pytest.param(Puback(1, 0x87, WHY), Puback(1), id="reasons of PUBACK"),
        pytest.param(Disconnect(0x8E, WHY), Disconnect(), id="reasons of DISCONNECT"),
        pytest.param(Unsuback(1, (0x11,), WHY), Unsuback(1), id="codes of UNSUBACK"),
        pytest.param(Publish("a", b"", properties=Properties(content_type="x")), Publish("a", b""), id="properties"),
        pytest.param(
            Subscribe(1, (Subscription("a", 1, True, True, 2),)), Subscribe(1, (Subscription("a", 1),)), id="options"
        ),
    ],
)
def test_fields_that_mqtt_3_1_1_does_not_have_are_left_out(packet: Packet, written: Packet) -> None:
    assert encode(packet, MQTT_3_1_1) == encode(written, MQTT_3_1_1)


@pytest.mark.parametrize(
    ("packet", "version"),
    [
        pytest.param(Publish("x" * 65_536, b""), MQTT_5, id="1.5.4 a topic that is too long"),
        pytest.param(Publish("a\0", b""), MQTT_3_1_1, id="MQTT-1.5.4-2 a topic with U+0000"),
        pytest.param(Publish("a\udc00", b""), MQTT_3_1_1, id="MQTT-1.5.4-1 a topic with a surrogate"),
        pytest.param(Publish("a/#", b""), MQTT_3_1_1, id="MQTT-3.3.2-2 a topic with a wildcard"),
        pytest.param(Publish("", b""), MQTT_5, id="3.3.2.1 no topic and no alias"),
        pytest.param(Publish("", b"", properties=Properties(topic_alias=1)), MQTT_3_1_1, id="MQTT-4.7.3-1 no topic"),
        pytest.param(Publish("a", b"", 3, packet_id=1), MQTT_3_1_1, id="MQTT-3.3.1-4 QoS 3"),
        pytest.param(Publish("a", b"", 1), MQTT_3_1_1, id="MQTT-2.2.1-3 QoS 1 without a packet ID"),
        pytest.param(Publish("a", b"", 0, packet_id=1), MQTT_3_1_1, id="MQTT-2.2.1-2 QoS 0 with a packet ID"),
        pytest.param(Publish("a", b"", duplicate=True), MQTT_3_1_1, id="MQTT-3.3.1-2 a duplicate of QoS 0"),
        pytest.param(Publish("a", bytes(1 << 28)), MQTT_3_1_1, id="2.1.4 a packet of more than 256 MiB"),
        pytest.param(Publish("a", b"", properties=WHY), MQTT_5, id="2.2.2.2 a property of other packets"),
        pytest.param(Puback(0), MQTT_3_1_1, id="MQTT-2.2.1-3 the packet ID 0"),
        pytest.param(Puback(65_536), MQTT_3_1_1, id="2.2.1 a packet ID of three bytes"),
        pytest.param(Puback(1, 0x92), MQTT_5, id="MQTT-3.4.2-1 a code that PUBACK does not have"),
        pytest.param(Connack(True, 5), MQTT_3_1_1, id="MQTT-3.2.2-4 a refusal with a session"),
        pytest.param(Connect(MQTT_5, "a"), MQTT_3_1_1, id="MQTT-3.1.2-2 a CONNECT of the other version"),
        pytest.param(Connect(MQTT_3_1_1, "a", password=b"p"), MQTT_3_1_1, id="MQTT-3.1.2-22 only a password"),
        pytest.param(Connect(MQTT_3_1_1, "a", keep_alive=65_536), MQTT_3_1_1, id="3.1.2.10 a keep alive of a day"),
        pytest.param(Subscribe(1, ()), MQTT_3_1_1, id="MQTT-3.8.3-2 no subscription"),
        pytest.param(Subscribe(1, (Subscription("", 0),)), MQTT_3_1_1, id="MQTT-4.7.3-1 an empty topic filter"),
        pytest.param(Subscribe(1, (Subscription("a", 3),)), MQTT_3_1_1, id="3.8.3.1 a subscription with QoS 3"),
        pytest.param(
            Subscribe(1, (Subscription("a", 0, retain_handling=3),)), MQTT_5, id="3.8.3.1 the retain handling 3"
        ),
        pytest.param(
            Subscribe(1, (Subscription("$share/g/a", 0, no_local=True),)), MQTT_5, id="MQTT-3.8.3-4 shared, no local"
        ),
        pytest.param(
            Subscribe(1, (Subscription("a", 0),), Properties(subscription_identifiers=(1, 2))),
            MQTT_5,
            id="3.8.2.1.2 two identifiers in SUBSCRIBE",
        ),
        pytest.param(
            Publish("a", b"", properties=Properties(topic_alias=0)), MQTT_5, id="MQTT-3.3.2-8 the topic alias 0"
        ),
        pytest.param(Unsubscribe(1, ()), MQTT_3_1_1, id="MQTT-3.10.3-2 no topic filter"),
        pytest.param(Suback(1, (0x87,)), MQTT_3_1_1, id="MQTT-3.9.3-2 a refusal of MQTT 5"),
        pytest.param(Disconnect(1), MQTT_5, id="MQTT-3.14.2-1 a code that DISCONNECT does not have"),
        pytest.param(Connack(False, 5), MQTT_5, id="MQTT-3.2.2-8 a code of MQTT 3.1.1"),
        pytest.param(Connack(False, 256), MQTT_3_1_1, id="3.2.2.3 a return code of two bytes"),
        pytest.param(Connect(MQTT_5, "a", properties=DATA), MQTT_5, id="3.1.2.11.10 data without a method"),
        pytest.param(Connect(MQTT_5, "a", will=Will("w", b"", 3)), MQTT_5, id="MQTT-3.1.2-12 a Will of QoS 3"),
        pytest.param(Connect(MQTT_5, "a", will=Will("#", b"")), MQTT_5, id="MQTT-4.7.1-1 a Will with a wildcard"),
        pytest.param(Connect(MQTT_5, "a", will=Will("", b"")), MQTT_5, id="MQTT-4.7.3-1 a Will without a topic"),
    ],
)
def test_a_packet_that_the_peer_would_refuse_is_not_written(packet: Packet, version: Version) -> None:
    with pytest.raises(ValueError):
        encode(packet, version)


def test_a_second_publish_to_a_topic_is_checked_like_the_first() -> None:
    encode(Publish("a", b""), MQTT_3_1_1)
    with pytest.raises(ValueError):
        publish_parts("a", b"", 3, False, False, NO_PROPERTIES, MQTT_3_1_1)


def test_the_payload_is_not_copied_for_receivers_of_mqtt_3_1_1() -> None:
    payload = b"x" * 1000
    _, after = publish_parts("a", payload, 1, False, False, NO_PROPERTIES, MQTT_3_1_1)
    assert after is payload


TYPE_0 = Broken("2.1.2 the type 0 is reserved", frame(0x00), MalformedPacket, "no such type")
OF_QOS_2 = [
    Broken("4.3.3 QoS 2 has PUBREC", frame(0x50, b"\0\1"), ProtocolError, "PUBREC: packets of QoS 2"),
    Broken("4.3.3 QoS 2 has PUBREL", frame(0x62, b"\0\1"), ProtocolError, "PUBREL: packets of QoS 2"),
    Broken("4.3.3 QoS 2 has PUBCOMP", frame(0x70, b"\0\1"), ProtocolError, "PUBCOMP: packets of QoS 2"),
    Broken("4.3.3 PUBREC is refused by its first byte", b"\x50", ProtocolError, "PUBREC: packets of QoS 2"),
    Broken("MQTT-2.1.3-1 the flags of PUBREC are 0000", frame(0x52, b"\0\1"), MalformedPacket),
    Broken("MQTT-3.6.1-1 the flags of PUBREL are 0010", frame(0x60, b"\0\1"), MalformedPacket, "MQTT-2.1.3-1"),
    Broken("MQTT-2.1.3-1 the flags of PUBCOMP are 0000", frame(0x71, b"\0\1"), MalformedPacket),
]
BEFORE_CONNECT = [
    TYPE_0,
    *(
        Broken(f"MQTT-3.1.0-1 {first:#x} comes after CONNECT", frame(first), ProtocolError, "MQTT-3.1.0-1")
        for first in (0x50, 0x62, 0x70, 0xC0, 0xF0)
    ),
]
IN_3_1_1 = [TYPE_0, Broken("2.2.1 the type 15 is reserved", frame(0xF0), MalformedPacket, "no such type"), *OF_QOS_2]
IN_5 = [
    TYPE_0,
    Broken("4.12 AUTH is extended authentication", frame(0xF0), ProtocolError, "AUTH: extended authentication"),
    Broken("MQTT-3.15.1-1 AUTH has no flags", frame(0xF1), MalformedPacket, "MQTT-2.1.3-1"),
    *OF_QOS_2,
]


@each_rule({None: BEFORE_CONNECT, MQTT_3_1_1: IN_3_1_1, MQTT_5: IN_5})
def test_a_packet_type_that_iot_core_does_not_accept_is_refused(version: Version | None, broken: Broken) -> None:
    broken.check(version)
