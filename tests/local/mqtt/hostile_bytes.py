"""Bytes that a peer may send to do harm, or because it is broken."""

from hypothesis import strategies as st

from iot_core.mqtt import Version, encode
from tests.local.mqtt.valid_packets import after_connect, connects

versions = st.sampled_from((None, *Version))
chunk_sizes = st.lists(st.integers(1, 300), min_size=1, max_size=4)


def _framed(first: int, body: bytes) -> bytes:
    return bytes((first, len(body))) + body


framed_noise = st.lists(st.builds(_framed, st.integers(0, 255), st.binary(max_size=60)), min_size=1, max_size=3)


@st.composite
def mutated_packets(draw: st.DrawFn) -> bytes:
    """Valid packets with some bytes put in, left out or changed."""
    version = draw(st.sampled_from(Version))
    packets = draw(st.lists(connects(version) | after_connect[version], min_size=1, max_size=3))
    stream = bytearray(b"".join(encode(packet, version) for packet in packets))
    for _ in range(draw(st.integers(1, 4))):
        # Most of what can be wrong stands at the beginning.
        start = draw(st.integers(0, min(len(stream), 40)))
        stream[start : start + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(stream)


streams = st.one_of(st.binary(max_size=200), framed_noise.map(b"".join), mutated_packets())
