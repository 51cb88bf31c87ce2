"""Carrying out a revocation, with the real API and a table that the authorizer does not read: as if it had cached."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.revoke.client_ids import read_known
from iot_authorizer_cli.commands.revoke.connections import LocalConnectionApi
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, RevocationTarget, lock_out
from iot_authorizer_cli.dev_endpoint import OperationFailed
from iot_identities.revocations import Kind, Revocation, principal_id
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import User, to_item
from tests.cli.commands.revoke.running import connect
from tests.clients.server import Server

NOW = 1_800_000_000


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    return SqliteTable(tmp_path / "identities.sqlite")


@pytest.fixture
def target(server: Server, table: SqliteTable) -> RevocationTarget:
    known = read_known(server.config)
    return RevocationTarget(table, "identities.sqlite", known, LocalConnectionApi(server.url), 60, None)


def lock(name: str, target: RevocationTarget, **changes: object) -> LockedOut:
    """Revokes a principal at a changed target."""
    return lock_out(of(name), (), replace(target, **changes))  # type: ignore[arg-type]


def of(name: str) -> Revocation:
    return Revocation(Kind.PRINCIPAL, NOW, principal=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("connects", "still_allowed"), [(6, ("una",)), (2, ())], ids=["after all caches ended", "by a cached answer"]
)
def test_a_client_that_connects_again_is_disconnected_again(
    server: Server, target: RevocationTarget, connects: int, still_allowed: tuple[str, ...]
) -> None:
    pauses: list[float] = []
    with ExitStack() as clients:

        def reconnect(seconds: float = 0) -> None:
            pauses.append(seconds)
            if len(pauses) <= connects:
                client = clients.enter_context(connect(server, "una", server.token("una")))
                assert client.next().kind == "connected"

        reconnect()
        done = lock("una", target, known=replace(target.known, cache_for=0), pause=reconnect)
    assert (done.ended.ended, done.ended_later, len(pauses)) == (("una",), ("una",), 6)
    assert (done.still_allowed, done.failed) == (still_allowed, bool(still_allowed))


def test_a_slow_endpoint_does_not_prolong_the_looking(target: RevocationTarget) -> None:
    waited: list[float] = []
    seconds = count(step=3)
    known = replace(target.known, cache_for=5)
    lock("ulf", target, known=known, pause=waited.append, clock=lambda: next(seconds))
    assert len(waited) < 10


@pytest.mark.slow
@pytest.mark.parametrize("cache_for", [0, 5])
def test_it_looks_each_second_until_no_cached_answer_can_allow_a_client(
    target: RevocationTarget, cache_for: int
) -> None:
    waited: list[float] = []
    lock("vic", target, known=replace(target.known, cache_for=cache_for), pause=waited.append)
    assert waited == [1] * (cache_for + 5)


class FailingAtFirst:
    """Connections of a service that is busy for a moment."""

    def __init__(self) -> None:
        self._asked = 0

    def is_connected(self, client_id: str) -> bool:
        self._asked += 1
        if self._asked == 1:
            raise OperationFailed("ThrottlingException")
        return True

    def end(self, client_id: str) -> bool:
        return True


@pytest.mark.parametrize(("looks", "failed"), [(True, ()), (False, (("wil", "ThrottlingException"),))])
def test_only_the_last_failure_of_a_client_is_reported(
    target: RevocationTarget, looks: bool, failed: tuple[tuple[str, str], ...]
) -> None:
    pause = (lambda _: None) if looks else None
    done = lock("wil", target, connections=FailingAtFirst(), pause=pause)
    assert done.ended.failed == failed


def test_the_revocation_is_written_before_the_first_connection_ends(
    target: RevocationTarget, table: SqliteTable
) -> None:
    found: list[bool] = []

    class Asking(LocalConnectionApi):
        def is_connected(self, client_id: str) -> bool:
            found.append(principal_id("wes") in table.read([principal_id("wes")]))
            return False

    lock("wes", target, connections=Asking("http://127.0.0.1:1"))
    assert found == [True]


def test_stored_claims_tell_client_ids(target: RevocationTarget, table: SqliteTable) -> None:
    table.write(to_item(User("hall", claims={"role": "display", "display": ["door", "desk"]})))
    done = lock("hall", target)
    assert done.ended.not_connected == ("hall", "displays/door", "displays/desk")


def test_a_revocation_ends_when_it_expires(tmp_path: Path, target: RevocationTarget) -> None:
    revocation = replace(of("xan"), expires_at=int(time.time()) + 1000)
    lock_out(revocation, (), target)
    later: Callable[[int], SqliteTable] = lambda seconds: SqliteTable(  # noqa: E731 (one table for each clock)
        tmp_path / "identities.sqlite", clock=lambda: time.time() + seconds
    )
    there = [bool(later(seconds).read([revocation.id])) for seconds in (0, 1001)]
    assert there == [True, False]


def test_the_replaced_revocation_is_returned(target: RevocationTarget) -> None:
    lock("yul", target)
    assert lock("yul", target).replaced == of("yul")
