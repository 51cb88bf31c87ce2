"""Whatever a peer sends, and whatever is to be written: an error of MQTT or a ValueError, or what may be."""

from hypothesis import event, given

from iot_core.mqtt import Connect, MqttError, Packet, Version, encode
from tests.local.mqtt import hostile_bytes, hostile_packets
from tests.local.mqtt.effort import thorough
from tests.local.mqtt.streams import decode, decoder_of, drain, in_chunks, outcome

LIMIT = 150


@given(hostile_bytes.streams, hostile_bytes.versions)
@thorough
def test_what_is_read_can_be_written_and_read_again(stream: bytes, version: Version | None) -> None:
    packets, error = outcome([stream], version, LIMIT)
    event(f"{len(packets)} packets, {error and error.partition('(')[0]}")
    for packet in packets:
        if isinstance(packet, Connect):
            version = packet.version
        assert version is not None
        assert decode(encode(packet, version), None if isinstance(packet, Connect) else version) == [packet]


@given(hostile_bytes.streams, hostile_bytes.versions, hostile_bytes.chunk_sizes)
@thorough
def test_pieces_of_any_size_change_neither_the_packets_nor_the_error(
    stream: bytes, version: Version | None, sizes: list[int]
) -> None:
    assert outcome(in_chunks(stream, sizes), version, LIMIT) == outcome([stream], version, LIMIT)


@given(hostile_bytes.streams, hostile_bytes.versions, hostile_bytes.chunk_sizes)
@thorough
def test_no_more_is_held_than_the_largest_packet_and_a_chunk(
    stream: bytes, version: Version | None, sizes: list[int]
) -> None:
    decoder = decoder_of(version, LIMIT)
    for chunk in in_chunks(stream, sizes):
        decoder.receive(chunk)
        assert decoder.buffered <= LIMIT + len(chunk)
        try:
            list(drain(decoder))
        except MqttError:
            assert decoder.buffered == 0
        assert decoder.buffered < LIMIT


@given(hostile_packets.packets, hostile_packets.versions)
@thorough
def test_what_is_written_is_read_and_the_rest_is_refused(packet: Packet, version: Version) -> None:
    try:
        written = encode(packet, version)
    except ValueError as error:
        event(str(error).partition(" ")[0])
        return
    (read,) = decode(written, None if isinstance(packet, Connect) else version)
    if version is Version.MQTT_5:
        assert read == packet
