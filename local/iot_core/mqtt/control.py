"""PINGREQ, PINGRESP, DISCONNECT and AUTH, read and written."""

from iot_core.mqtt.errors import MalformedPacket, ProtocolError
from iot_core.mqtt.framing import write_packet
from iot_core.mqtt.packets import Auth, Disconnect, Pingreq, Pingresp
from iot_core.mqtt.primitives import Reader
from iot_core.mqtt.properties import NO_PROPERTIES
from iot_core.mqtt.property_codec import read_properties, write_properties, write_reason
from iot_core.mqtt.property_table import Carrier
from iot_core.mqtt.reason_codes import AUTH_CODES, DISCONNECT_CODES
from iot_core.mqtt.version import Version

_PINGREQ, _PINGRESP, _DISCONNECT, _AUTH = 0xC0, 0xD0, 0xE0, 0xF0


def read_pingreq(_reader: Reader, _version: Version) -> Pingreq:
    """Reads a PINGREQ, which has nothing to read."""
    return Pingreq()


def encode_pingreq(_packet: Pingreq, _version: Version) -> bytes:
    """The bytes of a PINGREQ."""
    return write_packet(_PINGREQ, b"")


def read_pingresp(_reader: Reader, _version: Version) -> Pingresp:
    """Reads a PINGRESP, which has nothing to read."""
    return Pingresp()


def encode_pingresp(_packet: Pingresp, _version: Version) -> bytes:
    """The bytes of a PINGRESP."""
    return write_packet(_PINGRESP, b"")


def read_disconnect(reader: Reader, version: Version) -> Disconnect:
    """Reads a DISCONNECT. Raises MalformedPacket and ProtocolError."""
    # Both the reason code and the properties' length are left out where the packet ends before (3.14.2.1, 3.14.2.2.1).
    if version is Version.MQTT_3_1_1 or reader.offset == reader.end:
        return Disconnect()
    reason_code = reader.byte()
    if reason_code not in DISCONNECT_CODES:
        raise MalformedPacket(f"DISCONNECT with the reason code {reason_code:#04x} [MQTT-3.14.2-1]")
    properties = read_properties(reader, Carrier.DISCONNECT) if reader.offset < reader.end else NO_PROPERTIES
    return Disconnect(reason_code, properties)


def encode_disconnect(packet: Disconnect, version: Version) -> bytes:
    """The bytes of a DISCONNECT, as few as it needs. Raises ValueError."""
    if version is Version.MQTT_3_1_1:
        return write_packet(_DISCONNECT, b"")
    if packet.reason_code not in DISCONNECT_CODES:
        raise ValueError(f"a DISCONNECT can't have the reason code {packet.reason_code} [MQTT-3.14.2-1]")
    properties = write_properties(packet.properties, Carrier.DISCONNECT)
    return write_packet(_DISCONNECT, write_reason(packet.reason_code, properties))


def read_auth(reader: Reader, _version: Version) -> Auth:
    """Reads an AUTH. Raises MalformedPacket and ProtocolError."""
    if reader.offset == reader.end:
        return Auth()
    reason_code = reader.byte()
    if reason_code not in AUTH_CODES:
        raise MalformedPacket(f"AUTH with the reason code {reason_code:#04x} [MQTT-3.15.2-1]")
    properties = read_properties(reader, Carrier.AUTH)
    if properties.authentication_method is None:
        raise ProtocolError("AUTH without an authentication method (3.15.2.2.2)")
    return Auth(reason_code, properties)


def encode_auth(packet: Auth, version: Version) -> bytes:
    """The bytes of an AUTH. Raises ValueError, also in MQTT 3.1.1, which has none."""
    if version is Version.MQTT_3_1_1:
        raise ValueError("MQTT 3.1.1 has no AUTH")
    if packet.reason_code not in AUTH_CODES:
        raise ValueError(f"an AUTH can't have the reason code {packet.reason_code} [MQTT-3.15.2-1]")
    properties = write_properties(packet.properties, Carrier.AUTH)
    if packet.properties.authentication_method is None and (packet.reason_code or properties != b"\0"):
        raise ValueError("an AUTH without an authentication method (3.15.2.2.2)")
    return write_packet(_AUTH, write_reason(packet.reason_code, properties))
