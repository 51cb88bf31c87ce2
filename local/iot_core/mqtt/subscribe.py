"""Reads and writes SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK. The broker checks the form of topic filters."""

from collections.abc import Set

from iot_core.mqtt.packets import (
    NO_PROPERTIES,
    Properties,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
)
from iot_core.mqtt.primitives import Reader, write_packet, write_packet_id, write_string
from iot_core.mqtt.properties import Carrier, read_properties, write_properties
from iot_core.mqtt.reason_codes import SUBACK_CODES, SUBACK_RETURN_CODES, UNSUBACK_CODES, MalformedPacket, ProtocolError

_SUBSCRIBE, _SUBACK, _UNSUBSCRIBE, _UNSUBACK = 0x82, 0x90, 0xA2, 0xB0
_QOS, _NO_LOCAL, _RETAIN_AS_PUBLISHED, _RETAIN_HANDLING, _RESERVED = 0x03, 0x04, 0x08, 0x30, 0xC0
_RESERVED_3_1_1 = 0xFC
_SHARED = "$share/"


def read_subscribe(reader: Reader, version: Version) -> Subscribe:
    """Reads a SUBSCRIBE. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    properties = _read_properties(reader, version, Carrier.SUBSCRIBE)
    subscriptions = []
    while reader.offset < reader.end:
        topic_filter = _read_topic_filter(reader)
        subscriptions.append(_read_options(topic_filter, reader.byte(), version))
    if not subscriptions:
        raise ProtocolError("SUBSCRIBE without a topic filter [MQTT-3.8.3-2]")
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _read_options(topic_filter: str, options: int, version: Version) -> Subscription:
    if options & (_RESERVED if version is Version.MQTT_5 else _RESERVED_3_1_1):
        raise MalformedPacket("SUBSCRIBE with reserved bits in the options [MQTT-3.8.3-5]")
    qos = options & _QOS
    if qos == 3:
        raise ProtocolError("SUBSCRIBE with QoS 3 (3.8.3.1)")
    retain_handling = (options & _RETAIN_HANDLING) >> 4
    if retain_handling == 3:
        raise ProtocolError("SUBSCRIBE with the retain handling 3 (3.8.3.1)")
    no_local = options & _NO_LOCAL != 0
    if no_local and topic_filter.startswith(_SHARED):
        raise ProtocolError("SUBSCRIBE with no local on a shared subscription [MQTT-3.8.3-4]")
    return Subscription(topic_filter, qos, no_local, options & _RETAIN_AS_PUBLISHED != 0, retain_handling)


def encode_subscribe(packet: Subscribe, version: Version) -> bytes:
    """Writes a SUBSCRIBE. Raises ValueError."""
    if not packet.subscriptions:
        raise ValueError("a SUBSCRIBE without a topic filter [MQTT-3.8.3-2]")
    body = bytearray(write_packet_id(packet.packet_id))
    body += _write_properties(packet.properties, version, Carrier.SUBSCRIBE)
    for subscription in packet.subscriptions:
        body += _write_topic_filter(subscription.topic_filter)
        body.append(_write_options(subscription) if version is Version.MQTT_5 else _write_qos(subscription))
    return write_packet(_SUBSCRIBE, body)


def _write_qos(subscription: Subscription) -> int:
    if not 0 <= subscription.qos <= 2:
        raise ValueError(f"a subscription with QoS {subscription.qos} (3.8.3.1)")
    return subscription.qos


def _write_options(subscription: Subscription) -> int:
    if not 0 <= subscription.retain_handling <= 2:
        raise ValueError(f"a subscription with the retain handling {subscription.retain_handling} (3.8.3.1)")
    if subscription.no_local and subscription.topic_filter.startswith(_SHARED):
        raise ValueError("no local on a shared subscription [MQTT-3.8.3-4]")
    options = _write_qos(subscription) | subscription.retain_handling << 4
    options |= _NO_LOCAL if subscription.no_local else 0
    return options | (_RETAIN_AS_PUBLISHED if subscription.retain_as_published else 0)


def read_unsubscribe(reader: Reader, version: Version) -> Unsubscribe:
    """Reads an UNSUBSCRIBE. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    properties = _read_properties(reader, version, Carrier.UNSUBSCRIBE)
    topic_filters = []
    while reader.offset < reader.end:
        topic_filters.append(_read_topic_filter(reader))
    if not topic_filters:
        raise ProtocolError("UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]")
    return Unsubscribe(packet_id, tuple(topic_filters), properties)


def encode_unsubscribe(packet: Unsubscribe, version: Version) -> bytes:
    """Writes an UNSUBSCRIBE. Raises ValueError."""
    if not packet.topic_filters:
        raise ValueError("an UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]")
    body = bytearray(write_packet_id(packet.packet_id))
    body += _write_properties(packet.properties, version, Carrier.UNSUBSCRIBE)
    for topic_filter in packet.topic_filters:
        body += _write_topic_filter(topic_filter)
    return write_packet(_UNSUBSCRIBE, body)


def read_suback(reader: Reader, version: Version) -> Suback:
    """Reads a SUBACK. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    if version is not Version.MQTT_5:
        return Suback(packet_id, _read_codes(reader, SUBACK_RETURN_CODES))
    properties = read_properties(reader, Carrier.SUBACK)
    return Suback(packet_id, _read_codes(reader, SUBACK_CODES), properties)


def encode_suback(packet: Suback, version: Version) -> bytes:
    """Writes a SUBACK. In MQTT 3.1.1 the only code of a refusal is 0x80. Raises ValueError."""
    body = write_packet_id(packet.packet_id)
    if version is not Version.MQTT_5:
        return write_packet(_SUBACK, body + _write_codes(packet.reason_codes, SUBACK_RETURN_CODES))
    body += write_properties(packet.properties, Carrier.SUBACK)
    return write_packet(_SUBACK, body + _write_codes(packet.reason_codes, SUBACK_CODES))


def read_unsuback(reader: Reader, version: Version) -> Unsuback:
    """Reads an UNSUBACK. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    if version is not Version.MQTT_5:
        return Unsuback(packet_id)
    properties = read_properties(reader, Carrier.UNSUBACK)
    return Unsuback(packet_id, _read_codes(reader, UNSUBACK_CODES), properties)


def encode_unsuback(packet: Unsuback, version: Version) -> bytes:
    """Writes an UNSUBACK. In MQTT 3.1.1 it has no codes. Raises ValueError."""
    body = write_packet_id(packet.packet_id)
    if version is not Version.MQTT_5:
        return write_packet(_UNSUBACK, body)
    body += write_properties(packet.properties, Carrier.UNSUBACK)
    return write_packet(_UNSUBACK, body + _write_codes(packet.reason_codes, UNSUBACK_CODES))


def _read_properties(reader: Reader, version: Version, carrier: Carrier) -> Properties:
    return read_properties(reader, carrier) if version is Version.MQTT_5 else NO_PROPERTIES


def _write_properties(properties: Properties, version: Version, carrier: Carrier) -> bytes:
    return write_properties(properties, carrier) if version is Version.MQTT_5 else b""


def _read_topic_filter(reader: Reader) -> str:
    topic_filter = reader.string()
    if not topic_filter:
        raise MalformedPacket("an empty topic filter [MQTT-4.7.3-1]")
    return topic_filter


def _write_topic_filter(topic_filter: str) -> bytes:
    if not topic_filter:
        raise ValueError("an empty topic filter [MQTT-4.7.3-1]")
    return write_string(topic_filter)


def _read_codes(reader: Reader, allowed: Set[int]) -> tuple[int, ...]:
    codes = tuple(reader.rest())
    if not codes:
        raise ProtocolError("a SUBACK or UNSUBACK without a reason code [MQTT-3.9.3-1], [MQTT-3.11.3-1]")
    if not allowed >= set(codes):
        raise MalformedPacket("a SUBACK or UNSUBACK with the reason code of another packet [MQTT-3.9.3-2]")
    return codes


def _write_codes(codes: tuple[int, ...], allowed: Set[int]) -> bytes:
    if not codes or not allowed >= set(codes):
        raise ValueError(f"a SUBACK or UNSUBACK cannot have the reason codes {codes} [MQTT-3.9.3-1], [MQTT-3.9.3-2]")
    return bytes(codes)
