"""Integers and strings at the limits of their types (MQTT 5, 1.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.mqtt import MalformedPacket
from iot_core.mqtt.primitives import (
    Reader,
    write_binary,
    write_byte,
    write_four_byte_integer,
    write_packet_id,
    write_string,
    write_two_byte_integer,
    write_variable_byte_integer,
)


def reader_of(data: bytes) -> Reader:
    return Reader(data, 0, len(data))


VARIABLE_BYTE_INTEGERS = [
    (0, "00"),
    (127, "7f"),
    (128, "8001"),
    (16_383, "ff7f"),
    (16_384, "808001"),
    (2_097_151, "ffff7f"),
    (2_097_152, "80808001"),
    (268_435_455, "ffffff7f"),
]
"""MQTT 5, table 1-1."""


@pytest.mark.parametrize(("value", "data"), VARIABLE_BYTE_INTEGERS)
def test_a_variable_byte_integer_is_written_and_read_as_in_the_standard(value: int, data: str) -> None:
    assert write_variable_byte_integer(value).hex() == data
    reader = reader_of(bytes.fromhex(data))
    assert reader.variable_byte_integer() == value
    reader.finish()


@given(st.integers(0, 268_435_455))
def test_any_variable_byte_integer_is_read_as_it_was_written(value: int) -> None:
    assert reader_of(write_variable_byte_integer(value)).variable_byte_integer() == value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("8000", id="MQTT-1.5.5-1 two bytes for 0"),
        pytest.param("ff00", id="MQTT-1.5.5-1 two bytes for 127"),
        pytest.param("80808000", id="MQTT-1.5.5-1 four bytes for 0"),
        pytest.param("8080808001", id="1.5.5 five bytes"),
        pytest.param("ffffffff", id="1.5.5 no end within four bytes"),
        pytest.param("80", id="1.5.5 no end at all"),
        pytest.param("", id="1.5.5 nothing"),
    ],
)
def test_another_variable_byte_integer_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        reader_of(bytes.fromhex(data)).variable_byte_integer()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffa", id="MQTT-1.5.4-3 U+FEFF is kept"),
        pytest.param("A\U0002a6d4", id="1.5.4.1 the standard's example"),
        pytest.param("\x01\x7f\x9f\ufdd0\U0010ffff", id="1.5.4 controls and non-characters are allowed"),
        pytest.param("", id="1.5.4 an empty string"),
        pytest.param("x" * 65_535, id="1.5.4 the longest string"),
    ],
)
def test_a_string_is_read_as_it_was_written(text: str) -> None:
    assert reader_of(write_string(text)).string() == text


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("0003eda080", id="MQTT-1.5.4-1 U+D800, a surrogate"),
        pytest.param("0003edbfbf", id="MQTT-1.5.4-1 U+DFFF, a surrogate"),
        pytest.param("0006eda081edb080", id="MQTT-1.5.4-1 a pair of surrogates"),
        pytest.param("0002c0af", id="MQTT-1.5.4-1 more bytes than a character needs"),
        pytest.param("0004f4908080", id="MQTT-1.5.4-1 behind U+10FFFF"),
        pytest.param("0002c328", id="MQTT-1.5.4-1 a character that does not go on"),
        pytest.param("0001c3", id="MQTT-1.5.4-1 a character that does not end"),
        pytest.param("000100", id="MQTT-1.5.4-2 U+0000"),
        pytest.param("0003610062", id="MQTT-1.5.4-2 U+0000 within"),
        pytest.param("0002c080", id="MQTT-1.5.4-2 U+0000 in two bytes"),
        pytest.param("000261", id="1.5.4 a string that ends early"),
        pytest.param("00", id="1.5.4 a length that ends early"),
    ],
)
def test_another_string_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        reader_of(bytes.fromhex(data)).string()


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x" * 65_536, "é" * 32_768])
def test_a_string_that_can_not_be_read_is_not_written(text: str) -> None:
    with pytest.raises(ValueError):
        write_string(text)


def test_binary_data_is_at_most_65_535_bytes_long() -> None:
    assert reader_of(write_binary(b"\0" * 65_535)).binary() == b"\0" * 65_535
    with pytest.raises(ValueError):
        write_binary(b"\0" * 65_536)


@pytest.mark.parametrize(
    ("write", "outside"),
    [
        (write_byte, (-1, 1 << 8)),
        (write_two_byte_integer, (-1, 1 << 16)),
        (write_packet_id, (-1, 0, None, 1 << 16)),
        (write_four_byte_integer, (-1, 1 << 32)),
        (write_variable_byte_integer, (-1, 1 << 28)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_integer_that_does_not_fit_is_not_written(write: object, outside: tuple[int | None, ...]) -> None:
    assert callable(write)
    for value in outside:
        with pytest.raises(ValueError):
            write(value)


def test_a_part_does_not_reach_behind_its_end() -> None:
    reader = reader_of(b"\1\2\3")
    part = reader.part(2)
    assert part.rest() == b"\1\2"
    with pytest.raises(MalformedPacket):
        part.byte()
    assert reader.byte() == 3
