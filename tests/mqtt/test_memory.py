"""How many bytes decoders hold, as the interpreter counts them."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from local.mqtt import MqttError, Publish, Version, encode
from tests.mqtt.streams import decoder_of, drain, in_chunks

LIMIT = 100_000
CHUNK = 10_000

PACKET = encode(Publish("t", bytes(130)), Version.MQTT_3_1_1)


@pytest.fixture
def held() -> Iterator[Callable[[], int]]:
    """How many bytes are held now that were not before; without the help of the garbage collector."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gc.enable()


def test_a_long_stream_takes_no_more_than_some_chunks(held: Callable[[], int]) -> None:
    stream = PACKET * 10_000
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    tracemalloc.reset_peak()
    before = held()
    for chunk in in_chunks(stream, [CHUNK]):
        decoder.receive(chunk)
        for _ in drain(decoder):
            pass
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < 3 * CHUNK


def test_a_packet_that_never_ends_takes_no_more_than_its_bytes(held: Callable[[], int]) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    length_of_99_996 = b"\x9c\x8d\x06"
    for chunk in in_chunks(b"\x30" + length_of_99_996 + bytes(90_000), [100]):
        decoder.receive(chunk)
        assert decoder.next() is None
    assert held() < 1.2 * LIMIT


def test_a_decoder_that_has_read_everything_holds_nothing(held: Callable[[], int]) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    before = held()
    decoder.receive(PACKET * 100)
    assert sum(1 for _ in drain(decoder)) == 100
    assert held() - before < len(PACKET)


@pytest.mark.parametrize("wrong", [b"\0", b"\x30\xff\xff\xff\x7f", b"\x30\3\0\1#"])
def test_a_decoder_that_has_failed_holds_nothing(held: Callable[[], int], wrong: bytes) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    before = held()
    decoder.receive(PACKET * 100 + wrong + PACKET * 500)
    with pytest.raises(MqttError):
        list(drain(decoder))
    for _ in range(100):
        decoder.receive(PACKET * 100)
    assert held() - before < 5000


def test_topics_are_kept_only_so_far(held: Callable[[], int]) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    for number in range(20_000):
        decoder.receive(b"\x30\xf2\1\0\xf0" + f"{number:0240}".encode())
        assert decoder.next() is not None
    # 4,096 topics, each twice: as bytes and as a string.
    assert held() < 4_000_000


def test_long_topics_are_not_kept(held: Callable[[], int]) -> None:
    decoder = decoder_of(Version.MQTT_3_1_1, LIMIT)
    for number in range(100):
        decoder.receive(b"\x30\xa2\x9c\1\x4e\x20" + f"{number:020000}".encode())
        assert decoder.next() is not None
    assert decoder.next() is None
    assert held() < 50_000
