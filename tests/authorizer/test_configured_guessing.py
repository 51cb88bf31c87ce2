"""`[guessing]`, as an authorizer with it behaves."""

import pytest

from iot_identities.guessing import PREFIX
from tests.authorizer.conftest import Start
from tests.authorizer.events import with_password
from tests.authorizer.handlers import Running
from tests.authorizer.tables import Identities

PASSWORDS = "[passwords]\n"


@pytest.fixture(autouse=True)
def _ann(identities: Identities) -> None:
    identities.add("ann", "correct horse")


def told(running: Running, times: int) -> tuple[str, str]:
    """The reason and the detail of the last of some wrong passwords."""
    for _ in range(times):
        outcome = running(with_password("ann", b"wrong"))
    line = outcome.lines[-1]
    return line["reason"], line.get("detail", "")


def test_it_is_slow_from_slow_after_on(started: Start) -> None:
    running = started(PASSWORDS, "[guessing]\nslow_after = 1\nlock_after = 9\n")
    assert [told(running, 1), told(running, 1)] == [("wrong_password", ""), ("locked", "1s")]


def test_it_locks_from_lock_after_on_for_as_long_as_lock_for(started: Start) -> None:
    running = started(PASSWORDS, '[guessing]\nslow_after = 2\nlock_after = 2\nlock_for = "2h"\nforget_after = "3h"\n')
    assert told(running, 2) == ("wrong_password", "")
    reason, detail = told(running, 1)
    assert (reason, 7190 <= int(detail.removesuffix("s")) <= 7200) == ("locked", True)


def test_it_forgets_after_forget_after(started: Start, identities: Identities) -> None:
    told(started(PASSWORDS, '[guessing]\nlock_for = "3h"\nforget_after = "3h"\n'), 1)
    counters = list(identities.table.items(PREFIX))
    assert {int(each["expires_at"]) - int(each["last"]) for each in counters} == {3 * 3600}  # type: ignore[call-overload]
