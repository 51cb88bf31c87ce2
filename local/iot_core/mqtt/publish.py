"""PUBLISH, read and written: the packet that a broker is there for, so that speed counts here."""

from collections.abc import Callable

from iot_core.mqtt.errors import MalformedPacket, ProtocolError
from iot_core.mqtt.packets import Publish
from iot_core.mqtt.primitives import Reader, utf_8, write_packet_id, write_string, write_variable_byte_integer
from iot_core.mqtt.properties import NO_PROPERTIES, Properties
from iot_core.mqtt.property_codec import read_properties, write_properties
from iot_core.mqtt.property_table import Carrier
from iot_core.mqtt.topic_names import is_topic_name
from iot_core.mqtt.version import Version

_PUBLISH = 0x30
_MOST_TOPICS = 4096
_LONGEST_KEPT_TOPIC = 256
"""Bytes: with the number of topics, the bound of the memory that kept topics take."""

_read_topics: dict[bytes, str] = {}
_written_topics: dict[str, bytes] = {}


def publish_decoder(version: Version, first: int) -> Callable[[bytes, int, int], Publish] | None:
    """What reads the PUBLISH packets that begin with a first byte; None where no PUBLISH does.

    QoS 3 does not exist [MQTT-3.3.1-4], and no duplicates of QoS 0 [MQTT-3.3.1-2].
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
    return MalformedPacket("PUBLISH ends inside of a field")


def _no_packet_id() -> ProtocolError:
    return ProtocolError("PUBLISH with the packet ID 0 [MQTT-2.2.1-3]")


def publish_parts(
    topic: str, payload: bytes, qos: int, retain: bool, duplicate: bool, properties: Properties, version: Version
) -> tuple[bytes, bytes]:
    """What stands before and after the packet ID of a PUBLISH; with QoS 0 both together are the packet.

    So a message is written once for all its receivers of a version, QoS and retain flag.
    Raises ValueError for what can't be written.
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
    """The bytes of a PUBLISH. Raises ValueError."""
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
