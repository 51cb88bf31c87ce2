"""Decodes packets from the bytes of a connection, as they arrive.

Rules:
- A packet begins with its type and flags in one byte, then the length of the rest in one to four bytes (MQTT 5, 2.1).
- A first byte that no packet can have here is refused at once, even if the rest of the packet is not there yet.
- Before CONNECT, only CONNECT is allowed. Its version is the version of all packets after it.
- A packet that is larger than the limit is refused as soon as its length is known.
- A packet that is whole in one chunk is read in place. One that is spread over chunks is joined first, each byte copied
  once, so that a packet that comes byte by byte takes linear time.
- IoT Core takes no QoS 2 and no extended authentication: PUBREC, PUBREL, PUBCOMP and AUTH are known, and refused.
- The first error is final: the decoder raises it again and again, holds no bytes and drops all that come.
"""

import copy
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from iot_core.mqtt.connect import read_connack, read_connect, read_disconnect
from iot_core.mqtt.packets import Connect, Packet, Pingreq, Pingresp, Version
from iot_core.mqtt.primitives import Reader
from iot_core.mqtt.publish import puback_decoder, publish_decoder
from iot_core.mqtt.reason_codes import MalformedPacket, MqttError, PacketTooLarge, ProtocolError
from iot_core.mqtt.subscribe import read_suback, read_subscribe, read_unsuback, read_unsubscribe

_Decode = Callable[[bytes, int, int], Packet]
"""Reads a packet without its fixed header: all bytes between two offsets.

Raises MalformedPacket, ProtocolError and UnsupportedVersion.
"""

_CONNECT = 0x10
"""The first byte of a CONNECT."""

_READ: Mapping[int, Callable[[Reader, Version], Packet]] = {
    0x20: read_connack,
    0x82: read_subscribe,
    0x90: read_suback,
    0xA2: read_unsubscribe,
    0xB0: read_unsuback,
    0xC0: lambda _reader, _version: Pingreq(),
    0xD0: lambda _reader, _version: Pingresp(),
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


class _Frame(NamedTuple):
    """Offsets of a packet in the bytes that hold it."""

    body: int
    """Where the fixed header ends."""
    end: int
    """Where the packet ends. The bytes may end before."""


_NONE_WAITING: deque[bytes] = deque(maxlen=0)
"""Of each decoder whose chunks were always read to their end: a deque takes 0.7 kB."""


class Decoder:
    """Decodes what one side of a connection sends.

    Call `next` after each `receive` until it returns None. Then the decoder never holds more than one packet.
    """

    __slots__ = (
        "_chunk",
        "_decoders",
        "_end",
        "_error",
        "_max_packet_size",
        "_needed",
        "_offset",
        "_partial",
        "_waiting",
    )

    def __init__(self, max_packet_size: int, version: Version | None = None) -> None:
        """`max_packet_size` is the limit for a whole packet, in bytes. `version` is None if a CONNECT comes first."""
        self._max_packet_size = max_packet_size
        self._decoders = _DECODERS[version]
        self._error: MqttError | None = None
        # The bytes that are read now, the offset of the next packet, and their end.
        self._chunk = b""
        self._offset = 0
        self._end = 0
        # The beginning of a packet that is spread over chunks, and the length that it needs before it can be read.
        self._partial = bytearray()
        self._needed = 0
        # Chunks that arrived before the current chunk was read to its end.
        self._waiting = _NONE_WAITING

    @property
    def buffered(self) -> int:
        """Bytes that were received and not read yet."""
        return self._end - self._offset + len(self._partial) + sum(map(len, self._waiting))

    def receive(self, chunk: bytes) -> None:
        """Takes the next bytes, in chunks of any size. After an error they are dropped."""
        if self._error is not None:
            return
        if self._offset == self._end and not self._partial and not self._waiting:
            self._chunk = chunk
            self._offset = 0
            self._end = len(chunk)
        elif self._waiting:
            self._waiting.append(chunk)
        else:
            self._waiting = deque((chunk,))

    def next(self) -> Packet | None:
        """Decodes the next packet. Returns None if more bytes are needed.

        Raises MqttError, then the same error at each call.
        """
        # Written for speed. Nearly all packets are whole and have a length of one or two bytes.
        start = self._offset
        if start == self._end and not self._waiting and self._error is None:
            self._chunk = b""
            self._offset = self._end = 0
            return None
        body = start + 2
        end = 0
        if body < self._end:
            chunk = self._chunk
            length = chunk[start + 1]
            if length < 0x80:
                end = body + length
            elif 0 < (second := chunk[body]) < 0x80:
                body += 1
                end = body + length - 0x80 + (second << 7)
        if not start < end <= self._end or end - start > self._max_packet_size:
            frame = self._find()
            if frame is None:
                return None
            body, end = frame
            chunk, start = self._chunk, self._offset
        self._offset = end
        first = chunk[start]
        try:
            packet = self._decoders[first](chunk, body, end)
        except MqttError as error:
            self._fail(error)
            raise
        if first == _CONNECT and isinstance(packet, Connect):
            self._decoders = _DECODERS[packet.version]
        return packet

    def _find(self) -> _Frame | None:
        if self._error is not None:
            raise copy.copy(self._error)
        try:
            return self._whole_packet()
        except MqttError as error:
            self._fail(error)
            raise

    def _whole_packet(self) -> _Frame | None:
        """Brings the next packet into one chunk and finds it there. Returns None if more bytes are needed."""
        while True:
            if not self._partial and (frame := self._look()):
                return frame
            if not self._waiting:
                return None
            chunk = self._waiting.popleft()
            if self._partial:
                missing = self._needed - len(self._partial)
                self._partial += chunk[:missing]
                if len(chunk) > missing:
                    self._waiting.appendleft(chunk[missing:])
                if len(self._partial) < self._needed:
                    continue
                chunk = bytes(self._partial)
                self._partial = bytearray()
            self._chunk, self._offset, self._end = chunk, 0, len(chunk)

    def _look(self) -> _Frame | None:
        """Finds the next packet in the chunk. If it is not whole, moves its beginning to `_partial`."""
        chunk, start = self._chunk, self._offset
        self._needed = self._end - start + 1
        if start < self._end:
            self._decoders.check(chunk[start])
            frame = _find_frame(chunk, start)
            if frame is not None:
                self._needed = frame.end - start
                if self._needed > self._max_packet_size:
                    raise PacketTooLarge(
                        f"a packet of {self._needed} bytes: at most {self._max_packet_size} are accepted"
                    )
                if frame.end <= self._end:
                    return frame
        self._partial += memoryview(chunk)[start:]
        self._drop_chunk()
        return None

    def _drop_chunk(self) -> None:
        self._chunk, self._offset, self._end = b"", 0, 0

    def _fail(self, error: MqttError) -> None:
        # The traceback would keep the dropped bytes alive, and a copy has none.
        self._error = copy.copy(error)
        self._drop_chunk()
        self._partial = bytearray()
        self._waiting.clear()


def _find_frame(chunk: bytes, start: int) -> _Frame | None:
    """Finds the end of the packet that begins at an offset. Returns None if its length is not all there.

    Raises MalformedPacket if the length takes more than four bytes, or more than it needs.
    """
    length = 0
    for index, byte in enumerate(chunk[start + 1 : start + 5]):
        length |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise MalformedPacket("a packet's length takes more bytes than it needs [MQTT-1.5.5-1]")
            body = start + 2 + index
            return _Frame(body, body + length)
    if len(chunk) - start > 4:
        raise MalformedPacket("a packet's length takes more than four bytes (1.5.5)")
    return None


class _Decoders(dict[int, _Decode]):
    """The decoders of one version, by first byte. Looking up a first byte that is not allowed raises MqttError."""

    def __init__(self, version: Version | None, decoders: Mapping[int, _Decode]) -> None:
        self._version = version
        super().__init__(decoders)

    def check(self, first: int) -> None:
        """Raises MqttError if no packet may begin with this byte."""
        if first not in self:
            raise self._error(first)

    def __missing__(self, first: int) -> _Decode:
        raise self._error(first)

    def _error(self, first: int) -> MqttError:
        if first >> 4 == 3:
            rule = "QoS 3 [MQTT-3.3.1-4]" if first & 6 == 6 else "QoS 0 as a duplicate [MQTT-3.3.1-2]"
            return MalformedPacket(f"PUBLISH with {rule}")
        if first == _CONNECT:
            return ProtocolError("a second CONNECT [MQTT-3.1.0-2]")
        if self._version is None and (first in _DECODERS[Version.MQTT_5] or first in _NOT_ACCEPTED):
            return ProtocolError("another packet before CONNECT [MQTT-3.1.0-1]")
        if first in _NOT_ACCEPTED and (first != _AUTH or self._version is Version.MQTT_5):
            return ProtocolError(_NOT_ACCEPTED[first])
        return MalformedPacket(f"a packet that begins with {first:#04x}: no such type or flags [MQTT-2.1.3-1]")


def _decode_connect(packet: bytes, offset: int, end: int) -> Packet:
    reader = Reader(packet, offset, end)
    connect = read_connect(reader)
    reader.finish()
    return connect


def _decoder(read: Callable[[Reader, Version], Packet], version: Version) -> _Decode:
    def decode(packet: bytes, offset: int, end: int) -> Packet:
        reader = Reader(packet, offset, end)
        found = read(reader, version)
        reader.finish()
        return found

    return decode


def _decoders(version: Version) -> _Decoders:
    decoders: dict[int, _Decode] = {first: _decoder(read, version) for first, read in _READ.items()}
    decoders[0x40] = puback_decoder(version)
    for first in range(0x30, 0x40):
        if decode := publish_decoder(version, first):
            decoders[first] = decode
    return _Decoders(version, decoders)


_DECODERS: Mapping[Version | None, _Decoders] = {
    None: _Decoders(None, {_CONNECT: _decode_connect}),
    Version.MQTT_3_1: _decoders(Version.MQTT_3_1),
    Version.MQTT_3_1_1: _decoders(Version.MQTT_3_1_1),
    Version.MQTT_5: _decoders(Version.MQTT_5),
}
"""By version, which is None before CONNECT."""
