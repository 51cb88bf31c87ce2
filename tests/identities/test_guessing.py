"""A counter of wrong passwords is full after some of them, and no client can lock others out easily."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.guessing import PREFIX, Guard, GuessingLimits, attempt, forgotten_at, ids
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Table
from tests.clock import Clock

LIMITS = GuessingLimits(lock_after=3, lock_for=900)
DEFAULT = GuessingLimits()
DAY = 86_400
WRONG, RIGHT = False, True


def try_password(
    table: Table,
    now: int,
    principal: str = "ann",
    client_id: str | None = None,
    *,
    right: bool = False,
    limits: GuessingLimits = LIMITS,
    since: int = 0,
    between: Callable[[], object] = lambda: None,
) -> bool:
    """Whether the password was looked at; it was set at `since`. `between` runs between reading and counting."""
    guard = Guard(table, limits)
    found = attempt(principal, client_id, table.read(ids(principal, client_id)), now, since)
    between()
    is_looked_at = guard.begin(found, now) is None
    if is_looked_at and right:
        guard.succeeded(found, now)
    else:
        guard.refused(found, now)
    return is_looked_at


@dataclass
class Login:
    """Attempts to sign in, at a time that the test sets."""

    folder: Path
    now: int = 1_000_000
    table: SqliteTable = field(init=False)

    def __post_init__(self) -> None:
        self.table = SqliteTable(self.folder / "identities.sqlite", clock=lambda: self.now)

    def __call__(self, client_id: str | None = None, principal: str = "ann", *, right: bool = False) -> bool:
        return try_password(self.table, self.now, principal, client_id, right=right)

    def lock(self, client_id: str | None = "stranger", principal: str = "ann") -> None:
        assert [self(client_id, principal) for _ in range(4)] == [True, True, True, False]


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path)


@pytest.mark.parametrize(("later", "looked_at"), [(899, 0), (900, 1), (1799, 1), (1800, 2), (2700, 3), (9000, 3)])
def test_a_full_counter_forgets_one_attempt_each_time_and_never_has_room_for_more_than_the_limit(
    login: Login, later: int, looked_at: int
) -> None:
    login.lock()
    login.now += later
    assert [login("stranger") for _ in range(4)].count(True) == looked_at


def test_attempts_in_a_lock_do_not_lengthen_it(login: Login) -> None:
    login.lock()
    for _ in range(899):
        login.now += 1
        assert not login()
    login.now += 1
    assert login(right=True)


@pytest.mark.parametrize("principal", ["ann", "nobody"])
def test_all_unknown_clients_of_a_principal_share_a_counter(login: Login, principal: str) -> None:
    """Nothing here knows whether the principal exists."""
    looked_at = [login(client_id, principal) for client_id in ("a", "b", None, "c", None)]
    assert looked_at == [True, True, True, False, False]


def test_neither_strangers_nor_its_use_for_others_lock_out_a_client_id_that_has_signed_in(login: Login) -> None:
    login("ann/x", right=True)
    login.lock()
    login.lock("ann/x", "bob")
    assert login("ann/x", right=True)


def test_a_client_id_that_has_signed_in_can_be_locked_but_no_other_with_it(login: Login) -> None:
    login("ann/x", right=True)
    login.lock("ann/x")
    assert not login("ann/x", right=True)
    assert login("ann/y", right=True)
    login.now += 900
    assert all(login("ann/x", right=True) for _ in range(10))


@pytest.mark.parametrize(("days", "since_then", "known"), [(29, False, True), (30, False, False), (0, True, False)])
def test_a_client_id_is_known_for_30_days_after_a_sign_in_with_the_same_password(
    login: Login, days: int, since_then: bool, known: bool
) -> None:
    login("ann/x", right=True)
    login.now += days * DAY + since_then
    login.lock()
    since = login.now if since_then else 0
    assert try_password(login.table, login.now, "ann", "ann/x", right=True, since=since) is known


@pytest.mark.parametrize(("ahead", "known"), [(60, True), (61, False)])
def test_a_client_id_is_not_known_by_a_sign_in_in_the_future(login: Login, ahead: int, known: bool) -> None:
    """The wall clock of the machine was ahead, or was set back since."""
    login.now += ahead
    login("ann/x", right=True)
    login.now -= ahead
    login.lock()
    assert login("ann/x", right=True) is known


def test_that_a_client_id_is_known_is_noted_once_a_day_and_keeps_it_known(login: Login) -> None:
    *_, known = ids("ann", "ann/x")
    ends = []
    for _ in range(5):
        login("ann/x", right=True)
        ends.append(login.table.read([known])[known]["expires_at"])
        login.now += 20_000
    assert len(set(ends)) == 1
    for _ in range(31):
        login("ann/x", right=True)
        login.now += DAY
    login.lock()
    assert login("ann/x", right=True)


def test_with_a_new_password_a_client_id_begins_anew(login: Login) -> None:
    login("ann/x", right=True)
    login.lock("ann/x")
    login.now += 1
    for right in (RIGHT, RIGHT, WRONG):
        assert try_password(login.table, login.now, "ann", "ann/x", right=right, since=login.now - 1 + right)


@pytest.mark.parametrize("client_id", [None, "ann/x"])
def test_right_passwords_leave_nothing_counted_however_often_they_come(login: Login, client_id: str | None) -> None:
    login("ann/x", right=True)
    for _ in range(100):
        assert login(client_id, right=True)
        login.now += 1
    assert forgotten_at(login.table, "ann", client_id) is None


def test_a_right_password_takes_back_only_its_own_attempt(login: Login) -> None:
    assert [login(right=right) for right in (WRONG, WRONG, RIGHT, WRONG, RIGHT)] == [True, True, True, True, False]


def test_a_client_that_refreshes_every_15_minutes_writes_twice_each_time_and_once_more_a_day(login: Login) -> None:
    """The cost in `docs/reference/costs-and-quotas.md`."""
    login("ann/x", right=True)
    login.table = counting = Counting(login.folder / "identities.sqlite", clock=lambda: login.now)
    for _ in range(4 * 24):
        login.now += 900
        assert login("ann/x", right=True)
    assert counting.writes == 2 * 4 * 24 + 1


class Counting(SqliteTable):
    """A table that counts writes."""

    writes = 0

    def extend(self, id: str, *, now: int, by: int, most: int, seen: bool) -> bool:
        self.writes += 1
        return super().extend(id, now=now, by=by, most=most, seen=seen)

    def shorten(self, id: str, *, by: int) -> None:
        self.writes += 1
        super().shorten(id, by=by)

    def keep(self, id: str, *, until: int) -> None:
        self.writes += 1
        super().keep(id, until=until)


def test_with_a_typing_error_now_and_then_the_right_password_stays_good(login: Login) -> None:
    login("ann/x", right=True)
    for _ in range(200):
        assert login("ann/x")
        assert login("ann/x", right=True)
        login.now += 900


def test_an_attempt_in_a_lock_knows_how_long_it_lasts(login: Login) -> None:
    login.lock(None)
    login.now += 100
    found = attempt("ann", None, login.table.read(ids("ann", None)), login.now)
    assert Guard(login.table, LIMITS).begin(found, login.now) == "800s"


@pytest.mark.parametrize(("is_known", "failures"), [(False, 0), (False, 1), (True, 0), (True, 9)])
def test_of_12_wrong_passwords_at_once_10_are_looked_at_less_earlier_ones(
    table: Table, clock: Clock, is_known: bool, failures: int
) -> None:
    """All have read the table before one of them counts."""
    now, all_have_read = int(clock.now), Barrier(12)
    for right in [RIGHT] * is_known + [WRONG] * failures:
        try_password(table, now, client_id="ann/x", right=right, limits=DEFAULT)

    def guess(_: int) -> bool:
        return try_password(table, now, client_id="ann/x", limits=DEFAULT, between=all_have_read.wait)

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(guess, range(12))) == 10 - failures


def test_of_12_right_passwords_at_once_nothing_stays_counted(table: Table, clock: Clock) -> None:
    now, all_have_read = int(clock.now), Barrier(12)

    def sign_in(_: int) -> bool:
        return try_password(table, now, right=True, limits=DEFAULT, between=all_have_read.wait)

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(sign_in, range(12))) >= 10
    assert forgotten_at(table, "ann", None) is None


@pytest.mark.slow
@pytest.mark.parametrize(("after", "rests"), [(1, 0), (1, 50), (4, 2), (9, 1), (10, 5), (10, 50)])
@pytest.mark.parametrize("client_id", [None, "ann/x"], ids=["a stranger", "a client with a known client ID"])
def test_a_guesser_has_few_guesses_a_day(login: Login, client_id: str | None, after: int, rests: int) -> None:
    """The limit in `docs/explanation/security.md`, while the owner signs in at each refresh."""
    login("ann/x", right=True)
    end, guesses, rests_until = login.now + DAY, 0, 0
    while login.now < end:
        if login.now >= rests_until and try_password(login.table, login.now, client_id=client_id, limits=DEFAULT):
            guesses += 1
            if guesses % after == 0 and guesses <= after * rests:
                rests_until = login.now + 10 * DEFAULT.lock_for
        try_password(login.table, login.now, client_id="ann/x", right=True, limits=DEFAULT)
        login.now += 60
    assert guesses <= 105


@given(
    st.integers(1, 20),
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=60),
)
def test_in_any_time_no_more_wrong_passwords_are_looked_at_than_the_limit_and_one_for_each_lock(
    login: Login, lock_after: int, lock_for: int, attempts: list[tuple[int, bool]]
) -> None:
    limits = GuessingLimits(lock_after, lock_for)
    for item in list(login.table.items(PREFIX)):
        login.table.delete(str(item["id"]))
    looked_at: list[int] = []
    for later, right in attempts:
        login.now += later
        if try_password(login.table, login.now, right=right, limits=limits) and not right:
            looked_at.append(login.now)
    for number, first in enumerate(looked_at):
        for more, last in enumerate(looked_at[number:], 1):
            assert more <= lock_after + (last - first) // lock_for
