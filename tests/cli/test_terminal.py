"""What the terminal shows."""

import pytest

from iot_authorizer_cli.terminal import time_text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, "never"),
        (0, "1970-01-01 00:00:00Z"),
        (-62135596800, "0001-01-01 00:00:00Z"),
        (-62135596801, "before the year 1"),
        (253402300799, "9999-12-31 23:59:59Z"),
        (253402300800, "after the year 9999"),
    ],
)
def test_a_time_is_never_a_number_of_seconds(moment: int | None, text: str) -> None:
    assert time_text(moment) == text
