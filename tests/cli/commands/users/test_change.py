"""`iot-authorizer users add`, `set-password`, `rotate` and the other subcommands that change one user."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from iot_authorizer_cli.commands.users import storing
from iot_identities.changing import MOST_ATTEMPTS
from iot_identities.passwords import verify_password
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item
from iot_identities.user import User, from_item, to_item, user_id
from tests.cli.commands.users.conftest import Users

DAY = 86_400
FIRST, SECOND = "correct horse", "battery staple"


def verified(user: User, *passwords: str) -> list[bool]:
    """For each stored password, whether it is the given one."""
    return [verify_password(stored.hash, each.encode()) for stored, each in zip(user.passwords, passwords, strict=True)]


def test_a_user_of_any_table_is_added_changed_and_removed(users_anywhere: Users) -> None:
    users = users_anywhere
    users.done("add", "ann", "--claims", '{"rooms": ["lobby"], "level": 1.5}', typed=FIRST)
    assert users.stored("ann").claims == {"rooms": ["lobby"], "level": 1.5}
    again = users("add", "ann", typed=SECOND)
    assert (again.returncode, "user ann already exists: users set-password" in again.stderr) == (2, True)
    assert verified(users.stored("ann"), FIRST) == [True]
    made = users.done("rotate", "ann", "--generate").strip()
    before = users.stored("ann")
    assert verified(before, made, FIRST) == [True, True]
    users.done("disable", "ann")
    assert users.stored("ann") == replace(before, disabled=True)
    users.done("enable", "ann")
    assert users.stored("ann") == before
    made = users.done("set-password", "ann", "--generate").strip()
    assert verified(users.stored("ann"), made) == [True]
    users.done("set-claims", "ann", '{"b": 2}')
    assert users.stored("ann").claims == {"b": 2}
    users.done("remove", "ann", "--yes")
    assert users.names() == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_a_chosen_password_is_read_without_its_line_end_and_is_guessable(users: Users, end: str) -> None:
    users.done("add", "ann", typed=FIRST + end)
    user = users.stored("ann")
    assert (verified(user, FIRST), user.guessable(0)) == ([True], True)


def test_a_password_can_be_any_bytes(users: Users) -> None:
    users.done("add", "ann", typed=b"\xff" * 8)
    assert verify_password(users.stored("ann").passwords[0].hash, b"\xff" * 8)


def test_a_generated_password_is_the_whole_of_standard_output_and_not_guessable(users: Users) -> None:
    made = users.done("add", "ann", "--generate").removesuffix("\n")
    user = users.stored("ann")
    assert (len(made), verified(user, made), user.guessable(0)) == (32, [True], False)


def test_a_user_can_have_only_claims_and_expire(users: Users) -> None:
    before = int(time.time())
    users.done("add", "ann", "--no-password", "--valid-for", "90d")
    user = users.stored("ann")
    assert user.passwords == ()
    assert before + 90 * DAY <= (user.valid_until or 0) <= time.time() + 90 * DAY


def test_two_writers_do_not_add_a_user_twice(users: Users) -> None:
    storing.add(users.table, User("ann"))
    with pytest.raises(typer.BadParameter, match="user ann already exists"):
        storing.add(users.table, User("ann", disabled=True))


ENDS = {
    "never": (None, "never"),
    "2027-12-31": (1830211200, "2027-12-31 00:00:00Z"),
    "2027-12-31T18:00:00+01:00": (1830272400, "2027-12-31 17:00:00Z"),
    "1830211200": (1830211200, "2027-12-31 00:00:00Z"),
}


@pytest.mark.parametrize(("text", "end", "shown"), [(text, *end) for text, end in ENDS.items()], ids=ENDS)
def test_the_time_at_which_a_user_expires_is_set_and_printed(
    users: Users, text: str, end: int | None, shown: str
) -> None:
    users.table.write(to_item(User("ann", valid_until=1800000000)))
    assert users("set-valid-until", "ann", text).stderr == f"ann expires: {shown}\n"
    assert users.stored("ann").valid_until == end


@pytest.mark.parametrize("text", ["", "tomorrow", "90d", "2027-13-01", "2027-12-31T18:00:00", "Never"])
def test_an_invalid_time_changes_nothing(users: Users, text: str) -> None:
    users.table.write(to_item(User("ann", valid_until=1800000000)))
    done = users("set-valid-until", "ann", text)
    assert (done.returncode, "Invalid value for TIME: expected a date" in done.stderr) == (2, True)
    assert users.stored("ann").valid_until == 1800000000


MESSAGES = {
    "rotate": (User("ann"), "ann has a new password\n"),
    "disable": (
        User("ann"),
        "ann is disabled; its clients stay connected until their next refresh, or until iot-authorizer revoke "
        "principal ann\n",
    ),
    "remove --yes": (
        User("ann"),
        "removed ann; its clients stay connected until their next refresh, or until iot-authorizer revoke "
        "principal ann\n",
    ),
    "enable": (
        User("ann", disabled=True, valid_until=1),
        "ann is enabled, but it expired at 1970-01-01 00:00:01Z: users set-valid-until changes that\n",
    ),
}


@pytest.mark.parametrize(("command", "user", "message"), [(key, *each) for key, each in MESSAGES.items()], ids=MESSAGES)
def test_a_change_says_what_it_does_not_change(users: Users, command: str, user: User, message: str) -> None:
    users.table.write(to_item(user))
    name, *options = command.split()
    assert users(name, "ann", *options, typed=FIRST).stderr == message


def test_a_rotation_keeps_the_previous_password_for_a_while_and_says_until_when(users: Users) -> None:
    users.done("add", "ann", typed=FIRST)
    before = int(time.time())
    told = users("rotate", "ann", "--keep-for", "12h", typed=SECOND).stderr
    new, old = users.stored("ann").passwords
    assert new.expires_at is None
    assert before + DAY // 2 <= (old.expires_at or 0) <= time.time() + DAY // 2
    end = time.strftime("%F %TZ", time.gmtime(old.expires_at))
    assert told == f"ann has a new password; the previous one is valid until {end}\n"


def test_without_a_terminal_a_user_is_only_removed_with_yes(users: Users) -> None:
    users.done("add", "ann", "--no-password")
    done = users("remove", "ann", typed="y\n")
    assert (done.returncode, "--yes" in done.stderr, users.names()) == (2, True, ["ann"])


class Busy(SqliteTable):
    """A table in which another writer disables the user after each read."""

    times = 1

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        if self.times:
            self.times -= 1
            (before,) = self.read([str(item["id"])]).values()
            super().write(to_item(replace(from_item(before), disabled=True)), replacing=before)
        super().write(item, replacing=replacing, new=new)


@pytest.fixture
def busy(tmp_path: Path) -> Busy:
    SqliteTable(tmp_path / "table").write(to_item(User("ann")))
    return Busy(tmp_path / "table")


def test_two_writers_of_one_user_do_not_lose_changes(busy: Busy) -> None:
    storing.change(busy, "ann", lambda user: replace(user, claims={"a": 1}))
    changed = from_item(busy.read([user_id("ann")])[user_id("ann")])
    assert (changed.disabled, changed.claims) == (True, {"a": 1})


def test_a_writer_that_is_always_faster_is_reported(busy: Busy) -> None:
    busy.times = MOST_ATTEMPTS
    with pytest.raises(typer.BadParameter, match="another writer keeps changing ann"):
        storing.change(busy, "ann", lambda user: replace(user, claims={"a": 1}))
