"""`[guessing]`, as an authorizer with it behaves."""

import pytest

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


def test_it_locks_after_lock_after_for_as_long_as_lock_for(started: Start) -> None:
    running = started(PASSWORDS, '[guessing]\nlock_after = 2\nlock_for = "2h"\n')
    assert told(running, 2) == ("wrong_password", "")
    reason, detail = told(running, 1)
    assert (reason, 7190 <= int(detail.removesuffix("s")) <= 7200) == ("locked", True)
