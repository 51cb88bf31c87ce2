"""SUBACK and UNSUBACK, read and written."""

from collections.abc import Set

from iot_core.mqtt.errors import MalformedPacket, ProtocolError
from iot_core.mqtt.framing import write_packet
from iot_core.mqtt.packets import Suback, Unsuback
from iot_core.mqtt.primitives import Reader, write_packet_id
from iot_core.mqtt.property_codec import read_properties, write_properties
from iot_core.mqtt.property_table import Carrier
from iot_core.mqtt.reason_codes import SUBACK_CODES, SUBACK_RETURN_CODES, UNSUBACK_CODES
from iot_core.mqtt.version import Version

_SUBACK, _UNSUBACK = 0x90, 0xB0


def read_suback(reader: Reader, version: Version) -> Suback:
    """Reads a SUBACK. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    if version is Version.MQTT_3_1_1:
        return Suback(packet_id, _read_codes(reader, SUBACK_RETURN_CODES))
    properties = read_properties(reader, Carrier.SUBACK)
    return Suback(packet_id, _read_codes(reader, SUBACK_CODES), properties)


def encode_suback(packet: Suback, version: Version) -> bytes:
    """The bytes of a SUBACK; in MQTT 3.1.1 the one code of a refusal is 0x80. Raises ValueError."""
    body = write_packet_id(packet.packet_id)
    if version is Version.MQTT_3_1_1:
        return write_packet(_SUBACK, body + _write_codes(packet.reason_codes, SUBACK_RETURN_CODES))
    body += write_properties(packet.properties, Carrier.SUBACK)
    return write_packet(_SUBACK, body + _write_codes(packet.reason_codes, SUBACK_CODES))


def read_unsuback(reader: Reader, version: Version) -> Unsuback:
    """Reads an UNSUBACK. Raises MalformedPacket and ProtocolError."""
    packet_id = reader.packet_id()
    if version is Version.MQTT_3_1_1:
        return Unsuback(packet_id)
    properties = read_properties(reader, Carrier.UNSUBACK)
    return Unsuback(packet_id, _read_codes(reader, UNSUBACK_CODES), properties)


def encode_unsuback(packet: Unsuback, version: Version) -> bytes:
    """The bytes of an UNSUBACK, without the codes in MQTT 3.1.1. Raises ValueError."""
    body = write_packet_id(packet.packet_id)
    if version is Version.MQTT_3_1_1:
        return write_packet(_UNSUBACK, body)
    body += write_properties(packet.properties, Carrier.UNSUBACK)
    return write_packet(_UNSUBACK, body + _write_codes(packet.reason_codes, UNSUBACK_CODES))


def _read_codes(reader: Reader, allowed: Set[int]) -> tuple[int, ...]:
    codes = tuple(reader.rest())
    if not codes:
        raise ProtocolError("an answer without a reason code [MQTT-3.9.3-1], [MQTT-3.11.3-1]")
    if not allowed >= set(codes):
        raise MalformedPacket("an answer with a reason code that is not one of its own [MQTT-3.9.3-2]")
    return codes


def _write_codes(codes: tuple[int, ...], allowed: Set[int]) -> bytes:
    if not codes or not allowed >= set(codes):
        raise ValueError(f"not the reason codes of such an answer: {codes} [MQTT-3.9.3-1], [MQTT-3.9.3-2]")
    return bytes(codes)
