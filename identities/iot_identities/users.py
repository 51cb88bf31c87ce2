"""Finds, adds and changes users in a table. Two writers at the same time do not lose each other's changes."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from iot_identities.changing import change_item
from iot_identities.table import Item, ItemExists, Table
from iot_identities.user import CLAIMS, User, claims_of, from_item, to_item, user_id, written_claims

Claims = Mapping[str, object]


class UnknownUser(LookupError):
    """The table has no user of this name."""


class UserExists(Exception):
    """The table has a user of this name already."""


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

    `how` may be called several times. `new` is what it changes if the table has no user of this name; without it,
    raises UnknownUser. Raises MalformedItem, ItemKeepsChanging, and ValueError for what the table cannot store.
    """

    def changed(item: Item | None) -> Item:
        before = new if item is None else from_item(item)
        if before is None:
            raise UnknownUser(name)
        return to_item(how(before))

    return from_item(change_item(table, user_id(name), changed))


def read_claims(table: Table, name: str) -> Claims:
    """A user's claims. Reads no passwords. Raises UnknownUser and MalformedItem."""
    item = table.read_part(user_id(name), (CLAIMS,))
    if item is None:
        raise UnknownUser(name)
    return claims_of(item)


def change_claims(table: Table, name: str, how: Callable[[Claims], Claims], *, new: User | None = None) -> Claims:
    """Changes a user's claims, and returns them. Reads and writes nothing else of a user that exists.

    As `change_user` otherwise.
    """

    def changed(item: Item | None) -> Item:
        if item is not None:
            return {"id": item["id"], CLAIMS: written_claims(how(claims_of(item)))}
        if new is None:
            raise UnknownUser(name)
        return to_item(replace(new, claims=how(new.claims)))

    return claims_of(change_item(table, user_id(name), changed, part=(CLAIMS,)))
