"""The packet types (MQTT 5, 2.1.2): each one's first byte, and what reads and writes it.

IoT Core takes no QoS 2 and no extended authentication, so PUBREC, PUBREL, PUBCOMP and AUTH have no codec: their first
bytes are known, and refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from iot_core.mqtt.connect import (
    encode_connack,
    encode_connect,
    encode_disconnect,
    encode_pingreq,
    encode_pingresp,
    read_connack,
    read_connect,
    read_disconnect,
    read_pingreq,
    read_pingresp,
)
from iot_core.mqtt.errors import MalformedPacket, MqttError, ProtocolError
from iot_core.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
)
from iot_core.mqtt.primitives import Reader
from iot_core.mqtt.publish import encode_puback, encode_publish, puback_decoder, publish_decoder
from iot_core.mqtt.subscribe import (
    encode_suback,
    encode_subscribe,
    encode_unsuback,
    encode_unsubscribe,
    read_suback,
    read_subscribe,
    read_unsuback,
    read_unsubscribe,
)

Decode = Callable[[bytes, int, int], Packet]
"""Reads a packet without its fixed header: all bytes between two offsets.

Raises MalformedPacket, ProtocolError and UnsupportedVersion.
"""

CONNECT = 0x10
"""The first byte of a CONNECT."""

_READ: Mapping[int, Callable[[Reader, Version], Packet]] = {
    0x20: read_connack,
    0x82: read_subscribe,
    0x90: read_suback,
    0xA2: read_unsubscribe,
    0xB0: read_unsuback,
    0xC0: read_pingreq,
    0xD0: read_pingresp,
    0xE0: read_disconnect,
}

_AUTH = 0xF0
_QOS_2 = "packets of QoS 2 are not accepted"
_NOT_ACCEPTED: Mapping[int, str] = {
    0x50: f"PUBREC: {_QOS_2}",
    0x62: f"PUBREL: {_QOS_2}",
    0x70: f"PUBCOMP: {_QOS_2}",
    _AUTH: "AUTH: extended authentication is not accepted",
}

# Any: each function takes the type in front of it, which the type of a dict cannot say.
_ENCODERS: dict[type, Callable[[Any, Version], bytes]] = {
    Connect: encode_connect,
    Connack: encode_connack,
    Publish: encode_publish,
    Puback: encode_puback,
    Subscribe: encode_subscribe,
    Suback: encode_suback,
    Unsubscribe: encode_unsubscribe,
    Unsuback: encode_unsuback,
    Pingreq: encode_pingreq,
    Pingresp: encode_pingresp,
    Disconnect: encode_disconnect,
}


def encode(packet: Packet, version: Version) -> bytes:
    """Write a packet in as few bytes as possible. Fields that the version does not have are left out.

    Raises ValueError for a packet that the peer's decoder would refuse, such as a string of more than 65,535 bytes.
    """
    return _ENCODERS[type(packet)](packet, version)


class Decoders(dict[int, Decode]):
    """The decoders of one version, by first byte. Looking up a first byte that is not allowed raises MqttError."""

    def __init__(self, version: Version | None, decoders: Mapping[int, Decode]) -> None:
        self._version = version
        super().__init__(decoders)

    def check(self, first: int) -> None:
        """Raise MqttError if no packet may begin with this byte."""
        if first not in self:
            raise self._error(first)

    def __missing__(self, first: int) -> Decode:
        raise self._error(first)

    def _error(self, first: int) -> MqttError:
        if first >> 4 == 3:
            rule = "QoS 3 [MQTT-3.3.1-4]" if first & 6 == 6 else "QoS 0 as a duplicate [MQTT-3.3.1-2]"
            return MalformedPacket(f"PUBLISH with {rule}")
        if first == CONNECT:
            return ProtocolError("a second CONNECT [MQTT-3.1.0-2]")
        if self._version is None and (first in DECODERS[Version.MQTT_5] or first in _NOT_ACCEPTED):
            return ProtocolError("another packet before CONNECT [MQTT-3.1.0-1]")
        if first in _NOT_ACCEPTED and not (first == _AUTH and self._version is Version.MQTT_3_1_1):
            return ProtocolError(_NOT_ACCEPTED[first])
        return MalformedPacket(f"a packet that begins with {first:#04x}: no such type or flags [MQTT-2.1.3-1]")


def _decode_connect(packet: bytes, offset: int, end: int) -> Packet:
    reader = Reader(packet, offset, end)
    connect = read_connect(reader)
    reader.finish()
    return connect


def _decoder(read: Callable[[Reader, Version], Packet], version: Version) -> Decode:
    def decode(packet: bytes, offset: int, end: int) -> Packet:
        reader = Reader(packet, offset, end)
        found = read(reader, version)
        reader.finish()
        return found

    return decode


def _decoders(version: Version) -> Decoders:
    decoders: dict[int, Decode] = {first: _decoder(read, version) for first, read in _READ.items()}
    decoders[0x40] = puback_decoder(version)
    for first in range(0x30, 0x40):
        if decode := publish_decoder(version, first):
            decoders[first] = decode
    return Decoders(version, decoders)


DECODERS: Mapping[Version | None, Decoders] = {
    None: Decoders(None, {CONNECT: _decode_connect}),
    Version.MQTT_3_1_1: _decoders(Version.MQTT_3_1_1),
    Version.MQTT_5: _decoders(Version.MQTT_5),
}
"""By version, which is None before CONNECT."""
