"""`iot-authorizer users add|set-password|rotate|set-claims|disable|enable|remove`."""

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from identities import guessing
from identities.user import StoredPassword, User
from local.arguments import duration
from local.development import DATA
from local.identity_table import open_table
from local.times import as_text
from local.users import storing
from local.users.options import ClientIds, DataFolder, Generate, Name, TableName
from local.users.rules import checked_name, parsed_claims
from policies.errors import printable

_LONGEST = "36500d"


def register(app: typer.Typer) -> None:
    """Adds the commands to a command line."""
    for name, command, short_help, example in (
        ("add", add, "Add a user.", "add pump-7 --generate"),
        ("set-password", set_password, "Give a user another password, at once.", "set-password pump-7"),
        ("rotate", rotate, "Give a user a new password beside the one before.", "rotate pump-7 --generate"),
        ("set-claims", set_claims, "Give a user other claims.", 'set-claims pump-7 \'{"role": "device"}\''),
        ("disable", disable, "Let a user in no more.", "disable pump-7"),
        ("enable", enable, "Let a user in again.", "enable pump-7"),
        ("unlock", unlock, "Forget wrong passwords, so that nobody waits.", "unlock ann --client-id ann/phone"),
        ("remove", remove, "Remove a user.", "remove pump-7"),
    ):
        app.command(name, short_help=short_help, epilog=f"\b\nExample: iot-authorizer users {example}")(command)


def add(
    name: Name,
    claims: Annotated[str, typer.Option(metavar="JSON", help="The user's claims.")] = "{}",
    valid_for: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when it is let in: 12h, 90d. For ever unless given.")
    ] = None,
    generate: Generate = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only claims, for a principal that brings tokens.")
    ] = False,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Add a user. The password is asked for twice; where standard input is no terminal, it is what stands there.

    With --generate it is made of 192 random bits and printed, alone on standard output: nobody can show it again.
    """
    if generate and no_password:
        raise typer.BadParameter("either of them", param_hint="--generate, --no-password")
    found_claims = _claims(claims, "--claims")
    lifetime = None if valid_for is None else duration(valid_for, "--valid-for", _LONGEST, "1s")
    try:
        checked_name(name)
    except ValueError as error:
        raise storing.problem(str(error)) from None
    opened = open_table(table, data)
    storing.require_new(opened, name)
    passwords: tuple[StoredPassword, ...] = ()
    made = None
    now = int(time.time())
    if not no_password:
        password, made = storing.new_password(name, now, generate=generate)
        passwords = (password,)
    valid_until = None if lifetime is None else now + lifetime
    storing.add(opened, User(name, passwords, found_claims, False, valid_until, created_at=now, rotated_at=now))
    _tell(f"added {name}", made)


def set_password(name: Name, generate: Generate = False, table: TableName = None, data: DataFolder = DATA) -> None:
    """Give a user another password. All those before are valid no more, from now on."""
    opened = open_table(table, data)
    storing.find_item(opened, name)
    password, made = storing.new_password(name, int(time.time()), generate=generate)
    storing.change(opened, name, lambda user: user.with_password(password))
    _tell(f"{name} has another password", made)


def rotate(
    name: Name,
    generate: Generate = False,
    keep_for: Annotated[
        str, typer.Option(metavar="TIME", help="How long the password before stays valid: 30m, 12h, 7d.")
    ] = "7d",
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Give a user a new password, and leave the one before valid for a while: nobody is locked out meanwhile.

    Two are valid at most: where it is done again in that time, the oldest is valid no more.
    """
    kept = duration(keep_for, "--keep-for", "365d", "1s")
    opened = open_table(table, data)
    storing.find_item(opened, name)
    now = int(time.time())
    password, made = storing.new_password(name, now, generate=generate)
    storing.change(opened, name, lambda user: user.with_password(password, keep_until=now + kept))
    _tell(f"{name} has a new password; the one before is valid until {as_text(now + kept)}", made)


def set_claims(
    name: Name,
    claims: Annotated[str, typer.Argument(metavar="JSON", help="All its claims.", show_default=False)],
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Give a user other claims, in the place of all that it has."""
    found = _claims(claims, "JSON")
    storing.change(open_table(table, data), name, lambda user: replace(user, claims=found))
    _tell(f"{name} has other claims")


def disable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Let a user in no more, and keep all that it has. Connections that are there stay until their next refresh."""
    storing.change(open_table(table, data), name, lambda user: replace(user, disabled=True))
    _tell(f"{name} is disabled")


def enable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Let a user in again, with all that it had."""
    storing.change(open_table(table, data), name, lambda user: replace(user, disabled=False))
    _tell(f"{name} is enabled")


def unlock(name: Name, client_id: ClientIds = None, table: TableName = None, data: DataFolder = DATA) -> None:
    """Forget wrong passwords, so that the next attempt need not wait: those of strangers, and of each --client-id.

    A client ID that has signed in as the user before is counted by itself: where that one is locked, name it.
    """
    opened = open_table(table, data)
    storing.find_item(opened, name)
    guessing.forget(opened, name, client_id or ())
    _tell(f"{name} is unlocked" + "".join(f", with client ID {each} too" for each in client_id or ()))


def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nobody.")] = False,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Remove a user with its passwords and claims. Connections that are there stay until their next refresh."""
    opened = open_table(table, data)
    id = storing.find_item(opened, name)["id"]
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("expected where there is no terminal to ask at", param_hint="--yes")
        if not typer.confirm(f"Remove {printable(name)}?", err=True):
            _tell("nothing was removed")
            raise typer.Exit(1)
    opened.delete(str(id))
    _tell(f"removed {name}")


def _claims(text: str, option: str) -> Mapping[str, object]:
    try:
        return parsed_claims(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _tell(done: str, made: str | None = None) -> None:
    """Says what was done; a password that was made here goes to standard output."""
    typer.echo(printable(done), err=True)
    if made is not None:
        typer.echo(made)
