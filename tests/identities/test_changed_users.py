"""Changes of users, on both tables: none is lost, and what is wrong is said."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from iot_identities.changing import ItemKeepsChanging
from iot_identities.table import Table
from iot_identities.user import User, to_item
from iot_identities.users import UnknownUser, UserExists, add_user, change_user, find_item, find_user
from tests.clock import Clock
from tests.identities.conftest import OpenTable

WRITERS = 8


@pytest.fixture
def table(open_table: OpenTable) -> Table:
    return open_table()


def joining(room: str) -> Callable[[User], User]:
    """Adds a room to a user's claims."""

    def how(user: User) -> User:
        rooms = user.claims.get("rooms", [])
        assert isinstance(rooms, list)
        return replace(user, claims={**user.claims, "rooms": [*rooms, room]})

    return how


@pytest.mark.parametrize("exists", [True, False])
def test_writers_at_the_same_time_do_not_lose_changes_of_each_other(open_table: OpenTable, exists: bool) -> None:
    if exists:
        add_user(open_table(), User("ann", claims={"role": "guest"}))
    names = [f"room-{number}" for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda room: change_user(open_table(), "ann", joining(room), new=User("ann")), names))
    claims = find_user(open_table(), "ann").claims
    assert sorted(claims["rooms"]) == names  # type: ignore[call-overload]
    assert claims.get("role") == ("guest" if exists else None)


def test_a_change_keeps_all_that_it_does_not_change(table: Table) -> None:
    ann = User("ann", claims={"role": "guest"}, disabled=True, valid_until=2_000_000_000, created_at=1, rotated_at=2)
    add_user(table, ann)
    changed = change_user(table, "ann", joining("attic"))
    assert changed == find_user(table, "ann") == replace(ann, claims={"role": "guest", "rooms": ["attic"]})


def test_a_user_that_is_missing_or_exists_already_is_an_error(table: Table) -> None:
    with pytest.raises(UnknownUser):
        change_user(table, "ann", joining("attic"))
    add_user(table, User("ann"))
    with pytest.raises(UserExists):
        add_user(table, User("ann", disabled=True))
    assert find_user(table, "ann").disabled is False


def test_a_change_that_another_writer_always_overtakes_ends(table: Table) -> None:
    add_user(table, User("ann"))

    def overtaken(user: User) -> User:
        table.write(to_item(user), replacing=find_item(table, "ann"))
        return replace(user, disabled=True)

    with pytest.raises(ItemKeepsChanging):
        change_user(table, "ann", overtaken)
    assert find_user(table, "ann").disabled is False


def test_a_change_of_a_user_that_is_deleted_and_added_again_meanwhile_begins_again(
    open_table: OpenTable, clock: Clock
) -> None:
    """The new user must get nothing of the old one of this name, such as its claims or its passwords."""
    table, other = open_table(), open_table()
    add_user(table, User("ann", claims={"role": "admin"}))
    seen: list[object] = []

    def how(user: User) -> User:
        seen.append(user.claims)
        if len(seen) == 1:
            other.delete("user#ann")
            clock.now += 0.001
            add_user(other, User("ann", claims={"role": "guest"}))
        return joining("attic")(user)

    assert change_user(table, "ann", how).claims == {"role": "guest", "rooms": ["attic"]}
    assert seen == [{"role": "admin"}, {"role": "guest"}]
