"""Finds, adds and changes users in the table, for the subcommands of `iot-authorizer users`.

Two writers at the same time do not lose each other's changes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from iot_authorizer_cli.options import usage_errors
from iot_identities import users
from iot_identities.changing import ItemKeepsChanging
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table
from iot_identities.user import User, from_item, user_id
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
    with usage_errors("NAME"), _explained(name):
        return users.find_item(table, name)


def user_of(item: Item, name: str) -> User:
    """The user of an item. Raises a usage error if it is malformed."""
    with _explained(name):
        return from_item(item)


def require_new(table: Table, name: str) -> None:
    """Raises a usage error if the user exists."""
    id = user_id(name)
    if id in table.read([id]):
        raise _is_there(name)


def add(table: Table, user: User) -> None:
    """Stores a new user. Raises a usage error if the name is taken."""
    try:
        users.add_user(table, user)
    except users.UserExists:
        raise _is_there(user.name) from None


def change(table: Table, name: str, how: Callable[[User], User]) -> User:
    """Changes a user. Raises a usage error."""
    with usage_errors("NAME"):
        user_id(name)
    try:
        with _explained(name):
            return users.change_user(table, name, how)
    except ValueError as error:
        raise problem(f"the table cannot store this: {error}") from None


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what is wrong with a user into usage errors."""
    try:
        yield
    except users.UnknownUser:
        raise problem(f"no user {printable(name)}") from None
    except MalformedItem as error:
        raise problem(f"the item of {printable(name)} is malformed: {error}") from None
    except ItemKeepsChanging:
        advice = "check it with users show, then try again"
        raise problem(f"another writer keeps changing {printable(name)}: {advice}") from None


def _is_there(name: str) -> typer.BadParameter:
    return problem(f"user {printable(name)} already exists: users set-password replaces its password")
