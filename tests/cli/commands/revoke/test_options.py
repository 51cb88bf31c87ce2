"""The times that a user gives."""

from datetime import UTC, datetime

import pytest
from typer import BadParameter

from iot_authorizer_cli.commands.revoke.options import past_time

NOW = 1_800_000_000.5


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize("text", ["now", at(NOW)])
def test_a_time_within_a_second_is_rounded_up(text: str) -> None:
    assert past_time(text, "TIME", NOW) == 1_800_000_001


def test_a_whole_second_is_not_rounded() -> None:
    assert past_time(at(1_700_000_000), "TIME", NOW) == 1_700_000_000


def test_clocks_can_differ_by_a_minute() -> None:
    assert past_time(at(NOW + 59.5), "TIME", NOW) == 1_800_000_060


def test_a_future_time_is_refused_since_it_would_revoke_new_tokens() -> None:
    with pytest.raises(BadParameter, match="a time in the past"):
        past_time(at(NOW + 61), "--issued-before", NOW)
