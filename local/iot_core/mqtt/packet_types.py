"""Which first byte begins which packet, and what reads it (MQTT 5, 2.1.2 and 2.1.3)."""

from collections.abc import Callable, Mapping

from iot_core.mqtt.acknowledgements import acknowledgement_decoders
from iot_core.mqtt.connect import read_connack, read_connect
from iot_core.mqtt.control import read_auth, read_disconnect, read_pingreq, read_pingresp
from iot_core.mqtt.errors import MalformedPacket, MqttError, ProtocolError
from iot_core.mqtt.packets import Packet
from iot_core.mqtt.primitives import Reader
from iot_core.mqtt.publish import publish_decoder
from iot_core.mqtt.subscribe import read_subscribe, read_unsubscribe
from iot_core.mqtt.subscribe_answers import read_suback, read_unsuback
from iot_core.mqtt.version import Version

Decode = Callable[[bytes, int, int], Packet]
"""Reads what stands between two offsets, which is the whole of a packet behind its fixed header.

Raises MalformedPacket, ProtocolError and UnsupportedVersion.
"""

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

CONNECT = 0x10
"""The first byte of a CONNECT."""


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


class Decoders(dict[int, Decode]):
    """What reads a packet, by its first byte. To look up one that must not come raises MqttError."""

    def __init__(self, version: Version | None, decoders: Mapping[int, Decode]) -> None:
        self._version = version
        super().__init__(decoders)

    def check(self, first: int) -> None:
        """Raises MqttError where no packet may begin so."""
        if first not in self:
            raise self._refusal(first)

    def __missing__(self, first: int) -> Decode:
        raise self._refusal(first)

    def _refusal(self, first: int) -> MqttError:
        if first >> 4 == 3:
            rule = "QoS 3 [MQTT-3.3.1-4]" if first & 6 == 6 else "QoS 0 as a duplicate [MQTT-3.3.1-2]"
            return MalformedPacket(f"PUBLISH with {rule}")
        if first == CONNECT:
            return ProtocolError("a second CONNECT [MQTT-3.1.0-2]")
        if self._version is None and first in DECODERS[Version.MQTT_5]:
            return ProtocolError("another packet before CONNECT [MQTT-3.1.0-1]")
        return MalformedPacket(f"a packet that begins with {first:#04x}: no such type or flags [MQTT-2.1.3-1]")


def _decoders(version: Version) -> Decoders:
    decoders: dict[int, Decode] = {first: _decoder(read, version) for first, read in _READ.items()}
    decoders |= acknowledgement_decoders(version)
    for first in range(0x30, 0x40):
        if decode := publish_decoder(version, first):
            decoders[first] = decode
    if version is Version.MQTT_5:
        decoders[0xF0] = _decoder(read_auth, version)
    return Decoders(version, decoders)


DECODERS: Mapping[Version | None, Decoders] = {
    None: Decoders(None, {CONNECT: _decode_connect}),
    Version.MQTT_3_1_1: _decoders(Version.MQTT_3_1_1),
    Version.MQTT_5: _decoders(Version.MQTT_5),
}
"""By version, which is None before CONNECT."""
