"""The decoder over the time of a connection: what it waits for, and how it fails."""

import pytest

from iot_core.mqtt import (
    NO_PROPERTIES,
    Connect,
    Decoder,
    MalformedPacket,
    MqttError,
    PacketTooLarge,
    Pingreq,
    Properties,
    ProtocolError,
    Publish,
    ReasonCode,
    Version,
    encode,
)
from tests.local.mqtt.streams import decode, decoder_of, drain, frame, in_chunks, outcome

PUBLISH = Publish("rooms/lobby", b"hello", 1, packet_id=7)


@pytest.mark.parametrize("version", Version)
def test_connect_sets_the_version_of_the_packets_after_it(version: Version) -> None:
    decoder = Decoder(1000)
    decoder.receive(encode(Connect(version, "a"), version) + encode(PUBLISH, version))
    assert list(drain(decoder)) == [Connect(version, "a"), PUBLISH]


def test_chunks_may_come_faster_than_they_are_read_and_only_whole_packets_are_read() -> None:
    packets = [Publish("t", bytes(size)) for size in (0, 50, 127, 128, 300, 1)]
    data = b"".join(encode(packet, Version.MQTT_3_1_1) for packet in packets)
    for sizes in ([3, 60, 1, 200], [1]):
        decoder = decoder_of(Version.MQTT_3_1_1)
        assert decoder.next() is None
        seen = []
        for chunk in in_chunks(data, sizes):
            decoder.receive(chunk)
            decoder.receive(b"")
            if packet := decoder.next():
                seen.append(packet)
        assert [*seen, *drain(decoder)] == packets


def test_absent_properties_are_always_the_same_object() -> None:
    (packet,) = decode(encode(Publish("t", b"", properties=Properties()), Version.MQTT_5), Version.MQTT_5)
    assert isinstance(packet, Publish)
    assert packet.properties is NO_PROPERTIES


@pytest.mark.parametrize("size", [100, 127, 128, 129, 5000])
def test_a_packet_of_the_largest_size_is_accepted_and_one_byte_more_is_refused(size: int) -> None:
    packet = Publish("t", bytes(size))
    data = encode(packet, Version.MQTT_3_1_1)
    assert decode(data, Version.MQTT_3_1_1, len(data)) == [packet]
    with pytest.raises(PacketTooLarge):
        decode(data, Version.MQTT_3_1_1, len(data) - 1)


def test_a_packet_that_is_too_large_is_refused_before_its_body_arrives() -> None:
    decoder = decoder_of(Version.MQTT_5, 1000)
    decoder.receive(b"\x30\xff\xff\xff")
    assert decoder.next() is None
    decoder.receive(b"\x7f")
    with pytest.raises(PacketTooLarge, match="268435460 bytes: at most 1000 are accepted"):
        decoder.next()


def test_bytes_that_are_not_mqtt_are_refused_by_their_first_byte() -> None:
    decoder = Decoder(1000)
    decoder.receive(b"G")  # of GET / HTTP/1.1
    with pytest.raises(MalformedPacket):
        decoder.next()


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        pytest.param(b"\x40\x80\0\0\1", "more bytes than it needs", id="MQTT-1.5.5-1 a 0 of two bytes"),
        pytest.param(b"\xc0\x80\0", "more bytes than it needs", id="MQTT-1.5.5-1 a 0 of two bytes in a PINGREQ"),
        pytest.param(b"\x40\x82\x80\0\0\1", "more bytes than it needs", id="MQTT-1.5.5-1 a 2 of three bytes"),
        pytest.param(b"\x40\xff\xff\xff\x80\0\1", "more than four bytes", id="2.1.4 a length of five bytes"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 100])
def test_a_length_is_as_short_as_it_can_be_and_at_most_four_bytes(stream: bytes, text: str, chunk: int) -> None:
    """The packets before an error are still read."""
    before = encode(PUBLISH, Version.MQTT_3_1_1)
    packets, error = outcome(in_chunks(before + stream, [chunk]), Version.MQTT_3_1_1, 1000)
    assert packets == [PUBLISH]
    assert text in str(error)


@pytest.mark.parametrize(
    ("packet", "error", "code"),
    [
        (frame(0x30, b"\0\1#"), MalformedPacket, ReasonCode.MALFORMED_PACKET),
        (frame(0x32, b"\0\1t\0\0"), ProtocolError, ReasonCode.PROTOCOL_ERROR),
        (b"\x30\xff\xff\xff\x7f", PacketTooLarge, ReasonCode.PACKET_TOO_LARGE),
    ],
)
def test_an_error_has_its_reason_code_and_is_final(packet: bytes, error: type[MqttError], code: ReasonCode) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1)
    decoder.receive(packet + encode(Pingreq(), Version.MQTT_3_1_1))
    errors = []
    for _ in range(3):
        with pytest.raises(error) as found:
            decoder.next()
        assert found.value.reason_code is code
        errors.append(repr(found.value))
        decoder.receive(encode(Pingreq(), Version.MQTT_3_1_1))
    assert len(set(errors)) == 1
