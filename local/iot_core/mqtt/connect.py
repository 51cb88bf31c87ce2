"""Reads and writes CONNECT, CONNACK and DISCONNECT."""

from collections.abc import Mapping

from iot_core.mqtt.packets import NO_PROPERTIES, Connack, Connect, Disconnect, Properties, Version, Will
from iot_core.mqtt.primitives import (
    Reader,
    is_topic_name,
    write_binary,
    write_byte,
    write_packet,
    write_string,
    write_two_byte_integer,
)
from iot_core.mqtt.properties import Carrier, read_properties, write_properties, write_reason
from iot_core.mqtt.reason_codes import (
    CONNACK_CODES,
    DISCONNECT_CODES,
    MalformedPacket,
    ProtocolError,
    UnsupportedVersion,
)

_CONNECT, _CONNACK, _DISCONNECT = 0x10, 0x20, 0xE0
_RESERVED, _CLEAN_START, _WILL, _WILL_RETAIN, _PASSWORD, _USER_NAME = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
_WILL_QOS = 0x18
_NAMES: Mapping[Version, str] = {Version.MQTT_3_1: "MQIsdp", Version.MQTT_3_1_1: "MQTT", Version.MQTT_5: "MQTT"}
"""The protocol name in a CONNECT of each version."""
_VERSIONS: Mapping[tuple[str, int], Version] = {(name, version.value): version for version, name in _NAMES.items()}
"""By protocol name and level."""


def read_connect(reader: Reader) -> Connect:
    """Reads a CONNECT of any version. Raises MalformedPacket, ProtocolError and UnsupportedVersion."""
    version = _read_version(reader)
    flags = reader.byte()
    _check_flags(flags, version)
    keep_alive = reader.two_byte_integer()
    properties = NO_PROPERTIES
    if version is Version.MQTT_5:
        properties = read_properties(reader, Carrier.CONNECT)
        if properties.authentication_data is not None and properties.authentication_method is None:
            raise ProtocolError("CONNECT with authentication data but without a method (3.1.2.11.10)")
    client_id = reader.string()
    will = _read_will(reader, flags, version) if flags & _WILL else None
    user_name = reader.string() if flags & _USER_NAME else None
    password = reader.binary() if flags & _PASSWORD else None
    clean_start = flags & _CLEAN_START != 0
    return Connect(version, client_id, clean_start, keep_alive, user_name, password, will, properties)


def _read_version(reader: Reader) -> Version:
    name = reader.string()
    if name not in _NAMES.values():
        raise UnsupportedVersion(name, None)
    level = reader.byte()
    version = _VERSIONS.get((name, level))
    if version is None:
        raise UnsupportedVersion(name, level)
    return version


def _check_flags(flags: int, version: Version) -> None:
    if flags & _RESERVED:
        raise MalformedPacket("CONNECT with the reserved flag [MQTT-3.1.2-3]")
    if flags & _WILL_QOS == _WILL_QOS:
        raise MalformedPacket("CONNECT with a Will with QoS 3 [MQTT-3.1.2-12]")
    if flags & (_WILL_QOS | _WILL_RETAIN) and not flags & _WILL:
        raise MalformedPacket("CONNECT with Will flags but without a Will [MQTT-3.1.2-11], [MQTT-3.1.2-13]")
    if version is not Version.MQTT_5 and flags & _PASSWORD and not flags & _USER_NAME:
        raise MalformedPacket("CONNECT with a password but without a user name (3.1.1) [MQTT-3.1.2-22]")


def _read_will(reader: Reader, flags: int, version: Version) -> Will:
    properties = read_properties(reader, Carrier.WILL) if version is Version.MQTT_5 else NO_PROPERTIES
    topic = reader.string()
    if not is_topic_name(topic):
        raise MalformedPacket("CONNECT with an empty Will topic [MQTT-4.7.3-1] or wildcards in it [MQTT-4.7.1-1]")
    return Will(topic, reader.binary(), flags >> 3 & 3, flags & _WILL_RETAIN != 0, properties)


def encode_connect(packet: Connect, version: Version) -> bytes:
    """Writes a CONNECT. Raises ValueError, also if the packet has another version."""
    if packet.version is not version:
        raise ValueError(f"a CONNECT has the version {packet.version.name}: expected {version.name}")
    will = packet.will
    flags = _CLEAN_START if packet.clean_start else 0
    optional = b""
    if will is not None:
        flags |= _WILL | will.qos << 3 | (_WILL_RETAIN if will.retain else 0)
        optional += _write_will(will, version)
    if packet.user_name is not None:
        flags |= _USER_NAME
        optional += write_string(packet.user_name)
    if packet.password is not None:
        if packet.user_name is None and version is not Version.MQTT_5:
            raise ValueError("a password without a user name (3.1.1) [MQTT-3.1.2-22]")
        flags |= _PASSWORD
        optional += write_binary(packet.password)
    body = write_string(_NAMES[version]) + bytes((version, flags)) + write_two_byte_integer(packet.keep_alive)
    if version is Version.MQTT_5:
        body += _write_connect_properties(packet.properties)
    return write_packet(_CONNECT, body + write_string(packet.client_id) + optional)


def _write_connect_properties(properties: Properties) -> bytes:
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise ValueError("authentication data without a method (3.1.2.11.10)")
    return write_properties(properties, Carrier.CONNECT)


def _write_will(will: Will, version: Version) -> bytes:
    if not 0 <= will.qos <= 2:
        raise ValueError(f"a Will with QoS {will.qos} [MQTT-3.1.2-12]")
    if not is_topic_name(will.topic):
        raise ValueError("an empty Will topic [MQTT-4.7.3-1] or wildcards in it [MQTT-4.7.1-1]")
    properties = write_properties(will.properties, Carrier.WILL) if version is Version.MQTT_5 else b""
    return properties + write_string(will.topic) + write_binary(will.payload)


def read_connack(reader: Reader, version: Version) -> Connack:
    """Reads a CONNACK. In MQTT 3.1.1 it may have any return code: servers use more than the standard defines.

    Raises MalformedPacket and ProtocolError.
    """
    flags = reader.byte()
    if flags > 1:
        raise MalformedPacket("CONNACK with a reserved flag [MQTT-3.2.2-1]")
    reason_code = reader.byte()
    if flags and reason_code:
        raise ProtocolError("CONNACK that refuses the client and has a session [MQTT-3.2.2-6]")
    if version is not Version.MQTT_5:
        return Connack(flags == 1, reason_code)
    if reason_code not in CONNACK_CODES:
        raise MalformedPacket(f"CONNACK with the reason code {reason_code:#04x} [MQTT-3.2.2-8]")
    return Connack(flags == 1, reason_code, read_properties(reader, Carrier.CONNACK))


def encode_connack(packet: Connack, version: Version) -> bytes:
    """Writes a CONNACK. Raises ValueError."""
    if packet.session_present and packet.reason_code:
        raise ValueError("a CONNACK that refuses the client and has a session [MQTT-3.2.2-6]")
    body = bytes((packet.session_present,)) + write_byte(packet.reason_code)
    if version is Version.MQTT_5:
        if packet.reason_code not in CONNACK_CODES:
            raise ValueError(f"a CONNACK cannot have the reason code {packet.reason_code:#04x} [MQTT-3.2.2-8]")
        body += write_properties(packet.properties, Carrier.CONNACK)
    return write_packet(_CONNACK, body)


def read_disconnect(reader: Reader, version: Version) -> Disconnect:
    """Reads a DISCONNECT. Raises MalformedPacket and ProtocolError."""
    # The packet may end before the reason code (3.14.2.1), and before the properties (3.14.2.2.1).
    if version is not Version.MQTT_5 or reader.offset == reader.end:
        return Disconnect()
    reason_code = reader.byte()
    if reason_code not in DISCONNECT_CODES:
        raise MalformedPacket(f"DISCONNECT with the reason code {reason_code:#04x} [MQTT-3.14.2-1]")
    properties = read_properties(reader, Carrier.DISCONNECT) if reader.offset < reader.end else NO_PROPERTIES
    return Disconnect(reason_code, properties)


def encode_disconnect(packet: Disconnect, version: Version) -> bytes:
    """Writes a DISCONNECT in as few bytes as possible. Raises ValueError."""
    if version is not Version.MQTT_5:
        return write_packet(_DISCONNECT, b"")
    if packet.reason_code not in DISCONNECT_CODES:
        raise ValueError(f"a DISCONNECT cannot have the reason code {packet.reason_code} [MQTT-3.14.2-1]")
    properties = write_properties(packet.properties, Carrier.DISCONNECT)
    return write_packet(_DISCONNECT, write_reason(packet.reason_code, properties))
