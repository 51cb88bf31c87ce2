"""`iot-authorizer users unlock`, and the failures that `show` prints."""

import json

import pytest

from iot_identities.guessing import Guard, GuessingLimits, ids
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import Users

NOW = 1_800_000_000
LIMITS = GuessingLimits()


def fail(users: Users, name: str, client_id: str | None, times: int = LIMITS.lock_after) -> None:
    """Tries wrong passwords one after another, each after its wait."""
    guard = Guard(users.table, LIMITS)
    for number in range(times):
        items = users.table.read(ids(name, client_id))
        guard.failed(guard.attempt(name, client_id, items), NOW + number * 10_000)


def know(users: Users, name: str, client_id: str) -> None:
    """Signs in with a client ID."""
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


@pytest.mark.parametrize(
    ("failed", "known", "command", "typed"),
    [
        (("ann", None), False, "unlock ann", ""),
        (("ann", "ann"), True, "unlock ann", ""),
        (("ann", "ann/phone"), True, "unlock ann --client-id ann/phone", ""),
        (("bob", "kiosk"), False, "unlock ann --client-id kiosk", ""),
        (("ann", "ann"), False, "set-password ann", "battery staple"),
        (("ann", "ann"), False, "rotate ann", "battery staple"),
        (("ann", "ann"), False, "enable ann", ""),
        (("ann", "ann"), False, "set-valid-until ann never", ""),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_a_locked_user_can_sign_in_at_once_after_a_command(
    ann: Users, failed: tuple[str, str | None], known: bool, command: str, typed: str
) -> None:
    name, client_id = failed
    if known:
        know(ann, name, str(client_id))
    fail(ann, name, client_id)
    before = may_try(ann, "ann", client_id)
    ann.done(*command.split(), typed=typed)
    assert (before, may_try(ann, "ann", client_id)) == (False, True)


def test_a_known_client_id_stays_locked_unless_it_is_given(ann: Users) -> None:
    know(ann, "ann", "ann/phone")
    fail(ann, "ann", "ann/phone")
    assert ann("unlock", "ann").stderr == "ann is unlocked\n"
    assert not may_try(ann, "ann", "ann/phone")
    assert ann("unlock", "ann", "--client-id", "ann/phone").stderr == "ann is unlocked, with client ID ann/phone too\n"


def test_other_users_stay_locked(ann: Users) -> None:
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


def test_show_prints_no_failures_after_a_success(ann: Users) -> None:
    guard = Guard(ann.table, LIMITS)
    attempt = guard.attempt("ann", None, {})
    guard.begin(attempt, NOW)
    guard.succeeded(attempt, NOW)
    assert "failures " not in ann.done("show", "ann")


def test_show_prints_failures_as_json(ann: Users) -> None:
    fail(ann, "ann", None, 1)
    assert json.loads(ann.done("show", "ann", "--json"))["failures"] == [{"client_id": None, "times": 1, "last": NOW}]


def test_show_reports_a_malformed_counter(ann: Users) -> None:
    (counter,) = ids("ann", None)
    ann.table.write({"id": counter, "count": "many"})
    done = ann("show", "ann")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: Invalid value for NAME: the failures of ann are malformed: count\n",
    )
