"""Times as people write them."""

import pytest

from iot_policies.durations import duration_text, seconds, utc_text


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("0s", 0), ("007m", 420)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "15", "m", "15 m", " 15m", "15m ", "15m\n", "-15m", "+15m", "1.5h", "15M", "15w", "1h30m"),
        *("\u0661\u0665m", "²m", pytest.param("9" * 5000 + "s", id="a number without end")),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number and a unit"):
        seconds(text)


WRITTEN = [(0, "0s"), (90, "1m 30s"), (900, "15m"), (910, "15m 10s"), (86_400, "1d"), (90_061, "1d 1h 1m 1s")]


@pytest.mark.parametrize(("number", "text"), WRITTEN)
def test_a_duration_is_written_exactly_with_as_few_units_as_that_takes(number: int, text: str) -> None:
    assert duration_text(number) == text


def test_a_time_is_written_as_aws_does_in_whole_seconds() -> None:
    assert utc_text(1_795_977_000.9) == "2026-11-29T18:30:00Z"
