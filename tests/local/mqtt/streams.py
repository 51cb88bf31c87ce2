"""Bytes as they come over a connection, and what a decoder makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle

from iot_core.mqtt import Decoder, MqttError, Packet, Version

LARGEST = 1 << 20


def frame(first: int, *parts: bytes) -> bytes:
    """A packet of less than 128 bytes behind its fixed header, written down by hand."""
    body = b"".join(parts)
    assert len(body) < 128
    return bytes((first, len(body))) + body


def decoder_of(version: Version | None, max_packet_size: int = LARGEST) -> Decoder:
    return Decoder(max_packet_size, version)


def drain(decoder: Decoder) -> Iterator[Packet]:
    while (packet := decoder.next()) is not None:
        yield packet


def decode(data: bytes, version: Version | None, max_packet_size: int = LARGEST) -> list[Packet]:
    """The packets in bytes that come all at once."""
    decoder = decoder_of(version, max_packet_size)
    decoder.receive(data)
    return list(drain(decoder))


def in_chunks(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The bytes in pieces of these sizes, over and over."""
    start = 0
    for size in cycle(sizes):
        if start >= len(data):
            break
        yield data[start : start + size]
        start += size


def outcome(chunks: Iterable[bytes], version: Version | None, max_packet_size: int) -> tuple[list[Packet], str | None]:
    """The packets that were read, and the error behind them."""
    decoder = decoder_of(version, max_packet_size)
    packets: list[Packet] = []
    try:
        for chunk in chunks:
            decoder.receive(chunk)
            packets.extend(drain(decoder))
    except MqttError as error:
        return packets, repr(error)
    return packets, None
