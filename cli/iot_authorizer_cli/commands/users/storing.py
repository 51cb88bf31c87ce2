"""Finds, adds and changes users in the table. Two writers at the same time do not lose each other's changes."""

import secrets
import sys
from collections.abc import Callable

import typer

from iot_authorizer_cli.commands.users.rules import check_chosen
from iot_authorizer_cli.prompts import at_terminal, read_password
from iot_identities.passwords import hash_password
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, ItemChanged, ItemExists, Table
from iot_identities.user import StoredPassword, User, from_item, to_item, user_id
from iot_policies.errors import printable

_RANDOM_BYTES = 24


def problem(text: str) -> typer.BadParameter:
    """A usage error about the user name."""
    return typer.BadParameter(text, param_hint="NAME")


def find_item(table: Table, name: str) -> Item:
    """A user's item. Raises a usage error if there is none."""
    try:
        id = user_id(name)
        found = table.read([id]).get(id)
    except ValueError as error:
        raise problem(str(error)) from None
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


def made_password() -> str:
    """Generates a password of 192 random bits."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_password(name: str, now: int, *, generate: bool) -> tuple[StoredPassword, str | None]:
    """A password for a user, and its text if it was generated. Raises a usage error for a weak one."""
    if generate:
        made = made_password()
        return StoredPassword(hash_password(made), created_at=now, generated=True), made
    return StoredPassword(hash_password(_chosen_password(name)), created_at=now), None


def _chosen_password(name: str) -> bytes:
    """Prompts again at a terminal if the password is too weak."""
    for asks_again in (True, True, False):
        chosen = read_password()
        try:
            check_chosen(chosen, name)
        except ValueError as error:
            if not (asks_again and at_terminal()):
                raise typer.BadParameter(f"{error}; --generate generates one", param_hint="password") from None
            typer.echo(f"{error}: choose another password", err=True)
        else:
            break
    return chosen


def hand_out(made: str | None) -> None:
    """Prints a generated password. It is printed before it is stored, so that no stored password is lost.

    Raises a usage error if standard output is closed, and OSError.
    """
    if made is None:
        return
    if sys.stdout is None:
        raise typer.BadParameter("standard output is closed, so the password would be lost", param_hint="--generate")
    typer.echo(made)
    sys.stdout.flush()


def _is_there(name: str) -> typer.BadParameter:
    return problem(f"user {printable(name)} already exists: users set-password replaces its password")
