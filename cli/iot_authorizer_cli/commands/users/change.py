"""`iot-authorizer users set-claims|set-valid-until|disable|enable|unlock|remove`."""

import time
from dataclasses import replace
from shlex import quote
from typing import Annotated

import typer

from iot_authorizer_cli.commands.users import storing
from iot_authorizer_cli.commands.users.options import ClientIds, DataFolder, Name, TableName, given_claims
from iot_authorizer_cli.commands.users.rules import parsed_time
from iot_authorizer_cli.commands.users.storing import tell
from iot_authorizer_cli.output import time_text
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_authorizer_cli.prompts import at_terminal
from iot_identities import guessing
from iot_policies.errors import printable

_CONNECTED = "who is connected stays until the next refresh, or until iot-authorizer revoke principal "


def set_claims(
    name: Name,
    claims: Annotated[str, typer.Argument(metavar="JSON", help="All its claims.", show_default=False)],
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Give a user other claims, in the place of all that it has."""
    found = given_claims(claims, "JSON")
    storing.change(open_table(table, data, make=False), name, lambda user: replace(user, claims=found))
    tell(f"{name} has other claims")


def set_valid_until(
    name: Name,
    until: Annotated[
        str, typer.Argument(metavar="TIME", help="never, 2027-12-31, or 2027-12-31T18:00:00Z.", show_default=False)
    ],
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Let a user in until a time. A date is its first moment, in UTC."""
    try:
        end = None if until == "never" else parsed_time(until)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; or never", param_hint="TIME") from None
    opened = open_table(table, data, make=False)
    storing.change(opened, name, lambda user: replace(user, valid_until=end))
    guessing.forget(opened, name)
    tell(f"{name} is valid until {time_text(end)}")


def disable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Let a user in no more, and keep all that it has. Connections that are there stay until their next refresh."""
    storing.change(open_table(table, data, make=False), name, lambda user: replace(user, disabled=True))
    tell(f"{name} is disabled; {_CONNECTED}{quote(name)}")


def enable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Let a user in again, with all that it had."""
    opened = open_table(table, data, make=False)
    user = storing.change(opened, name, lambda user: replace(user, disabled=False))
    guessing.forget(opened, name)
    over = f", but was valid only until {time_text(user.valid_until)}: users set-valid-until changes that"
    tell(f"{name} is enabled" + (over if user.is_expired(time.time()) else ""))


def unlock(name: Name, client_id: ClientIds = None, table: TableName = None, data: DataFolder = DATA) -> None:
    """Forget wrong passwords, so that the next attempt need not wait: for the user, and of the client ID of its name.

    A client ID that has signed in before is counted by itself: where it is another one that is locked, name it.
    """
    opened = open_table(table, data, make=False)
    storing.find_item(opened, name)
    guessing.forget(opened, name, client_id or ())
    tell(f"{name} is unlocked" + "".join(f", with client ID {each} too" for each in client_id or ()))


def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Remove a user with its passwords and claims. Connections that are there stay until their next refresh."""
    opened = open_table(table, data, make=False)
    id = storing.find_item(opened, name)["id"]
    if not yes:
        if not at_terminal():
            raise typer.BadParameter("expected where there is no terminal to ask at", param_hint="--yes")
        if not typer.confirm(f"Remove {printable(name)}?", err=True):
            tell("nothing was removed")
            raise typer.Exit(1)
    opened.delete(str(id))
    tell(f"removed {name}; {_CONNECTED}{quote(name)}")
