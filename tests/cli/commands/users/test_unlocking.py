"""`iot-authorizer users unlock`, and the failures that `show` prints."""

import json
import time

import pytest

from iot_identities.guessing import Guard, GuessingLimits, attempt, ids
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import Users

NOW = 4_000_000_000
LIMITS = GuessingLimits()


def fail(users: Users, name: str, client_id: str | None, times: int = LIMITS.lock_after) -> None:
    """Tries wrong passwords."""
    assert all(may_try(users, name, client_id) for _ in range(times))


def may_try(users: Users, name: str, client_id: str | None) -> bool:
    """Whether a password is looked at; the attempt stays counted."""
    items = users.table.read(ids(name, client_id))
    return Guard(users.table, LIMITS).begin(attempt(name, client_id, items, NOW), NOW) is None


def know(users: Users, name: str, client_id: str | None, now: int = NOW) -> None:
    """Signs in with a client ID."""
    guard, found = Guard(users.table, LIMITS), attempt(name, client_id, {}, now)
    guard.begin(found, now)
    guard.succeeded(found, now)


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
        know(ann, name, client_id)
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
        "failures     by unknown client IDs, all forgotten at 2096-10-02 07:51:40Z",
        "failures     with client ID ann/phone, all forgotten at 2096-10-02 07:36:40Z",
    ]


def test_show_prints_no_failures_after_a_success(ann: Users) -> None:
    know(ann, "ann", None, int(time.time()))
    assert "failures " not in ann.done("show", "ann")


def test_show_prints_failures_as_json(ann: Users) -> None:
    fail(ann, "ann", None, 1)
    assert json.loads(ann.done("show", "ann", "--json"))["failures"] == [{"client_id": None, "forgotten_at": NOW + 900}]


def test_show_reports_a_malformed_counter(ann: Users) -> None:
    (counter,) = ids("ann", None)
    ann.table.write({"id": counter})
    done = ann("show", "ann")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: Invalid value for NAME: the failures of ann are malformed: expires_at\n",
    )
