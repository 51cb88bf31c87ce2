"""PUBACK, PUBREC, PUBREL and PUBCOMP, read and written: a packet ID, and in MQTT 5 a reason code and properties."""

from collections.abc import Callable, Set
from typing import NamedTuple

from iot_core.mqtt.errors import MalformedPacket
from iot_core.mqtt.framing import write_packet
from iot_core.mqtt.packets import Puback, Pubcomp, Pubrec, Pubrel
from iot_core.mqtt.primitives import LARGEST_PACKET_ID, Reader, write_packet_id
from iot_core.mqtt.properties import NO_PROPERTIES
from iot_core.mqtt.property_codec import read_properties, write_properties, write_reason
from iot_core.mqtt.property_table import Carrier
from iot_core.mqtt.reason_codes import PUBACK_CODES, PUBREL_CODES
from iot_core.mqtt.version import Version

Acknowledgement = Puback | Pubrec | Pubrel | Pubcomp
Decode = Callable[[bytes, int, int], Acknowledgement]


class _Form(NamedTuple):
    make: type[Puback] | type[Pubrec] | type[Pubrel] | type[Pubcomp]
    first: int
    carrier: Carrier
    codes: Set[int]
    shortest: bytes
    """The fixed header of one that is nothing but a packet ID."""


_FORMS: dict[type, _Form] = {
    Puback: _Form(Puback, 0x40, Carrier.PUBACK, PUBACK_CODES, b"\x40\x02"),
    Pubrec: _Form(Pubrec, 0x50, Carrier.PUBREC, PUBACK_CODES, b"\x50\x02"),
    # The flags of PUBREL are 0010 [MQTT-3.6.1-1].
    Pubrel: _Form(Pubrel, 0x62, Carrier.PUBREL, PUBREL_CODES, b"\x62\x02"),
    Pubcomp: _Form(Pubcomp, 0x70, Carrier.PUBCOMP, PUBREL_CODES, b"\x70\x02"),
}


def acknowledgement_decoders(version: Version) -> dict[int, Decode]:
    """What reads an acknowledgement, by its first byte."""
    return {form.first: _decoder(form, version) for form in _FORMS.values()}


def _decoder(form: _Form, version: Version) -> Decode:
    make = form.make

    def decode(packet: bytes, offset: int, end: int) -> Acknowledgement:
        if end - offset == 2:
            packet_id = packet[offset] << 8 | packet[offset + 1]
            if packet_id:
                return make(packet_id)
        return _read(form, version, Reader(packet, offset, end))

    return decode


def _read(form: _Form, version: Version, reader: Reader) -> Acknowledgement:
    name = form.carrier.name
    packet_id = reader.packet_id()
    if version is Version.MQTT_3_1_1:
        raise MalformedPacket(f"{name} with more than a packet ID (3.1.1, 3.4.2)")
    reason_code = reader.byte()
    if reason_code not in form.codes:
        raise MalformedPacket(f"{name} with the reason code {reason_code:#04x} (2.4)")
    properties = NO_PROPERTIES
    # The length of the properties is left out where the packet ends here (3.4.2.2.1).
    if reader.offset < reader.end:
        properties = read_properties(reader, form.carrier)
        reader.finish()
    return form.make(packet_id, reason_code, properties)


def encode_acknowledgement(packet: Acknowledgement, version: Version) -> bytes:
    """The bytes of an acknowledgement, as few as it needs. Raises ValueError."""
    form = _FORMS[type(packet)]
    packet_id = packet.packet_id
    if packet.reason_code == 0 and packet.properties is NO_PROPERTIES and 0 < packet_id <= LARGEST_PACKET_ID:
        return form.shortest + packet_id.to_bytes(2, "big")
    body = write_packet_id(packet.packet_id)
    if version is Version.MQTT_5:
        if packet.reason_code not in form.codes:
            raise ValueError(f"{form.carrier.name} can't have the reason code {packet.reason_code:#04x}")
        body += write_reason(packet.reason_code, write_properties(packet.properties, form.carrier))
    return write_packet(form.first, body)
