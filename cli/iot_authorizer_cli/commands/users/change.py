"""`iot-authorizer users set-claims`, `set-valid-until`, `disable`, `enable`, `unlock` and `remove`."""

import time
from dataclasses import replace
from shlex import quote
from typing import Annotated

import typer

from iot_authorizer_cli.commands.users import storing
from iot_authorizer_cli.commands.users.options import ClientIds, Name, given_claims
from iot_authorizer_cli.commands.users.rules import parsed_time
from iot_authorizer_cli.options import DataFolder, TableName, Yes
from iot_authorizer_cli.output import tell, time_text
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_authorizer_cli.prompts import confirm
from iot_identities import guessing

_CONNECTED = "its clients stay connected until their next refresh, or until iot-authorizer revoke principal "


def set_claims(
    name: Name,
    claims: Annotated[
        str, typer.Argument(metavar="JSON", help="All claims of the user, as a JSON object.", show_default=False)
    ],
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Replace a user's claims."""
    found = given_claims(claims, "JSON")
    storing.change(open_table(table, data, make=False), name, lambda user: replace(user, claims=found))
    tell(f"replaced the claims of {name}")


def set_valid_until(
    name: Name,
    until: Annotated[
        str, typer.Argument(metavar="TIME", help="never, 2027-12-31, or 2027-12-31T18:00:00Z.", show_default=False)
    ],
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Set when a user expires. A date means 00:00 UTC on that day."""
    try:
        end = None if until == "never" else parsed_time(until)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; or never", param_hint="TIME") from None
    opened = open_table(table, data, make=False)
    storing.change(opened, name, lambda user: replace(user, valid_until=end))
    guessing.forget(opened, name)
    tell(f"{name} expires: {time_text(end)}")


def disable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Disable a user.

    The user keeps its passwords and claims. Its clients stay connected until their next refresh.
    """
    storing.change(open_table(table, data, make=False), name, lambda user: replace(user, disabled=True))
    tell(f"{name} is disabled; {_CONNECTED}{quote(name)}")


def enable(name: Name, table: TableName = None, data: DataFolder = DATA) -> None:
    """Enable a disabled user."""
    opened = open_table(table, data, make=False)
    user = storing.change(opened, name, lambda user: replace(user, disabled=False))
    guessing.forget(opened, name)
    expired = f", but it expired at {time_text(user.valid_until)}: users set-valid-until changes that"
    tell(f"{name} is enabled" + (expired if user.is_expired(time.time()) else ""))


def unlock(name: Name, client_id: ClientIds = None, table: TableName = None, data: DataFolder = DATA) -> None:
    """Clear a user's wrong passwords, so that the next attempt need not wait.

    Clears the failures of unknown client IDs and of the client ID that equals the user's name. Other client IDs that
    have signed in before are counted separately: give them with --client-id.
    """
    opened = open_table(table, data, make=False)
    storing.find_item(opened, name)
    guessing.forget(opened, name, client_id or ())
    tell(f"{name} is unlocked" + "".join(f", with client ID {each} too" for each in client_id or ()))


def remove(name: Name, yes: Yes = False, table: TableName = None, data: DataFolder = DATA) -> None:
    """Remove a user with its passwords and claims. Its clients stay connected until their next refresh."""
    opened = open_table(table, data, make=False)
    id = storing.find_item(opened, name)["id"]
    confirm(f"Remove {name}?", yes=yes, no="nothing was removed")
    opened.delete(str(id))
    tell(f"removed {name}; {_CONNECTED}{quote(name)}")
