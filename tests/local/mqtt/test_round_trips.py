"""What is written and read again is the same, in whatever pieces it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.mqtt import Connect, Packet, Version, encode, publish_parts
from tests.local.mqtt.effort import for_each_type, thorough
from tests.local.mqtt.streams import LARGEST, decode, in_chunks, outcome
from tests.local.mqtt.valid_packets import PACKETS, after_connect, connects, publishes

versions = st.sampled_from(Version)
sizes = st.lists(st.integers(1, 400), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        pytest.param(version, kind, id=f"{kind.__name__} {version.name}")
        for version in Version
        for kind in PACKETS[version]
    ],
)
@given(data=st.data())
@for_each_type
def test_a_packet_is_read_as_it_was_written(version: Version, kind: type, data: st.DataObject) -> None:
    packet = data.draw(PACKETS[version][kind])
    assert decode(encode(packet, version), None if kind is Connect else version) == [packet]


@given(data=st.data(), version=versions, sizes=sizes)
@thorough
def test_a_stream_is_read_alike_in_pieces_of_any_size(data: st.DataObject, version: Version, sizes: list[int]) -> None:
    packets: list[Packet] = [data.draw(connects(version)), *data.draw(st.lists(after_connect[version], max_size=5))]
    stream = b"".join(encode(packet, version) for packet in packets)
    assert outcome(in_chunks(stream, sizes), None, LARGEST) == (packets, None)


@given(data=st.data(), version=versions)
@thorough
def test_publish_parts_stand_around_the_packet_id(data: st.DataObject, version: Version) -> None:
    packet = data.draw(publishes(version))
    before, after = publish_parts(
        packet.topic, packet.payload, packet.qos, packet.retain, packet.duplicate, packet.properties, version
    )
    packet_id = b"" if packet.packet_id is None else packet.packet_id.to_bytes(2, "big")
    assert before + packet_id + after == encode(packet, version)
