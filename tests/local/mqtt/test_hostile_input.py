"""Any bytes give packets or an MqttError; any packet is written so that it can be read, or gives a ValueError."""

from hypothesis import event, given
from hypothesis import strategies as st

from iot_core.mqtt import Connect, MqttError, Packet, Version, encode
from tests.local.mqtt import hostile
from tests.local.mqtt.streams import decode, decoder_of, drain, in_chunks, outcome

LIMIT = 150


@given(hostile.streams, st.sampled_from((None, *Version)), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_any_bytes_in_chunks_of_any_size_give_the_same_packets_and_the_same_error_and_little_is_held(
    stream: bytes, version: Version | None, sizes: list[int]
) -> None:
    packets, error = whole = outcome([stream], version, LIMIT)
    event(f"{len(packets)} packets, {error and error.partition('(')[0]}")
    assert outcome(in_chunks(stream, sizes), version, LIMIT) == whole

    decoder = decoder_of(version, LIMIT)
    for chunk in in_chunks(stream, sizes):
        decoder.receive(chunk)
        assert decoder.buffered <= LIMIT + len(chunk)
        try:
            list(drain(decoder))
        except MqttError:
            assert decoder.buffered == 0
        assert decoder.buffered < LIMIT

    for packet in packets:
        if isinstance(packet, Connect):
            version = packet.version
        assert version is not None
        assert decode(encode(packet, version), None if isinstance(packet, Connect) else version) == [packet]


@given(hostile.packets, st.sampled_from(Version))
def test_a_packet_that_is_written_can_be_read_and_any_other_is_a_value_error(packet: Packet, version: Version) -> None:
    try:
        written = encode(packet, version)
    except ValueError as error:
        event(str(error).partition(" ")[0])
        return
    (read,) = decode(written, None if isinstance(packet, Connect) else version)
    if version is Version.MQTT_5:
        assert read == packet
