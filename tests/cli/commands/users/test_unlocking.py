"""`iot-authorizer users unlock`, and what `show` tells of wrong passwords."""

import json

import pytest

from iot_identities.guessing import Guard, GuessingLimits, ids
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import Users

NOW = 1_800_000_000
LIMITS = GuessingLimits()


def fail(users: Users, name: str, client_id: str | None, times: int = LIMITS.lock_after) -> None:
    """Wrong passwords, one after the other, each after its wait."""
    guard = Guard(users.table, LIMITS)
    for number in range(times):
        items = users.table.read(ids(name, client_id))
        guard.failed(guard.attempt(name, client_id, items), NOW + number * 10_000)


def know(users: Users, name: str, client_id: str) -> None:
    """The client ID signs in."""
    guard = Guard(users.table, LIMITS)
    guard.succeeded(guard.attempt(name, client_id, {}), NOW)


def may_try(users: Users, name: str, client_id: str | None) -> bool:
    guard = Guard(users.table, LIMITS)
    items = users.table.read(ids(name, client_id))
    return guard.begin(guard.attempt(name, client_id, items), NOW + 10_000 * (LIMITS.lock_after - 1) + 1)


@pytest.fixture
def ann(users_anywhere: Users) -> Users:
    users_anywhere.table.write(to_item(User("ann")))
    return users_anywhere


def test_a_user_that_unknown_clients_locked_may_try_again(ann: Users) -> None:
    fail(ann, "ann", None)
    before = may_try(ann, "ann", None)
    assert ann("unlock", "ann").stderr == "ann is unlocked\n"
    assert (before, may_try(ann, "ann", None)) == (False, True)


def test_a_known_client_that_is_locked_may_try_again_where_it_is_named(ann: Users) -> None:
    know(ann, "ann", "ann/phone")
    fail(ann, "ann", "ann/phone")
    ann.done("unlock", "ann")
    before = may_try(ann, "ann", "ann/phone")
    assert ann("unlock", "ann", "--client-id", "ann/phone").stderr == "ann is unlocked, with client ID ann/phone too\n"
    assert (before, may_try(ann, "ann", "ann/phone")) == (False, True)


def test_a_device_with_its_name_as_client_id_may_try_again(ann: Users) -> None:
    know(ann, "ann", "ann")
    fail(ann, "ann", "ann")
    before = may_try(ann, "ann", "ann")
    ann.done("unlock", "ann")
    assert (before, may_try(ann, "ann", "ann")) == (False, True)


@pytest.mark.parametrize("command", ["set-password", "rotate", "enable", "set-valid-until"])
def test_a_user_that_may_sign_in_again_may_at_once(ann: Users, command: str) -> None:
    fail(ann, "ann", "ann")
    before = may_try(ann, "ann", "ann")
    ann.done(command, "ann", *(["never"] if command == "set-valid-until" else []), typed="battery staple")
    assert (before, may_try(ann, "ann", "ann")) == (False, True)


def test_a_client_id_that_failed_for_others_may_try_again_where_it_is_named(ann: Users) -> None:
    fail(ann, "bob", "kiosk")
    before = may_try(ann, "ann", "kiosk")
    ann.done("unlock", "ann", "--client-id", "kiosk")
    assert (before, may_try(ann, "ann", "kiosk")) == (False, True)


def test_others_stay_locked(ann: Users) -> None:
    fail(ann, "bob", None)
    ann.done("unlock", "ann")
    assert not may_try(ann, "bob", None)


def test_an_unknown_user_cannot_be_unlocked(users: Users) -> None:
    done = users("unlock", "bob")
    assert (done.returncode, done.stderr) == (2, "iot-authorizer: Invalid value for NAME: no user bob\n")


def test_show_prints_failures_of_unknown_clients_and_of_a_client(ann: Users) -> None:
    know(ann, "ann", "ann/phone")
    fail(ann, "ann", "ann/phone", 2)
    fail(ann, "ann", None, 3)
    shown = ann.done("show", "ann", "--client-id", "ann/phone").splitlines()
    assert [line for line in shown if line.startswith("failures")] == [
        "failures     3 by unknown client IDs, the last at 2027-01-15 13:33:20Z",
        "failures     2 with client ID ann/phone, the last at 2027-01-15 10:46:40Z",
    ]


def test_show_tells_of_no_failures_where_all_were_taken_back(ann: Users) -> None:
    guard = Guard(ann.table, LIMITS)
    attempt = guard.attempt("ann", None, {})
    guard.begin(attempt, NOW)
    guard.succeeded(attempt, NOW)
    assert "failures " not in ann.done("show", "ann")


def test_show_for_programs_tells_it_too(ann: Users) -> None:
    fail(ann, "ann", None, 1)
    assert json.loads(ann.done("show", "ann", "--json"))["failures"] == [{"client_id": None, "times": 1, "last": NOW}]


def test_show_tells_of_a_counter_that_is_none(ann: Users) -> None:
    (counter,) = ids("ann", None)
    ann.table.write({"id": counter, "count": "many"})
    done = ann("show", "ann")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: Invalid value for NAME: the failures of ann are malformed: count\n",
    )
