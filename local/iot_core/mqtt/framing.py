"""The fixed header, which every packet begins with (MQTT 5, 2.1): the type and its flags, then how long the rest is."""

from typing import NamedTuple

from iot_core.mqtt.errors import MalformedPacket
from iot_core.mqtt.primitives import write_variable_byte_integer


class Frame(NamedTuple):
    """Where the parts of a packet stand in the bytes it was found in."""

    body: int
    """Where the fixed header ends."""
    end: int
    """Where the packet ends; there may not be so many bytes yet."""


def find_packet(chunk: bytes, start: int) -> Frame | None:
    """The packet that begins at an offset; None where more bytes are needed to tell how long it is.

    Raises MalformedPacket for a length of more bytes than four, or than it needs.
    """
    length = 0
    for index, byte in enumerate(chunk[start + 1 : start + 5]):
        length |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise MalformedPacket("a packet with a length of more bytes than it needs [MQTT-1.5.5-1]")
            body = start + 2 + index
            return Frame(body, body + length)
    if len(chunk) - start > 4:
        raise MalformedPacket("a packet with a length of more than four bytes (1.5.5)")
    return None


def write_packet(first: int, body: bytes | bytearray) -> bytes:
    """The packet of a first byte and what stands behind the fixed header.

    Raises ValueError where it is longer than MQTT can say.
    """
    return bytes((first,)) + write_variable_byte_integer(len(body)) + body
