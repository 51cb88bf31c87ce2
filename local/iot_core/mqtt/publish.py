"""Reads and writes PUBLISH and PUBACK. Nearly all packets are these, so this code is written for speed.

There is one decoder for each first byte: QoS, duplicate and retain are known before a packet is read. Topics that
were read or written are kept, so that a topic that comes again is neither decoded nor checked again.
"""

from collections.abc import Callable

from iot_core.mqtt.packets import NO_PROPERTIES, Properties, Puback, Publish, Version
from iot_core.mqtt.primitives import (
    LARGEST_PACKET_ID,
    Reader,
    is_topic_name,
    utf_8,
    write_packet,
    write_packet_id,
    write_string,
    write_variable_byte_integer,
)
from iot_core.mqtt.properties import Carrier, read_properties, write_properties, write_reason
from iot_core.mqtt.reason_codes import PUBACK_CODES, MalformedPacket, ProtocolError

_PUBLISH, _PUBACK = 0x30, 0x40
_MOST_TOPICS = 4096
_LONGEST_KEPT_TOPIC = 256
"""In bytes. With the number of topics, it bounds the memory that kept topics take."""

_read_topics: dict[bytes, str] = {}
_written_topics: dict[str, bytes] = {}


def publish_decoder(version: Version, first: int) -> Callable[[bytes, int, int], Publish] | None:
    """Makes the decoder of PUBLISH packets with this first byte; None if no PUBLISH can have it.

    QoS 3 does not exist [MQTT-3.3.1-4], and QoS 0 has no duplicates [MQTT-3.3.1-2].
    """
    duplicate, qos, retain = first & 8 != 0, first >> 1 & 3, first & 1 != 0
    if qos == 3 or (duplicate and qos == 0):
        return None
    if version is Version.MQTT_5:
        return _decoder_5(qos, retain, duplicate)
    return _decoder_with_id(qos, retain, duplicate) if qos else _decoder_without_id(retain)


def _decoder_without_id(retain: bool) -> Callable[[bytes, int, int], Publish]:
    def decode(packet: bytes, offset: int, end: int) -> Publish:
        start = offset + 2
        topic_end = start if start > end else start + (packet[offset] << 8 | packet[offset + 1])
        if topic_end > end:
            raise _too_short()
        name = packet[start:topic_end]
        topic = _read_topics.get(name) or _topic(name)
        return Publish(topic, packet[topic_end:end], 0, retain, False, None, NO_PROPERTIES)

    return decode


def _decoder_with_id(qos: int, retain: bool, duplicate: bool) -> Callable[[bytes, int, int], Publish]:
    def decode(packet: bytes, offset: int, end: int) -> Publish:
        start = offset + 2
        topic_end = start if start > end else start + (packet[offset] << 8 | packet[offset + 1])
        payload = topic_end + 2
        if payload > end:
            raise _too_short()
        name = packet[start:topic_end]
        topic = _read_topics.get(name) or _topic(name)
        packet_id = packet[topic_end] << 8 | packet[topic_end + 1]
        if packet_id == 0:
            raise _no_packet_id()
        return Publish(topic, packet[payload:end], qos, retain, duplicate, packet_id, NO_PROPERTIES)

    return decode


def _decoder_5(qos: int, retain: bool, duplicate: bool) -> Callable[[bytes, int, int], Publish]:
    def decode(packet: bytes, offset: int, end: int) -> Publish:
        start = offset + 2
        topic_end = start if start > end else start + (packet[offset] << 8 | packet[offset + 1])
        payload = topic_end + (3 if qos else 1)
        if payload > end:
            raise _too_short()
        name = packet[start:topic_end]
        topic = _read_topics.get(name) or (_topic(name) if name else "")
        packet_id = None
        if qos:
            packet_id = packet[topic_end] << 8 | packet[topic_end + 1]
            if packet_id == 0:
                raise _no_packet_id()
        properties = NO_PROPERTIES
        if packet[payload - 1]:
            reader = Reader(packet, payload - 1, end)
            properties = read_properties(reader, Carrier.PUBLISH)
            payload = reader.offset
        if not topic and properties.topic_alias is None:
            raise ProtocolError("PUBLISH without a topic and without a topic alias (3.3.2.1)")
        return Publish(topic, packet[payload:end], qos, retain, duplicate, packet_id, properties)

    return decode


def _topic(name: bytes) -> str:
    topic = utf_8(name)
    if not is_topic_name(topic):
        raise MalformedPacket("PUBLISH with an empty topic [MQTT-4.7.3-1] or wildcards in it [MQTT-3.3.2-2]")
    if len(name) <= _LONGEST_KEPT_TOPIC:
        if len(_read_topics) >= _MOST_TOPICS:
            _read_topics.clear()
        _read_topics[name] = topic
    return topic


def _too_short() -> MalformedPacket:
    return MalformedPacket("PUBLISH ends inside a field")


def _no_packet_id() -> ProtocolError:
    return ProtocolError("PUBLISH with the packet ID 0 [MQTT-2.2.1-3]")


def publish_parts(
    topic: str, payload: bytes, qos: int, retain: bool, duplicate: bool, properties: Properties, version: Version
) -> tuple[bytes, bytes]:
    """Writes what comes before and after the packet ID of a PUBLISH; with QoS 0, both together are the packet.

    So a message is written once for all receivers with the same version, QoS and retain flag.
    Raises ValueError for a message that no PUBLISH can have.
    """
    if not 0 <= qos <= 2 or (duplicate and qos == 0):
        raise ValueError(f"QoS {qos}{' and a duplicate' if duplicate else ''}")
    if not topic and (version is not Version.MQTT_5 or properties.topic_alias is None):
        raise ValueError("no topic [MQTT-4.7.3-1]")
    name = _written_topics.get(topic) or _write_topic(topic)
    after = payload
    if version is Version.MQTT_5:
        after = write_properties(properties, Carrier.PUBLISH) + payload
    length = len(name) + len(after) + (2 if qos else 0)
    first = _PUBLISH | duplicate << 3 | qos << 1 | retain
    if length < 0x80:
        return bytes((first, length)) + name, after
    return bytes((first,)) + write_variable_byte_integer(length) + name, after


def encode_publish(packet: Publish, version: Version) -> bytes:
    """Writes a PUBLISH. Raises ValueError."""
    before, after = publish_parts(
        packet.topic, packet.payload, packet.qos, packet.retain, packet.duplicate, packet.properties, version
    )
    if packet.qos == 0:
        if packet.packet_id is not None:
            raise ValueError("QoS 0 with a packet ID [MQTT-2.2.1-2]")
        return before + after
    return before + write_packet_id(packet.packet_id) + after


def _write_topic(topic: str) -> bytes:
    if topic and not is_topic_name(topic):
        raise ValueError("a topic with wildcards [MQTT-3.3.2-2]")
    name = write_string(topic)
    if len(name) <= _LONGEST_KEPT_TOPIC:
        if len(_written_topics) >= _MOST_TOPICS:
            _written_topics.clear()
        _written_topics[topic] = name
    return name


def puback_decoder(version: Version) -> Callable[[bytes, int, int], Puback]:
    """Makes the decoder of PUBACK packets."""

    def decode(packet: bytes, offset: int, end: int) -> Puback:
        if end - offset == 2:
            packet_id = packet[offset] << 8 | packet[offset + 1]
            if packet_id:
                return Puback(packet_id)
        return _read_puback(Reader(packet, offset, end), version)

    return decode


def _read_puback(reader: Reader, version: Version) -> Puback:
    packet_id = reader.packet_id()
    if version is not Version.MQTT_5:
        raise MalformedPacket("PUBACK with more than a packet ID (3.1.1, 3.4.2)")
    reason_code = reader.byte()
    if reason_code not in PUBACK_CODES:
        raise MalformedPacket(f"PUBACK with the reason code {reason_code:#04x} [MQTT-3.4.2-1]")
    properties = NO_PROPERTIES
    # The packet may end before the properties (3.4.2.2.1).
    if reader.offset < reader.end:
        properties = read_properties(reader, Carrier.PUBACK)
        reader.finish()
    return Puback(packet_id, reason_code, properties)


def encode_puback(packet: Puback, version: Version) -> bytes:
    """Writes a PUBACK in as few bytes as possible. Raises ValueError."""
    packet_id = packet.packet_id
    if packet.reason_code == 0 and packet.properties is NO_PROPERTIES and 0 < packet_id <= LARGEST_PACKET_ID:
        return b"\x40\x02" + packet_id.to_bytes(2, "big")
    body = write_packet_id(packet_id)
    if version is Version.MQTT_5:
        if packet.reason_code not in PUBACK_CODES:
            raise ValueError(f"a PUBACK cannot have the reason code {packet.reason_code:#04x} [MQTT-3.4.2-1]")
        body += write_reason(packet.reason_code, write_properties(packet.properties, Carrier.PUBACK))
    return write_packet(_PUBACK, body)
