"""Finds, adds and changes users in a table. Two writers at the same time do not lose each other's changes.

1. A change reads the user's item, and writes it only if the stored one still has the same revision. Otherwise another
   writer was faster, and the change begins again with what that one wrote.
2. So the function that makes a change may be called several times, each time with the user as it is now.
3. Each time that a change begins again, another one has succeeded. After MOST_ATTEMPTS, something is wrong.
"""

from collections.abc import Callable

from iot_identities.table import Item, ItemChanged, ItemExists, Table
from iot_identities.user import User, from_item, to_item, user_id

MOST_ATTEMPTS = 20


class UnknownUser(LookupError):
    """The table has no user of this name."""


class UserExists(Exception):
    """The table has a user of this name already."""


class UserKeepsChanging(Exception):
    """Other writers changed the user at each attempt."""


def find_item(table: Table, name: str) -> Item:
    """A user's item. Raises UnknownUser, ValueError for an invalid name, and TableUnavailable, as all functions do."""
    id = user_id(name)
    found = table.read([id]).get(id)
    if found is None:
        raise UnknownUser(name)
    return found


def find_user(table: Table, name: str) -> User:
    """A user. Raises as `find_item` does, and MalformedItem."""
    return from_item(find_item(table, name))


def add_user(table: Table, user: User) -> None:
    """Stores a new user. Raises UserExists, and ValueError for what the table cannot store."""
    try:
        table.write(to_item(user), new=True)
    except ItemExists:
        raise UserExists(user.name) from None


def change_user(table: Table, name: str, how: Callable[[User], User], *, new: User | None = None) -> User:
    """Changes a user, and returns it as it is stored.

    `how` may be called several times. `new` is what it changes if the table has no user of this name. Raises as
    `find_user` and `add_user` do, and UserKeepsChanging.
    """
    for _ in range(MOST_ATTEMPTS):
        try:
            item = find_item(table, name)
        except UnknownUser:
            if new is None:
                raise
            changed = how(new)
            try:
                add_user(table, changed)
            except UserExists:
                continue
            return changed
        changed = how(from_item(item))
        try:
            table.write(to_item(changed), replacing=item)
        except ItemChanged:
            continue
        return changed
    raise UserKeepsChanging(name)
