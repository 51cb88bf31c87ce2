"""`[guessing]`, as an authorizer with it behaves."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_authorizer import development
from iot_identities.guessing import PREFIX
from tests.authorizer.events import with_password
from tests.authorizer.handlers import Running, start
from tests.authorizer.tables import Identities

Started = Callable[..., Running]


@pytest.fixture
def identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identities:
    path = tmp_path / "identities.sqlite"
    monkeypatch.setenv(development.TABLE, str(path))
    found = Identities(path, now=time.time())
    found.add("ann", "correct horse")
    return found


@pytest.fixture
def started(tmp_path: Path, identities: Identities) -> Started:
    """Starts an authorizer with passwords in the table."""

    def started(guessing: str) -> Running:
        return start(tmp_path, "[passwords]\n", guessing, environment={"AUTHORIZER__TABLE": "identities"})

    return started


def told(running: Running, times: int) -> tuple[str, str]:
    """The reason and the detail of the last of some wrong passwords."""
    for _ in range(times):
        outcome = running(with_password("ann", b"wrong"))
    line = outcome.lines[-1]
    return line["reason"], line.get("detail", "")


def test_it_is_slow_from_slow_after_on(started: Started) -> None:
    running = started("[guessing]\nslow_after = 1\nlock_after = 9\n")
    assert [told(running, 1), told(running, 1)] == [("wrong_password", ""), ("locked", "1s")]


def test_it_locks_from_lock_after_on_for_as_long_as_lock_for(started: Started) -> None:
    running = started('[guessing]\nslow_after = 2\nlock_after = 2\nlock_for = "2h"\nforget_after = "3h"\n')
    assert told(running, 2) == ("wrong_password", "")
    reason, detail = told(running, 1)
    assert (reason, 7190 <= int(detail.removesuffix("s")) <= 7200) == ("locked", True)


def test_it_forgets_after_forget_after(started: Started, identities: Identities) -> None:
    told(started('[guessing]\nlock_for = "3h"\nforget_after = "3h"\n'), 1)
    counters = list(identities.table.items(PREFIX))
    assert {int(each["expires_at"]) - int(each["last"]) for each in counters} == {3 * 3600}  # type: ignore[call-overload]
