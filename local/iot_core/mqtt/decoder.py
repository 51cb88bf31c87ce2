"""From bytes to packets."""

import copy
from collections import deque

from iot_core.mqtt.errors import MqttError, PacketTooLarge
from iot_core.mqtt.framing import Frame, find_packet
from iot_core.mqtt.packet_types import CONNECT, DECODERS
from iot_core.mqtt.packets import Connect, Packet
from iot_core.mqtt.version import Version


class Decoder:
    """The packets in the bytes that one side of a connection sends.

    Call `next` until it gives None after each `receive`: it then never holds more than a packet of the largest size.
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
        "_version",
        "_waiting",
    )

    def __init__(self, max_packet_size: int) -> None:
        """`max_packet_size` in bytes, for whole packets."""
        self._max_packet_size = max_packet_size
        self._version: Version | None = None
        self._decoders = DECODERS[None]
        self._error: MqttError | None = None
        # What is being read, and from where.
        self._chunk = b""
        self._offset = 0
        self._end = 0
        # The beginning of a packet that is spread over chunks, and how long it must be before it is worth a look.
        self._partial = bytearray()
        self._needed = 0
        # What came before all of the chunk was read.
        self._waiting: deque[bytes] = deque()

    @property
    def version(self) -> Version | None:
        """The version of what comes: None before CONNECT, which sets it. The decoder of a client is told it."""
        return self._version

    @version.setter
    def version(self, version: Version | None) -> None:
        """Takes what comes as packets of this version."""
        self._version = version
        self._decoders = DECODERS[version]

    @property
    def buffered(self) -> int:
        """How many bytes were received and not read yet."""
        return self._end - self._offset + len(self._partial) + sum(map(len, self._waiting))

    def receive(self, chunk: bytes) -> None:
        """Takes bytes as they arrive, in pieces of any size. After an error they are dropped."""
        if self._error is not None:
            return
        if self._offset == self._end and not self._partial and not self._waiting:
            self._chunk = chunk
            self._offset = 0
            self._end = len(chunk)
        else:
            self._waiting.append(chunk)

    def next(self) -> Packet | None:
        """The next packet; None where more bytes are needed.

        Raises MqttError, and from then on the same again.
        """
        # Written for speed, as every packet comes this way; nearly all are whole and have a length of one or two bytes.
        start = self._offset
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
        if first == CONNECT and isinstance(packet, Connect):
            self.version = packet.version
        return packet

    def _find(self) -> Frame | None:
        if self._error is not None:
            raise copy.copy(self._error)
        if self._offset == self._end and not self._waiting:
            self._drop_chunk()
            return None
        try:
            return self._whole_packet()
        except MqttError as error:
            self._fail(error)
            raise

    def _whole_packet(self) -> Frame | None:
        """Brings the next packet into one chunk, and finds it there; None where more bytes are needed."""
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

    def _look(self) -> Frame | None:
        """Finds the next packet in the chunk. If it is not all there, its beginning is put by."""
        chunk, start = self._chunk, self._offset
        self._needed = self._end - start + 1
        if start < self._end:
            # At once, as there is no need to wait for the rest of what is no packet.
            self._decoders.check(chunk[start])
            frame = find_packet(chunk, start)
            if frame is not None:
                self._needed = frame.end - start
                if self._needed > self._max_packet_size:
                    raise PacketTooLarge(f"a packet of {self._needed} bytes, where {self._max_packet_size} are taken")
                if frame.end <= self._end:
                    return frame
        self._partial += memoryview(chunk)[start:]
        self._drop_chunk()
        return None

    def _drop_chunk(self) -> None:
        self._chunk, self._offset, self._end = b"", 0, 0

    def _fail(self, error: MqttError) -> None:
        # A copy has no traceback, which would keep the bytes alive that are dropped here.
        self._error = copy.copy(error)
        self._drop_chunk()
        self._partial = bytearray()
        self._waiting.clear()
