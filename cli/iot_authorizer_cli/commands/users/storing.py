"""Finds, adds and changes users in the table, for the subcommands of `iot-authorizer users`.

Two writers at the same time do not lose each other's changes.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from iot_authorizer_cli.options import usage_errors
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, ItemChanged, ItemExists, Table
from iot_identities.user import User, from_item, to_item, user_id
from iot_policies.errors import printable

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.", show_default=False)]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", metavar="ID", help="Include this client ID's failures; repeatable.")
]


def problem(text: str) -> typer.BadParameter:
    """A usage error about the user name."""
    return typer.BadParameter(text, param_hint="NAME")


def find_item(table: Table, name: str) -> Item:
    """A user's item. Raises a usage error if there is none."""
    with usage_errors("NAME"):
        id = user_id(name)
        found = table.read([id]).get(id)
    if found is None:
        raise problem(f"no user {printable(name)}")
    return found


def user_of(item: Item, name: str) -> User:
    """The user of an item. Raises a usage error if it is malformed."""
    try:
        return from_item(item)
    except MalformedItem as error:
        raise problem(f"the item of {printable(name)} is malformed: {error}") from None


def require_new(table: Table, name: str) -> None:
    """Raises a usage error if the user exists."""
    id = user_id(name)
    if id in table.read([id]):
        raise _is_there(name)


def add(table: Table, user: User) -> None:
    """Stores a new user. Raises a usage error if the name is taken."""
    try:
        table.write(to_item(user), new=True)
    except ItemExists:
        raise _is_there(user.name) from None


def change(table: Table, name: str, how: Callable[[User], User]) -> User:
    """Changes a user; tries again once if another writer changed it meanwhile. Raises a usage error."""
    for _ in range(2):
        item = find_item(table, name)
        changed = how(user_of(item, name))
        try:
            table.write(to_item(changed), replacing=item)
        except ItemChanged:
            continue
        except ValueError as error:
            raise problem(f"the table cannot store this: {error}") from None
        return changed
    raise problem(f"another writer keeps changing {printable(name)}: check it with users show, then try again")


def _is_there(name: str) -> typer.BadParameter:
    return problem(f"user {printable(name)} already exists: users set-password replaces its password")
