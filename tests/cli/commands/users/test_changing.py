"""`iot-authorizer users add`, `set-password`, `rotate` and the like."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from iot_authorizer_cli.commands.users import storing
from iot_identities.passwords import verify_password
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item
from iot_identities.user import User, from_item, to_item, user_id
from tests.cli.commands.users.conftest import Users

DAY = 86_400
FIRST, SECOND = "correct horse", "battery staple"


def fitting(user: User, *passwords: str) -> list[bool]:
    """For each stored password, whether it is the one given."""
    return [verify_password(stored.hash, each.encode()) for stored, each in zip(user.passwords, passwords, strict=True)]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_a_password_is_read_from_standard_input_without_its_lines_end(users: Users, end: str) -> None:
    users.done("add", "ann", typed=FIRST + end)
    assert fitting(users.stored("ann"), FIRST) == [True]


def test_a_password_may_be_any_bytes(users: Users) -> None:
    users.done("add", "ann", typed=b"\xff" * 8)
    assert verify_password(users.stored("ann").passwords[0].hash, b"\xff" * 8)


def test_a_user_of_any_table_has_the_claims_that_it_was_given(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", "--claims", '{"rooms": ["lobby"], "level": 1.5}', typed=FIRST)
    assert users_anywhere.stored("ann").claims == {"rooms": ["lobby"], "level": 1.5}


def test_a_generated_password_is_all_of_standard_output(users: Users) -> None:
    made = users.done("add", "ann", "--generate").removesuffix("\n")
    assert (len(made), fitting(users.stored("ann"), made)) == (32, [True])


def test_a_generated_password_is_stored_as_not_guessable(users: Users) -> None:
    users.done("add", "ann", "--generate")
    assert not users.stored("ann").guessable(0)


def test_a_chosen_password_is_stored_as_guessable(users: Users) -> None:
    users.done("add", "ann", typed=FIRST)
    assert users.stored("ann").guessable(0)


def test_a_user_may_have_only_claims(users: Users) -> None:
    users.done("add", "ann", "--no-password", "--claims", '{"role": "admin"}')
    assert users.stored("ann").passwords == ()


def test_a_user_is_valid_for_as_long_as_it_is_said(users: Users) -> None:
    before = int(time.time())
    users.done("add", "ann", "--no-password", "--valid-for", "90d")
    assert before + 90 * DAY <= (users.stored("ann").valid_until or 0) <= time.time() + 90 * DAY


def test_an_existing_user_is_not_added_again(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", typed=FIRST)
    done = users_anywhere("add", "ann", typed=SECOND)
    assert (done.returncode, "user ann already exists: users set-password" in done.stderr) == (2, True)
    assert fitting(users_anywhere.stored("ann"), FIRST) == [True]


def test_two_writers_do_not_add_one_user_twice(users: Users) -> None:
    storing.add(users.table, User("ann"))
    with pytest.raises(typer.BadParameter, match="user ann already exists"):
        storing.add(users.table, User("ann", disabled=True))


ENDS = {"never": None, "2027-12-31": 1830211200, "2027-12-31T18:00:00+01:00": 1830272400, "1830211200": 1830211200}


@pytest.mark.parametrize(("text", "end"), ENDS.items(), ids=ENDS)
def test_a_user_is_valid_until_another_time(users: Users, text: str, end: int | None) -> None:
    users.table.write(to_item(User("ann", valid_until=1800000000)))
    users.done("set-valid-until", "ann", text)
    assert users.stored("ann").valid_until == end


def test_it_says_until_when_a_user_is_valid(users: Users) -> None:
    users.table.write(to_item(User("ann")))
    assert users("set-valid-until", "ann", "2027-12-31").stderr == "ann expires: 2027-12-31 00:00:00Z\n"


@pytest.mark.parametrize("text", ["", "tomorrow", "90d", "2027-13-01", "2027-12-31T18:00:00", "Never"])
def test_a_time_that_is_none_changes_nothing(users: Users, text: str) -> None:
    users.table.write(to_item(User("ann", valid_until=1800000000)))
    done = users("set-valid-until", "ann", text)
    assert (done.returncode, "Invalid value for TIME: expected a date" in done.stderr) == (2, True)
    assert users.stored("ann").valid_until == 1800000000


def test_a_first_password_by_rotation_keeps_none_before(users: Users) -> None:
    users.table.write(to_item(User("ann")))
    assert users("rotate", "ann", typed=FIRST).stderr == "ann has a new password\n"


@pytest.mark.parametrize(("command", "done"), [("disable", "ann is disabled"), ("remove", "removed ann")])
def test_disabled_and_removed_users_may_still_be_connected(users: Users, command: str, done: str) -> None:
    users.table.write(to_item(User("ann")))
    told = users(command, "ann", *(["--yes"] if command == "remove" else [])).stderr
    assert told == (
        f"{done}; its clients stay connected until their next refresh, or until iot-authorizer revoke principal ann\n"
    )


def test_enabling_an_expired_user_says_that_it_is_expired(users: Users) -> None:
    users.table.write(to_item(User("ann", disabled=True, valid_until=1)))
    assert users("enable", "ann").stderr == (
        "ann is enabled, but it expired at 1970-01-01 00:00:01Z: users set-valid-until changes that\n"
    )


def test_another_password_takes_the_place_of_all(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", typed=FIRST)
    users_anywhere.done("rotate", "ann", typed=SECOND)
    made = users_anywhere.done("set-password", "ann", "--generate").strip()
    assert fitting(users_anywhere.stored("ann"), made) == [True]


def test_after_a_rotation_both_passwords_are_valid(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", typed=FIRST)
    made = users_anywhere.done("rotate", "ann", "--generate").strip()
    assert fitting(users_anywhere.stored("ann"), made, FIRST) == [True, True]


def test_after_a_rotation_the_one_before_ends_when_it_is_said(users: Users) -> None:
    users.done("add", "ann", typed=FIRST)
    before = int(time.time())
    users.done("rotate", "ann", "--keep-for", "12h", typed=SECOND)
    new, old = users.stored("ann").passwords
    assert new.expires_at is None
    assert before + DAY // 2 <= (old.expires_at or 0) <= time.time() + DAY // 2


def test_a_rotation_says_until_when_the_previous_password_is_valid(users: Users) -> None:
    users.done("add", "ann", typed=FIRST)
    told = users("rotate", "ann", typed=SECOND).stderr
    expires_at = users.stored("ann").passwords[1].expires_at
    assert told == (
        f"ann has a new password; the previous one is valid until {time.strftime('%F %TZ', time.gmtime(expires_at))}\n"
    )


def test_a_user_is_disabled_and_enabled_with_all_that_it_has(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", typed=FIRST)
    before = users_anywhere.stored("ann")
    users_anywhere.done("disable", "ann")
    assert users_anywhere.stored("ann") == replace(before, disabled=True)
    users_anywhere.done("enable", "ann")
    assert users_anywhere.stored("ann") == before


def test_claims_are_replaced_as_a_whole(users: Users) -> None:
    users.done("add", "ann", "--no-password", "--claims", '{"a": 1}')
    users.done("set-claims", "ann", '{"b": 2}')
    assert users.stored("ann").claims == {"b": 2}


def test_a_user_is_removed(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", "--no-password")
    users_anywhere.done("remove", "ann", "--yes")
    assert users_anywhere.names() == []


def test_without_a_terminal_nothing_is_removed_unasked(users: Users) -> None:
    users.done("add", "ann", "--no-password")
    done = users("remove", "ann", typed="y\n")
    assert (done.returncode, "--yes" in done.stderr, users.names()) == (2, True, ["ann"])


class Busy(SqliteTable):
    """A table in which somebody else disables the user whenever it was read."""

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
    busy.times = 2
    with pytest.raises(typer.BadParameter, match="another writer keeps changing ann"):
        storing.change(busy, "ann", lambda user: replace(user, claims={"a": 1}))
