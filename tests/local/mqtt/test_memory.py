"""The memory that decoders and topics take, as the interpreter counts it."""

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import pytest

from iot_core.mqtt import MqttError, Publish, Version, encode
from tests.local.mqtt.streams import decode, decoder_of, drain, in_chunks

LIMIT = 100_000
CHUNK = 10_000

PACKET = encode(Publish("t", bytes(130)), Version.MQTT_3_1_1)


Held = Callable[[], int]


@pytest.fixture
def held() -> Iterator[Held]:
    """How many bytes are held now that were not before; without the help of the garbage collector."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gc.enable()


def peak(held: Held, work: Callable[[], object]) -> int:
    """How many bytes some work takes at its peak."""
    before = held()
    tracemalloc.reset_peak()
    work()
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.slow
def test_a_long_stream_takes_no_more_than_some_chunks_and_nothing_is_held_at_its_end(held: Held) -> None:
    stream = PACKET * 10_000
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    before = held()

    def read() -> None:
        for chunk in in_chunks(stream, [CHUNK]):
            decoder.receive(chunk)
            for _ in drain(decoder):
                pass

    assert peak(held, read) < 3 * CHUNK
    assert held() - before < CHUNK


def test_a_packet_that_never_ends_takes_no_more_than_its_bytes_and_each_byte_copies_none_of_those_before(
    held: Held,
) -> None:
    # Else a packet that comes byte by byte would take quadratic time.
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    length_of_99_996 = b"\x9c\x8d\x06"

    def receive(chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            decoder.receive(chunk)
            assert decoder.next() is None

    receive(in_chunks(b"\x30" + length_of_99_996 + bytes(90_000), [100]))
    assert held() < 1.2 * LIMIT
    # The room for bytes to come, but no second copy.
    assert peak(held, lambda: receive([b"x"] * 10)) < 90_000 / 2


@pytest.mark.parametrize("chunks", [1, 2])
def test_to_read_one_packet_copies_nothing_of_those_behind_it(held: Held, chunks: int) -> None:
    # Else a chunk of many packets would take quadratic time.
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    for _ in range(chunks):
        decoder.receive(PACKET * 1000)
    decoder.next()
    assert peak(held, decoder.next) < 10 * len(PACKET)


@pytest.mark.parametrize("wrong", [b"\0", b"\x30\xff\xff\xff\x7f", b"\x30\3\0\1#"])
def test_a_decoder_that_has_failed_holds_nothing(held: Held, wrong: bytes) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    before = held()
    decoder.receive(PACKET * 100 + wrong + PACKET * 500)
    with pytest.raises(MqttError):
        list(drain(decoder))
    for _ in range(100):
        decoder.receive(PACKET * 100)
    assert held() - before < 5000


def test_topics_that_are_read_are_kept_only_so_far(held: Held) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    for number in range(20_000):
        decoder.receive(b"\x30\xf2\1\0\xf0" + f"{number:0240}".encode())
        assert decoder.next() is not None
    # 4,096 topics, each as bytes and as a string.
    assert held() < 4_000_000


def test_topics_that_are_written_are_kept_only_so_far(held: Held) -> None:
    for number in range(20_000):
        encode(Publish(f"{number:0240}", b""), Version.MQTT_3_1_1)
    assert held() < 4_000_000


def test_long_topics_are_not_kept(held: Held) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    for number in range(100):
        decoder.receive(encode(Publish(f"{number:020000}", b""), Version.MQTT_3_1_1))
        assert decoder.next() is not None
    assert decoder.next() is None
    assert held() < 50_000


def test_a_topic_that_comes_again_is_the_same_object() -> None:
    # So a broker that looks it up need not compare it letter by letter.
    first, second = decode(encode(Publish("rooms/lobby", b""), Version.MQTT_5) * 2, Version.MQTT_5)
    assert isinstance(first, Publish)
    assert isinstance(second, Publish)
    assert first.topic is second.topic
