"""What is locked out, with the real API and a table that the authorizer does not see: as if it had older answers."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.revoke.connections import NotAnswered
from iot_authorizer_cli.commands.revoke.known import read_known
from iot_authorizer_cli.commands.revoke.local_connections import LocalConnections
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, Order, lock_out
from iot_authorizer_cli.commands.revoke.place import Place
from iot_identities.revocations import Kind, Revocation, principal_id
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import User, to_item
from iot_policies import Principal
from tests.cli.commands.revoke.running import connect
from tests.clients.server import Server

NOW = 1_800_000_000


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    return SqliteTable(tmp_path / "identities.sqlite")


@pytest.fixture
def place(server: Server, table: SqliteTable) -> Place:
    known = read_known(server.config, lambda _: None)
    return Place(table, "identities.sqlite", known, LocalConnections(server.url), lambda _: None, None)


def order(name: str, claims: Mapping[str, object] | None = None) -> Order:
    return Order(Revocation(Kind.PRINCIPAL, NOW, principal=name), Principal(name, claims or {}), ())


def test_a_client_that_comes_back_by_an_older_answer_is_ended_later(server: Server, place: Place) -> None:
    with connect(server, "una", server.token("una")) as client:
        assert client.next().kind == "connected"
        done = came_back(server, place, "una")
    assert (done.ended.ended, done.ended_later) == (("una",), ("una",))


def test_one_that_comes_back_after_the_last_older_answer_was_not_locked_out(server: Server, place: Place) -> None:
    with connect(server, "ula", server.token("ula")) as client:
        assert client.next().kind == "connected"
        done = came_back(server, place, "ula")
    assert (done.let_in, done.in_vain) == (("ula",), True)


def test_one_that_came_back_only_in_between_was_locked_out_and_is_told(server: Server, place: Place) -> None:
    pauses: list[float] = []

    with ExitStack() as clients:

        def reconnect_at_first(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                client = clients.enter_context(connect(server, "uma", server.token("uma")))
                assert client.next().kind == "connected"

        known = replace(place.known, cache_for=1)
        done = lock_out(order("uma"), replace(place, known=known, pause=reconnect_at_first))
    assert (len(pauses), done.ended_later, done.let_in, done.in_vain) == (2, ("uma",), (), False)


def test_an_endpoint_that_is_slow_makes_looking_again_no_longer(place: Place) -> None:
    waited: list[float] = []
    seconds = count(step=3)
    slow = replace(place, known=replace(place.known, cache_for=5), pause=waited.append, clock=lambda: next(seconds))
    lock_out(order("ulf"), slow)
    assert len(waited) < 6


def came_back(server: Server, place: Place, name: str) -> LockedOut:
    """Locks a client out that comes back meanwhile."""
    with ExitStack() as clients:

        def reconnect(_: float) -> None:
            client = clients.enter_context(connect(server, name, server.token(name)))
            assert client.next().kind == "connected"

        return lock_out(order(name), replace(place, pause=reconnect))


@pytest.mark.parametrize("cache_for", [0, 5])
def test_it_looks_each_second_for_longer_than_the_authorizers_keep_their_answers(place: Place, cache_for: int) -> None:
    waited: list[float] = []
    lock_out(order("vic"), replace(place, known=replace(place.known, cache_for=cache_for), pause=waited.append))
    assert waited == [1] * (cache_for + 1)


class FailingAtFirst:
    """Connections of a service that is busy for a moment."""

    def __init__(self) -> None:
        self._asked = 0

    def is_connected(self, client_id: str) -> bool:
        self._asked += 1
        if self._asked == 1:
            raise NotAnswered("ThrottlingException")
        return True

    def end(self, client_id: str) -> bool:
        return True


@pytest.mark.parametrize(("looks", "failed"), [(True, {}), (False, {"wil": "ThrottlingException"})])
def test_what_fails_at_first_and_not_at_last_has_not_failed(place: Place, looks: bool, failed: dict[str, str]) -> None:
    pause = (lambda _: None) if looks else None
    done = lock_out(order("wil"), replace(place, connections=FailingAtFirst(), pause=pause))
    assert done.ended.failed == failed


def test_the_revocation_is_there_before_the_first_connection_ends(place: Place, table: SqliteTable) -> None:
    found: list[bool] = []

    class Asking(LocalConnections):
        def is_connected(self, client_id: str) -> bool:
            found.append(principal_id("wes") in table.read([principal_id("wes")]))
            return False

    lock_out(order("wes"), replace(place, connections=Asking("http://127.0.0.1:1")))
    assert found == [True]


def test_stored_claims_say_by_which_client_ids_a_principal_connects(place: Place, table: SqliteTable) -> None:
    table.write(to_item(User("hall", claims={"role": "display", "display": ["door", "desk"]})))
    done = lock_out(order("hall"), place)
    assert done.ended.not_connected == ("hall", "displays/door", "displays/desk")


def test_a_revocation_holds_as_long_as_it_says(tmp_path: Path, place: Place) -> None:
    given = order("xan")
    lock_out(replace(given, revocation=replace(given.revocation, expires_at=int(time.time()) + 1000)), place)
    later: Callable[[int], SqliteTable] = lambda seconds: SqliteTable(  # noqa: E731 (one table for each clock)
        tmp_path / "identities.sqlite", clock=lambda: time.time() + seconds
    )
    there = [bool(later(seconds).read([given.revocation.id])) for seconds in (0, 1001)]
    assert there == [True, False]


def test_the_one_that_was_there_before_is_told(place: Place) -> None:
    given = order("yul")
    lock_out(given, place)
    assert lock_out(given, place).replaced == given.revocation
