"""Attempts wait after failures, and no client can lock others out easily."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.guessing import Attempt, Guard, GuessingLimits, failed_by, ids
from iot_identities.sqlite_table import SqliteTable

LIMITS = GuessingLimits(slow_after=3, lock_after=6, lock_for=900, forget_after=3600)
WEEK = 7 * 86_400


@dataclass
class Login:
    """Attempts to sign in, at a time that the test sets."""

    folder: Path
    now: int = 1_000_000
    guard: Guard = field(init=False)

    def __post_init__(self) -> None:
        self.table = SqliteTable(self.folder / "identities.sqlite", clock=lambda: self.now)
        self.guard = Guard(self.table, LIMITS)

    def try_password(
        self, principal: str = "ann", client_id: str | None = "ann/x", *, right: bool = False, since: int = 0
    ) -> bool:
        """Whether the password was checked; it was set at `since`."""
        attempt = self.guard.attempt(principal, client_id, self.table.read(ids(principal, client_id)), since)
        may_go_on = self.guard.begin(attempt, self.now)
        if may_go_on and right:
            self.guard.succeeded(attempt, self.now)
        else:
            self.guard.failed(attempt, self.now)
        return may_go_on

    def fail(self, times: int, principal: str = "ann", client_id: str | None = "stranger") -> None:
        for _ in range(times):
            assert self.try_password(principal, client_id)


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path)


def test_after_the_first_failures_attempts_wait_a_second_and_then_twice_as_long_each_time(login: Login) -> None:
    login.fail(3, client_id=None)
    for wait in (1, 2, 4):
        login.now += wait - 1
        assert not login.try_password(client_id=None)
        login.now += 1
        login.fail(1, client_id=None)


def locked(login: Login, client_id: str = "stranger") -> Login:
    for wait in (0, 0, 0, 1, 2, 4):
        login.now += wait
        login.fail(1, client_id=client_id)
    return login


@pytest.mark.parametrize(("later", "allowed"), [(899, False), (900, True)])
def test_many_failures_lock_for_some_time_which_attempts_do_not_lengthen(
    login: Login, later: int, allowed: bool
) -> None:
    locked(login)
    login.now += 450
    login.try_password()
    login.now += later - 450
    assert login.try_password(right=True) is allowed


def test_one_failure_after_a_lock_locks_again(login: Login) -> None:
    locked(login)
    login.now += 900
    login.fail(1, client_id="another")
    assert not login.try_password()


def test_failures_are_forgotten(login: Login) -> None:
    locked(login)
    login.now += 3600
    login.fail(3)


FAILURES: dict[str, tuple[list[tuple[str, str | None]], tuple[str, str | None]]] = {
    "of a principal that does not exist": ([("nobody", "stranger")] * 3, ("nobody", "ann/x")),
    "of one principal with many client IDs": ([("ann", f"stranger-{each}") for each in range(3)], ("ann", "stranger")),
    "of one client ID with many principals": (
        [(f"user-{each}", "stranger") for each in range(3)],
        ("user", "stranger"),
    ),
}


@pytest.mark.parametrize(("attempts", "following"), FAILURES.values(), ids=FAILURES)
def test_failures_let_the_next_attempt_wait(
    login: Login, attempts: list[tuple[str, str | None]], following: tuple[str, str | None]
) -> None:
    for principal, client_id in attempts:
        login.fail(1, principal, client_id)
    assert not login.try_password(*following)


def test_without_a_client_id_only_the_principal_counts(login: Login) -> None:
    for number in range(9):
        login.fail(1, f"user-{number}", None)


def test_neither_strangers_nor_its_use_for_others_lock_out_a_client_id_that_has_signed_in(login: Login) -> None:
    login.try_password(right=True)
    locked(login)
    for number in range(3):
        login.fail(1, f"user-{number}", "ann/x")
    assert login.try_password(right=True)


def test_a_client_id_that_has_signed_in_can_be_locked_but_no_other_with_it(login: Login) -> None:
    login.try_password(right=True)
    locked(login, "ann/x")
    assert not login.try_password(right=True)
    assert login.try_password(client_id="ann/y", right=True)
    login.now += 900
    assert all(login.try_password(right=True) for _ in range(10))


@pytest.mark.parametrize(("days", "since_then", "known"), [(29, False, True), (30, False, False), (0, True, False)])
def test_a_client_id_is_known_for_30_days_after_a_sign_in_with_the_same_password(
    login: Login, days: int, since_then: bool, known: bool
) -> None:
    login.try_password(right=True)
    login.now += days * 86_400
    locked(login)
    assert login.try_password(right=True, since=login.now if since_then else 0) is known


def test_that_a_client_id_signed_in_is_noted_once_a_day(login: Login) -> None:
    *_, known = ids("ann", "ann/x")
    for _ in range(5):
        login.try_password(right=True)
        login.now += 20_000
    assert login.table.read([known])[known]["count"] == 1


def test_a_client_id_that_signs_in_each_day_stays_known(login: Login) -> None:
    for _ in range(31):
        login.try_password(right=True)
        login.now += 86_400
    locked(login)
    assert login.try_password(right=True)


@pytest.mark.parametrize("known", [False, True])
def test_of_many_suspicious_attempts_at_once_one_goes_on(login: Login, known: bool) -> None:
    if known:
        login.try_password(right=True)
    login.fail(3, client_id="ann/x")
    login.now += 1
    client_ids = ["ann/x"] * 20 if known else [f"ann/{number}" for number in range(20)]
    assert go_on(login, at_once(login, client_ids)).count(True) == 1


def test_of_many_first_attempts_at_once_no_more_go_on_than_one_after_the_other(login: Login) -> None:
    assert go_on(login, at_once(login, [f"ann/{number}" for number in range(40)])).count(True) == 3


def test_a_success_does_not_forget_the_failures_of_strangers(login: Login) -> None:
    login.fail(3)
    login.try_password(client_id="ann/x", right=True)
    assert not login.try_password(client_id="stranger")


@pytest.mark.parametrize("client_ids", [[f"ann/{number}" for number in range(20)], [None] * 20], ids=["many", "none"])
def test_a_success_is_not_a_failure(login: Login, client_ids: list[str | None]) -> None:
    assert all(login.try_password(client_id=client_id, right=True) for client_id in client_ids)


def test_after_typing_errors_the_right_password_stays_good(login: Login) -> None:
    """A session is authorized again every few minutes, which must not lock its client out."""
    login.try_password(right=True)
    login.fail(3, client_id="ann/x")
    end = login.now + WEEK
    while login.now < end:
        login.now += 300
        assert login.try_password(right=True)


def test_a_typing_error_now_and_then_locks_no_client_out(login: Login) -> None:
    login.try_password(right=True)
    for _ in range(50):
        login.fail(1, client_id="ann/x")
        login.now += 450
        assert login.try_password(right=True)


def test_a_success_just_after_a_failure_does_not_forget_it(login: Login) -> None:
    """Otherwise another client with this client ID could guess again after each refresh."""
    login.try_password(right=True)
    for _ in range(3):
        login.fail(1, client_id="ann/x")
        login.now += 449
        login.try_password(right=True)
    login.fail(1, client_id="ann/x")
    assert not login.try_password(right=True)


@pytest.mark.slow
@pytest.mark.parametrize("rests", [0, 1, 5, 10, 1000])
@pytest.mark.parametrize("after", [4, 5, 9, 10])
def test_a_client_with_the_same_client_id_has_few_guesses_a_day(login: Login, after: int, rests: int) -> None:
    """The limit in `docs/explanation/security.md`, while the owner signs in at each refresh."""
    limits = GuessingLimits()
    login.guard = Guard(login.table, limits)
    login.try_password(right=True)
    end, guesses, rests_until = login.now + 86_400, 0, 0
    while login.now < end:
        if login.now >= rests_until and login.try_password(client_id="ann/x"):
            guesses += 1
            if guesses % after == 0 and guesses <= after * rests:
                rests_until = login.now + limits.forget_after // 8
        login.try_password(right=True)
        login.now += 60
    assert guesses <= 105


def at_once(login: Login, client_ids: Sequence[str | None]) -> list[Attempt]:
    """Attempts that all read the table before one of them goes on."""
    return [login.guard.attempt("ann", each, login.table.read(ids("ann", each))) for each in client_ids]


def go_on(login: Login, attempts: Sequence[Attempt]) -> list[bool]:
    """Begin attempts. Return whether each may go on."""
    return [login.guard.begin(attempt, login.now) for attempt in attempts]


def failures(login: Login, client_id: str | None = None) -> int:
    found = failed_by(login.table, "ann", client_id)
    return found.times if found else 0


def test_right_passwords_at_once_leave_nothing_counted(login: Login) -> None:
    attempts = at_once(login, [None] * 12)
    for attempt, may_go_on in zip(attempts, go_on(login, attempts), strict=True):
        (login.guard.succeeded if may_go_on else login.guard.failed)(attempt, login.now)
    assert failures(login) == 0


def test_an_attempt_that_loses_a_race_waits_a_second_and_is_not_counted(login: Login) -> None:
    login.fail(3, client_id=None)
    login.now += 1
    first, second = at_once(login, [None, None])
    assert go_on(login, [first, second]) == [True, False]
    login.guard.succeeded(first, login.now)
    login.guard.failed(second, login.now)
    assert (second.wait, failures(login)) == (1, 3)


def test_a_right_password_takes_back_no_other_attempt(login: Login) -> None:
    (owner,) = at_once(login, [None])
    login.fail(2, client_id=None)
    login.guard.begin(owner, login.now)
    login.guard.succeeded(owner, login.now)
    assert failures(login) == 2


@pytest.mark.parametrize("client_id", [None, "ann/x"])
def test_a_sign_in_leaves_no_counter_that_has_ended(login: Login, client_id: str | None) -> None:
    """In DynamoDB, counting in it would take another request, and tell that the principal exists."""
    login.try_password(client_id=client_id, right=True)
    assert {each["expires_at"] for each in login.table.items("failures#principal#")} == {
        login.now + LIMITS.forget_after
    }


def test_sign_ins_do_not_keep_failures_from_being_forgotten(login: Login) -> None:
    login.fail(2, client_id=None)
    for _ in range(4):
        login.now += 1000
        login.try_password(client_id=None, right=True)
    assert failures(login) == 0


def test_a_lock_of_the_principal_does_not_renew_one_of_a_client_id(login: Login) -> None:
    """Nor the other way round. Otherwise a client that keeps trying would never be checked again."""
    for number in range(6):
        login.now += 10
        login.fail(1, client_id=f"x{number}")
    end = login.now + 86_400
    looked_at = 0
    while login.now < end:
        login.now += 30
        looked_at += login.try_password(client_id="x")
    assert looked_at >= 86_400 // 930


def test_with_a_new_password_a_client_id_begins_anew(login: Login) -> None:
    login.try_password(right=True)
    locked(login, "ann/x")
    login.now += 1
    changed = login.now
    assert all(login.try_password(right=True, since=changed) for _ in range(3))
    assert login.try_password(since=changed)


def test_right_passwords_that_are_refused_for_another_reason_lock_no_client_out(login: Login) -> None:
    login.try_password(right=True)
    for _ in range(20):
        (attempt,) = at_once(login, ["ann/x"])
        assert login.guard.begin(attempt, login.now)
        login.guard.failed(attempt, login.now, right=True)


def test_an_attempt_knows_how_long_the_wait_is(login: Login) -> None:
    locked(login)
    login.now += 100
    (attempt,) = at_once(login, ["stranger"])
    login.guard.begin(attempt, login.now)
    assert attempt.wait == 800


@given(st.integers(0, 1000), st.integers(1, 86_400), st.integers(1, 100), st.integers(0, 900))
def test_waits_grow_with_failures_up_to_the_lock(failures: int, lock_for: int, slow_after: int, more: int) -> None:
    limits = GuessingLimits(slow_after, slow_after + more, lock_for)
    assert 0 <= limits.wait(failures) <= limits.wait(failures + 1) <= lock_for


@pytest.mark.slow
@pytest.mark.parametrize("then_waits", [5, 10, 50, 1000], ids=lambda guesses: f"rests after {guesses}")
def test_a_stranger_has_few_guesses_a_day(login: Login, then_waits: int) -> None:
    """The limit in `docs/explanation/security.md`, with or without waiting until failures are forgotten."""
    limits = GuessingLimits()
    login.guard = Guard(login.table, limits)
    end = login.now + 86_400
    guesses = 0
    while login.now < end:
        login.fail(1, client_id=None)
        guesses += 1
        login.now += limits.forget_after if guesses % then_waits == 0 else limits.wait(guesses % then_waits)
    assert guesses <= 105
