"""Reads and writes the data types that packets are made of (MQTT 5, 1.5), and their fixed header (2.1)."""

from iot_core.mqtt.reason_codes import MalformedPacket, ProtocolError

LONGEST_STRING = 0xFFFF
"""Bytes of the longest string or binary data."""

LARGEST_PACKET_ID = 0xFFFF

LARGEST_VARIABLE_BYTE_INTEGER = 0xFFF_FFFF
"""Four bytes of seven bits each."""


def is_topic_name(text: str) -> bool:
    """Whether a string is a valid topic name: not empty [MQTT-4.7.3-1], without wildcards [MQTT-4.7.1-1]."""
    return text != "" and "+" not in text and "#" not in text


class Reader:
    """Reads one value after the other from a part of a packet.

    Every method raises MalformedPacket if the bytes are not such a value, or if the part ends before the value does.
    `packet_id` also raises ProtocolError.
    """

    __slots__ = ("_bytes", "end", "offset")

    def __init__(self, packet: bytes, offset: int, end: int) -> None:
        self._bytes = packet
        self.offset = offset
        """Where the next value begins."""
        self.end = end
        """Where the part ends."""

    def part(self, length: int) -> "Reader":
        """Makes a reader for the next bytes. This reader skips them."""
        start = self._take(length)
        return Reader(self._bytes, start, self.offset)

    def byte(self) -> int:
        """Reads an integer of one byte."""
        offset = self.offset
        if offset >= self.end:
            raise _too_short()
        self.offset = offset + 1
        return self._bytes[offset]

    def two_byte_integer(self) -> int:
        """Reads an integer of two bytes."""
        start = self._take(2)
        return self._bytes[start] << 8 | self._bytes[start + 1]

    def packet_id(self) -> int:
        """Reads the packet ID of a packet that needs an answer, or of an answer. It is never 0 [MQTT-2.2.1-3]."""
        packet_id = self.two_byte_integer()
        if packet_id == 0:
            raise ProtocolError("a packet with the packet ID 0 [MQTT-2.2.1-3]")
        return packet_id

    def four_byte_integer(self) -> int:
        """Reads an integer of four bytes."""
        start = self._take(4)
        return int.from_bytes(self._bytes[start : start + 4], "big")

    def variable_byte_integer(self) -> int:
        """Reads an integer of one to four bytes. It must not take more bytes than it needs [MQTT-1.5.5-1]."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:
                raise MalformedPacket("a variable byte integer of more than four bytes (1.5.5)")
        if byte == 0 and shift:
            raise MalformedPacket("a variable byte integer of more bytes than it needs [MQTT-1.5.5-1]")
        return value

    def binary(self) -> bytes:
        """Reads bytes that follow their length."""
        length = self.two_byte_integer()
        start = self._take(length)
        return self._bytes[start : self.offset]

    def string(self) -> str:
        """Reads a UTF-8 string that follows its length in bytes. It must not have surrogates or U+0000."""
        return utf_8(self.binary())

    def rest(self) -> bytes:
        """Reads all remaining bytes."""
        start = self._take(self.end - self.offset)
        return self._bytes[start : self.end]

    def finish(self) -> None:
        """Raises MalformedPacket if bytes remain."""
        if self.offset != self.end:
            raise MalformedPacket(f"{self.end - self.offset} bytes after the last field of the packet")

    def _take(self, length: int) -> int:
        start = self.offset
        if start + length > self.end:
            raise _too_short()
        self.offset = start + length
        return start


def _too_short() -> MalformedPacket:
    return MalformedPacket("the packet ends inside a field")


def utf_8(text: bytes) -> str:
    """Decodes a string. Raises MalformedPacket."""
    try:
        string = str(text, "utf-8")
    except UnicodeDecodeError:
        raise MalformedPacket("a string that is not UTF-8, or has a surrogate [MQTT-1.5.4-1]") from None
    if "\0" in string:
        raise MalformedPacket("a string with the character U+0000 [MQTT-1.5.4-2]")
    return string


def write_two_byte_integer(value: int) -> bytes:
    """Writes an integer in two bytes. Raises ValueError."""
    return _fixed(value, 2)


def write_packet_id(packet_id: int | None) -> bytes:
    """Writes a packet ID from 1 to 65,535. Raises ValueError."""
    if not packet_id:
        raise ValueError("a packet without a packet ID [MQTT-2.2.1-3]")
    return _fixed(packet_id, 2)


def write_four_byte_integer(value: int) -> bytes:
    """Writes an integer in four bytes. Raises ValueError."""
    return _fixed(value, 4)


def write_byte(value: int) -> bytes:
    """Writes an integer in one byte. Raises ValueError."""
    return _fixed(value, 1)


def write_variable_byte_integer(value: int) -> bytes:
    """Writes an integer in one to four bytes. Raises ValueError."""
    if 0 <= value < 0x80:
        return value.to_bytes(1, "big")
    if not 0 <= value <= LARGEST_VARIABLE_BYTE_INTEGER:
        raise ValueError(f"{value} does not fit into a variable byte integer")
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def write_binary(value: bytes) -> bytes:
    """Writes bytes after their length. Raises ValueError for more than 65,535 bytes."""
    if len(value) > LONGEST_STRING:
        raise ValueError(f"{len(value)} bytes: a string or binary data has at most {LONGEST_STRING}")
    return len(value).to_bytes(2, "big") + value


def write_string(value: str) -> bytes:
    """Writes a UTF-8 string after its length. Raises ValueError for more than 65,535 bytes, U+0000 and surrogates."""
    if "\0" in value:
        raise ValueError("a string with the character U+0000 [MQTT-1.5.4-2]")
    return write_binary(value.encode())


def _fixed(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise ValueError(f"{value} does not fit into {size} bytes") from None


def write_packet(first: int, body: bytes | bytearray) -> bytes:
    """Writes a packet: its first byte, the length of the rest, the rest.

    Raises ValueError if the rest is longer than a variable byte integer can say.
    """
    return bytes((first,)) + write_variable_byte_integer(len(body)) + body
