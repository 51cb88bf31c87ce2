"""Properties of MQTT 5: each rule broken once, and which packet can have which property."""

import pytest

from iot_core.mqtt import MalformedPacket, Properties, ProtocolError, Version
from iot_core.mqtt.properties import IDENTIFIERS, PROPERTIES, Carrier
from tests.local.mqtt.broken_rules import Broken, each_rule
from tests.local.mqtt.streams import frame
from tests.local.mqtt.valid_values import CARRIED

NAME = b"\0\4MQTT\5"


def publish(properties: bytes) -> bytes:
    return frame(0x30, b"\0\1t", bytes((len(properties),)), properties)


def connect(properties: bytes) -> bytes:
    return frame(0x10, NAME, b"\2\0\0", bytes((len(properties),)), properties, b"\0\0")


def connack(properties: bytes) -> bytes:
    return frame(0x20, b"\0\0", bytes((len(properties),)), properties)


def subscribe(properties: bytes) -> bytes:
    return frame(0x82, b"\0\1", bytes((len(properties),)), properties, b"\0\1t\0")


OF_CONNECT = [
    Broken("3.1.2.11.3 the receive maximum is not 0", connect(b"\x21\0\0"), ProtocolError, "receive_maximum"),
    Broken("3.1.2.11.4 the largest size is not 0", connect(b"\x27\0\0\0\0"), ProtocolError, "maximum_packet_size"),
    Broken("3.1.2.11.6 a boolean is 0 or 1", connect(b"\x19\2"), ProtocolError, "only 0 and 1"),
    Broken("3.1.2.11.7 another boolean is 0 or 1", connect(b"\x17\xff"), ProtocolError, "only 0 and 1"),
    Broken("3.1.2.11.2 an expiry is there once", connect(b"\x11\0\0\0\1" * 2), ProtocolError, "more than once"),
]
OF_OTHERS = [
    Broken("2.2.2.2 there is no property 0", publish(b"\0"), MalformedPacket, "0x00"),
    Broken("2.2.2.2 there is no property 0x7f", publish(b"\x7f"), MalformedPacket, "0x7f"),
    Broken("2.2.2.2 no property takes two bytes", publish(b"\x81\1\0"), MalformedPacket, "0x81"),
    Broken("2.2.2.1 the properties end before the packet", frame(0x30, b"\0\1t\1"), MalformedPacket, "ends inside"),
    Broken("2.2.2.1 a property ends before the properties", publish(b"\2\0\0\0"), MalformedPacket, "ends inside"),
    Broken("2.2.2.2 a string ends before the properties", publish(b"\3\0\2x"), MalformedPacket, "ends inside"),
    Broken(
        "MQTT-1.5.5-1 the properties' length is as short as it can be", frame(0x30, b"\0\1t\x81\0\1"), MalformedPacket
    ),
    Broken(
        "1.5.5 the properties' length takes four bytes at most",
        frame(0x30, b"\0\1t\x80\x80\x80\x80\1"),
        MalformedPacket,
        "more than four bytes",
    ),
    Broken("3.3.2.3.2 a payload format is 0 or 1", publish(b"\1\2"), ProtocolError, "payload_format_indicator"),
    Broken("3.3.2.3.3 a message expiry is there once", publish(b"\2\0\0\0\1" * 2), ProtocolError, "more than once"),
    Broken("3.3.2.3.4 a topic alias is there once", publish(b"\x23\0\1" * 2), ProtocolError, "more than once"),
    Broken("MQTT-3.3.2-14 a response topic has no wildcards", publish(b"\x08\0\1#"), ProtocolError, "response_topic"),
    Broken("MQTT-4.7.3-1 a response topic is not empty", publish(b"\x08\0\0"), ProtocolError, "response_topic"),
    Broken("3.3.2.3.8 a subscription identifier is not 0", publish(b"\x0b\0"), ProtocolError, "subscription_identif"),
    Broken("MQTT-3.3.2-19 a content type is UTF-8", publish(b"\3\0\1\xff"), MalformedPacket, "MQTT-1.5.4-1"),
    Broken("MQTT-1.5.7-1 a user property is UTF-8", publish(b"\x26\0\1k\0\1\xff"), MalformedPacket, "MQTT-1.5.4-1"),
    Broken("MQTT-1.5.7-1 and its name has no U+0000", publish(b"\x26\0\1\0\0\0"), MalformedPacket, "MQTT-1.5.4-2"),
    Broken("1.5.7 a user property has a value", publish(b"\x26\0\1k"), MalformedPacket, "ends inside"),
    Broken("3.2.2.3.4 the maximum QoS is 0 or 1", connack(b"\x24\2"), ProtocolError, "maximum_qos"),
    Broken("3.2.2.3.5 what is available is 0 or 1", connack(b"\x25\2"), ProtocolError, "only 0 and 1"),
    Broken("3.8.2.1.2 SUBSCRIBE has one identifier", subscribe(b"\x0b\1\x0b\2"), ProtocolError, "more than once"),
    Broken("3.8.2.1.2 an identifier is not 0", subscribe(b"\x0b\0"), ProtocolError, "subscription_identifiers"),
]


@each_rule({None: OF_CONNECT, Version.MQTT_5: OF_OTHERS})
def test_a_broken_rule_has_its_error(version: Version | None, broken: Broken) -> None:
    broken.check(version)


@pytest.mark.parametrize("carrier", Carrier, ids=lambda carrier: carrier.name)
def test_a_packet_can_have_the_properties_of_its_section_in_the_standard(carrier: Carrier) -> None:
    allowed = {each.name for each in PROPERTIES if carrier in each.carriers}
    assert allowed == set(CARRIED[carrier.name])


@pytest.mark.parametrize("name", sorted(set(IDENTIFIERS) - set(CARRIED["PUBLISH"])))
def test_publish_cannot_have_the_property_of_another_packet(name: str) -> None:
    broken = Broken(name, publish(bytes((IDENTIFIERS[name],))), MalformedPacket, "PUBLISH with the property")
    broken.check(Version.MQTT_5)


def test_the_text_of_properties_has_only_those_that_are_set() -> None:
    assert repr(Properties(topic_alias=1, content_type="")) == "Properties(content_type='', topic_alias=1)"
