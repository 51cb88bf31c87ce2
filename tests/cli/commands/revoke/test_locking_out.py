"""What is locked out, with the real API and a table that the authorizer does not see: as if it had older answers."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.revoke.client_ids import read_known
from iot_authorizer_cli.commands.revoke.connections import LocalConnectionApi, OperationFailed
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, RevocationTarget, lock_out
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
    """Revokes a principal at a target that differs in something."""
    return lock_out(of(name), (), replace(target, **changes))  # type: ignore[arg-type]


def of(name: str) -> Revocation:
    return Revocation(Kind.PRINCIPAL, NOW, principal=name)


def test_a_client_that_connects_again_by_a_cached_answer_is_ended_again(
    server: Server, target: RevocationTarget
) -> None:
    with connect(server, "una", server.token("una")) as client:
        assert client.next().kind == "connected"
        done = came_back(server, target, "una")
    assert (done.ended.ended, done.ended_later) == (("una",), ("una",))


def test_a_client_that_connects_after_all_caches_ended_was_not_locked_out(
    server: Server, target: RevocationTarget
) -> None:
    with connect(server, "ula", server.token("ula")) as client:
        assert client.next().kind == "connected"
        done = came_back(server, target, "ula")
    assert (done.still_allowed, done.failed) == (("ula",), True)


def test_a_client_that_connected_again_only_in_between_was_locked_out(server: Server, target: RevocationTarget) -> None:
    pauses: list[float] = []

    with ExitStack() as clients:

        def reconnect_at_first(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                client = clients.enter_context(connect(server, "uma", server.token("uma")))
                assert client.next().kind == "connected"

        known = replace(target.known, cache_for=1)
        done = lock("uma", target, known=known, pause=reconnect_at_first)
    assert (len(pauses), done.ended_later, done.still_allowed, done.failed) == (2, ("uma",), (), False)


def test_an_endpoint_that_is_slow_makes_looking_again_no_longer(target: RevocationTarget) -> None:
    waited: list[float] = []
    seconds = count(step=3)
    known = replace(target.known, cache_for=5)
    lock("ulf", target, known=known, pause=waited.append, clock=lambda: next(seconds))
    assert len(waited) < 6


def came_back(server: Server, target: RevocationTarget, name: str) -> LockedOut:
    """Locks a client out that comes back meanwhile."""
    with ExitStack() as clients:

        def reconnect(_: float) -> None:
            client = clients.enter_context(connect(server, name, server.token(name)))
            assert client.next().kind == "connected"

        return lock(name, target, pause=reconnect)


@pytest.mark.parametrize("cache_for", [0, 5])
def test_it_looks_each_second_for_longer_than_the_authorizers_cache_answers(
    target: RevocationTarget, cache_for: int
) -> None:
    waited: list[float] = []
    lock("vic", target, known=replace(target.known, cache_for=cache_for), pause=waited.append)
    assert waited == [1] * (cache_for + 1)


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
def test_what_fails_at_first_and_not_at_last_has_not_failed(
    target: RevocationTarget, looks: bool, failed: tuple[tuple[str, str], ...]
) -> None:
    pause = (lambda _: None) if looks else None
    done = lock("wil", target, connections=FailingAtFirst(), pause=pause)
    assert done.ended.failed == failed


def test_the_revocation_is_there_before_the_first_connection_ends(target: RevocationTarget, table: SqliteTable) -> None:
    found: list[bool] = []

    class Asking(LocalConnectionApi):
        def is_connected(self, client_id: str) -> bool:
            found.append(principal_id("wes") in table.read([principal_id("wes")]))
            return False

    lock("wes", target, connections=Asking("http://127.0.0.1:1"))
    assert found == [True]


def test_stored_claims_say_by_which_client_ids_a_principal_connects(
    target: RevocationTarget, table: SqliteTable
) -> None:
    table.write(to_item(User("hall", claims={"role": "display", "display": ["door", "desk"]})))
    done = lock("hall", target)
    assert done.ended.not_connected == ("hall", "displays/door", "displays/desk")


def test_a_revocation_holds_as_long_as_it_says(tmp_path: Path, target: RevocationTarget) -> None:
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
