"""Who fails often waits; and nobody is locked out cheaply."""

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
class Door:
    """A door with a clock, where all passwords are wrong but the right one."""

    folder: Path
    now: int = 1_000_000
    opened: int = 0
    guard: Guard = field(init=False)

    def __post_init__(self) -> None:
        self.table = SqliteTable(self.folder / "identities.sqlite", clock=lambda: self.now)
        self.guard = Guard(self.table, LIMITS)

    def try_password(
        self, principal: str = "ann", client_id: str | None = "ann/x", *, right: bool = False, since: int = 0
    ) -> bool:
        """Whether the password was looked at; it was set at `since`."""
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
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_the_first_failures_cost_no_wait(door: Door) -> None:
    door.fail(3)


def test_the_next_one_waits_a_second(door: Door) -> None:
    door.fail(3)
    assert not door.try_password()
    door.now += 1
    assert door.try_password()


def test_each_wait_is_twice_as_long(door: Door) -> None:
    door.fail(3, client_id=None)
    for wait in (1, 2, 4):
        door.now += wait - 1
        assert not door.try_password(client_id=None)
        door.now += 1
        door.fail(1, client_id=None)


def locked(door: Door, client_id: str = "stranger") -> Door:
    for wait in (0, 0, 0, 1, 2, 4):
        door.now += wait
        door.fail(1, client_id=client_id)
    return door


def test_in_the_end_it_is_locked(door: Door) -> None:
    locked(door)
    door.now += 899
    assert not door.try_password(right=True)


def test_a_lock_ends(door: Door) -> None:
    locked(door)
    door.now += 900
    assert door.try_password(right=True)


def test_attempts_in_a_lock_do_not_lengthen_it(door: Door) -> None:
    locked(door)
    door.now += 450
    door.try_password()
    door.now += 450
    assert door.try_password()


def test_one_failure_after_a_lock_locks_again(door: Door) -> None:
    locked(door)
    door.now += 900
    door.fail(1, client_id="another")
    assert not door.try_password()


def test_failures_are_forgotten(door: Door) -> None:
    locked(door)
    door.now += 3600
    door.fail(3)


def test_principals_that_do_not_exist_are_counted_alike(door: Door) -> None:
    door.fail(3, "nobody")
    assert not door.try_password("nobody")


def test_another_client_id_does_not_help(door: Door) -> None:
    for number in range(3):
        door.fail(1, client_id=f"stranger-{number}")
    assert not door.try_password(client_id="stranger-3")


def test_one_client_id_that_fails_for_many_principals_waits(door: Door) -> None:
    for number in range(3):
        door.fail(1, f"user-{number}")
    assert not door.try_password("user-3", "stranger")


def test_without_a_client_id_only_the_principal_counts(door: Door) -> None:
    for number in range(9):
        door.fail(1, f"user-{number}", None)


def test_strangers_do_not_lock_out_a_client_id_that_has_signed_in(door: Door) -> None:
    door.try_password(right=True)
    locked(door)
    assert door.try_password(right=True)


def test_nor_does_a_client_that_uses_that_client_id_for_other_principals(door: Door) -> None:
    door.try_password(right=True)
    for number in range(3):
        door.fail(1, f"user-{number}", "ann/x")
    assert door.try_password(right=True)


def test_a_client_id_that_has_signed_in_can_be_locked_too(door: Door) -> None:
    door.try_password(right=True)
    locked(door, "ann/x")
    assert not door.try_password(right=True)


def test_its_lock_concerns_no_other_client_id(door: Door) -> None:
    door.try_password(right=True)
    locked(door, "ann/x")
    assert door.try_password(client_id="ann/y", right=True)


def test_a_client_id_that_did_not_sign_in_for_a_month_is_a_stranger(door: Door) -> None:
    door.try_password(right=True)
    door.now += 30 * 86_400
    locked(door)
    assert not door.try_password(right=True)


def test_a_client_id_that_signed_in_29_days_ago_is_known(door: Door) -> None:
    door.try_password(right=True)
    door.now += 29 * 86_400
    locked(door)
    assert door.try_password(right=True)


def test_that_a_client_id_signed_in_is_noted_once_a_day(door: Door) -> None:
    *_, known = ids("ann", "ann/x")
    for _ in range(5):
        door.try_password(right=True)
        door.now += 20_000
    assert door.table.read([known])[known]["count"] == 1


def test_a_client_id_that_signs_in_each_day_stays_known(door: Door) -> None:
    for _ in range(31):
        door.try_password(right=True)
        door.now += 86_400
    locked(door)
    assert door.try_password(right=True)


def test_of_many_suspicious_attempts_at_once_one_goes_on(door: Door) -> None:
    door.fail(3)
    door.now += 1
    read = door.table.read(ids("ann", "ann/x"))
    attempts = [door.guard.attempt("ann", f"ann/{number}", read) for number in range(20)]
    assert [door.guard.begin(attempt, door.now) for attempt in attempts].count(True) == 1


def test_of_many_suspicious_attempts_of_a_known_client_at_once_one_goes_on(door: Door) -> None:
    door.try_password(right=True)
    door.fail(3, client_id="ann/x")
    door.now += 1
    read = door.table.read(ids("ann", "ann/x"))
    attempts = [door.guard.attempt("ann", "ann/x", read) for _ in range(20)]
    assert [door.guard.begin(attempt, door.now) for attempt in attempts].count(True) == 1


def test_of_many_first_attempts_at_once_no_more_go_on_than_one_after_the_other(door: Door) -> None:
    attempts = [door.guard.attempt("ann", f"ann/{number}", {}) for number in range(40)]
    assert [door.guard.begin(attempt, door.now) for attempt in attempts].count(True) == 3


def test_a_success_does_not_forget_the_failures_of_strangers(door: Door) -> None:
    door.fail(3)
    door.try_password(client_id="ann/x", right=True)
    assert not door.try_password(client_id="stranger")


def test_a_success_is_not_a_failure(door: Door) -> None:
    for number in range(20):
        assert door.try_password(client_id=f"ann/{number}", right=True)


def test_without_a_client_id_a_success_is_not_a_failure_either(door: Door) -> None:
    assert all(door.try_password(client_id=None, right=True) for _ in range(20))


def test_after_typing_errors_the_right_password_stays_good(door: Door) -> None:
    """A session is authorized again every few minutes, which must not lock its client out."""
    door.try_password(right=True)
    door.fail(3, client_id="ann/x")
    end = door.now + WEEK
    while door.now < end:
        door.now += 300
        assert door.try_password(right=True)


def test_after_a_lock_has_ended_the_right_password_stays_good(door: Door) -> None:
    door.try_password(right=True)
    locked(door, "ann/x")
    door.now += 900
    assert all(door.try_password(right=True) for _ in range(10))


def test_a_typing_error_now_and_then_locks_no_client_out(door: Door) -> None:
    door.try_password(right=True)
    for _ in range(50):
        door.fail(1, client_id="ann/x")
        door.now += 450
        assert door.try_password(right=True)


def test_a_success_just_after_a_failure_does_not_forget_it(door: Door) -> None:
    """Else somebody with the same client ID could guess anew after each of its refreshes."""
    door.try_password(right=True)
    for _ in range(3):
        door.fail(1, client_id="ann/x")
        door.now += 449
        door.try_password(right=True)
    door.fail(1, client_id="ann/x")
    assert not door.try_password(right=True)


@pytest.mark.parametrize("rests", [0, 1, 5, 10, 1000])
@pytest.mark.parametrize("after", [4, 5, 9, 10])
def test_a_client_with_the_same_client_id_has_few_guesses_a_day(door: Door, after: int, rests: int) -> None:
    """What `docs/explanation/security.md` says, though its owner signs in as often as it is refreshed."""
    limits = GuessingLimits()
    door.guard = Guard(door.table, limits)
    door.try_password(right=True)
    end, guesses, rests_until = door.now + 86_400, 0, 0
    while door.now < end:
        if door.now >= rests_until and door.try_password(client_id="ann/x"):
            guesses += 1
            if guesses % after == 0 and guesses <= after * rests:
                rests_until = door.now + limits.forget_after // 8
        door.try_password(right=True)
        door.now += 60
    assert guesses <= 105


def at_once(door: Door, client_ids: Sequence[str | None]) -> list[Attempt]:
    """Attempts that have all read the table before one of them goes on."""
    return [door.guard.attempt("ann", each, door.table.read(ids("ann", each))) for each in client_ids]


def failures(door: Door, client_id: str | None = None) -> int:
    found = failed_by(door.table, "ann", client_id)
    return found.times if found else 0


def test_right_passwords_at_once_leave_nothing_counted(door: Door) -> None:
    attempts = at_once(door, [None] * 12)
    for attempt, may_go_on in [(each, door.guard.begin(each, door.now)) for each in attempts]:
        if may_go_on:
            door.guard.succeeded(attempt, door.now)
        else:
            door.guard.failed(attempt, door.now)
    assert failures(door) == 0


def test_an_attempt_that_loses_a_race_waits_a_second_and_is_not_counted(door: Door) -> None:
    door.fail(3, client_id=None)
    door.now += 1
    first, second = at_once(door, [None, None])
    assert [door.guard.begin(each, door.now) for each in (first, second)] == [True, False]
    door.guard.succeeded(first, door.now)
    door.guard.failed(second, door.now)
    assert (second.wait, failures(door)) == (1, 3)


def test_a_right_password_takes_back_no_other_attempt(door: Door) -> None:
    (owner,) = at_once(door, [None])
    door.fail(2, client_id=None)
    door.guard.begin(owner, door.now)
    door.guard.succeeded(owner, door.now)
    assert failures(door) == 2


@pytest.mark.parametrize("client_id", [None, "ann/x"])
def test_a_sign_in_leaves_no_counter_that_has_ended(door: Door, client_id: str | None) -> None:
    """In DynamoDB it would take a request more to be counted anew, and tell that the principal exists."""
    door.try_password(client_id=client_id, right=True)
    assert {each["expires_at"] for each in door.table.items("failures#principal#")} == {door.now + LIMITS.forget_after}


def test_sign_ins_do_not_keep_failures_from_being_forgotten(door: Door) -> None:
    door.fail(2, client_id=None)
    for _ in range(4):
        door.now += 1000
        door.try_password(client_id=None, right=True)
    assert failures(door) == 0


def test_a_lock_of_the_principal_does_not_renew_one_of_a_client_id(door: Door) -> None:
    """Nor the other way round: else one who tries on is never looked at again."""
    for number in range(6):
        door.now += 10
        door.fail(1, client_id=f"x{number}")
    end = door.now + 86_400
    looked_at = 0
    while door.now < end:
        door.now += 30
        looked_at += door.try_password(client_id="x")
    assert looked_at >= 86_400 // 930


def test_with_a_new_password_a_client_id_begins_anew(door: Door) -> None:
    door.try_password(right=True)
    locked(door, "ann/x")
    door.now += 1
    changed = door.now
    assert all(door.try_password(right=True, since=changed) for _ in range(3))
    assert door.try_password(since=changed)


def test_right_passwords_that_are_refused_for_another_reason_lock_no_client_out(door: Door) -> None:
    door.try_password(right=True)
    for _ in range(20):
        attempt = door.guard.attempt("ann", "ann/x", door.table.read(ids("ann", "ann/x")))
        assert door.guard.begin(attempt, door.now)
        door.guard.failed(attempt, door.now, right=True)


def test_an_attempt_knows_how_long_the_wait_is(door: Door) -> None:
    locked(door)
    door.now += 100
    attempt = door.guard.attempt("ann", "stranger", door.table.read(ids("ann", "stranger")))
    door.guard.begin(attempt, door.now)
    assert attempt.wait == 800


def test_a_client_id_that_signed_in_with_an_older_password_is_a_stranger(door: Door) -> None:
    door.try_password(right=True)
    locked(door)
    assert not door.try_password(right=True, since=door.now)


@given(st.integers(0, 1000), st.integers(1, 86_400), st.integers(1, 100), st.integers(0, 900))
def test_a_wait_is_never_longer_than_a_lock(failures: int, lock_for: int, slow_after: int, more: int) -> None:
    limits = GuessingLimits(slow_after, slow_after + more, lock_for)
    assert 0 <= limits.wait(failures) <= lock_for


@given(st.integers(0, 999))
def test_more_failures_never_wait_less(failures: int) -> None:
    assert GuessingLimits().wait(failures) <= GuessingLimits().wait(failures + 1)


@pytest.mark.parametrize("then_waits", [5, 10, 50, 1000], ids=lambda guesses: f"rests after {guesses}")
def test_a_stranger_has_few_guesses_a_day(door: Door, then_waits: int) -> None:
    """What `security.md` says of the default limits, whether one guesses on or waits until all is forgotten."""
    limits = GuessingLimits()
    door.guard = Guard(door.table, limits)
    end = door.now + 86_400
    guesses = 0
    while door.now < end:
        door.fail(1, client_id=None)
        guesses += 1
        door.now += limits.forget_after if guesses % then_waits == 0 else limits.wait(guesses % then_waits)
    assert guesses <= 105
