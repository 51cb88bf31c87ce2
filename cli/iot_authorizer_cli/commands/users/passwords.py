"""`iot-authorizer users add`, `set-password` and `rotate`."""

import time
from typing import Annotated

import typer

from iot_authorizer_cli.arguments import duration
from iot_authorizer_cli.commands.users import storing
from iot_authorizer_cli.commands.users.options import Generate, Name, given_claims
from iot_authorizer_cli.commands.users.rules import checked_name
from iot_authorizer_cli.commands.users.storing import hand_out
from iot_authorizer_cli.options import DataFolder, TableName
from iot_authorizer_cli.output import tell, time_text
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_identities import guessing
from iot_identities.user import StoredPassword, User

_LONGEST = "36500d"


def add(
    name: Name,
    claims: Annotated[str, typer.Option(metavar="JSON", help="Give the user these claims.")] = "{}",
    valid_for: Annotated[
        str | None, typer.Option(metavar="TIME", help="Let the user expire after 12h or 90d; default: never.")
    ] = None,
    generate: Generate = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Store only claims, for a principal that uses tokens.")
    ] = False,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Add a user.

    Asks for the password twice; without a terminal, reads it from standard input. With --generate, makes a password of
    192 random bits and prints only it on standard output. It cannot be shown again.
    """
    if generate and no_password:
        raise typer.BadParameter("give at most one of them", param_hint="--generate, --no-password")
    found_claims = given_claims(claims, "--claims")
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
    hand_out(made)
    storing.add(opened, User(name, passwords, found_claims, False, valid_until, created_at=now, rotated_at=now))
    tell(f"added {name}")


def set_password(name: Name, generate: Generate = False, table: TableName = None, data: DataFolder = DATA) -> None:
    """Replace all of a user's passwords."""
    opened = open_table(table, data, make=False)
    storing.find_item(opened, name)
    password, made = storing.new_password(name, int(time.time()), generate=generate)
    hand_out(made)
    storing.change(opened, name, lambda user: user.with_password(password))
    tell(f"replaced the password of {name}")
    guessing.forget(opened, name)


def rotate(
    name: Name,
    generate: Generate = False,
    keep_for: Annotated[
        str, typer.Option(metavar="TIME", help="Keep the previous password valid for 30m, 12h or 7d.")
    ] = "7d",
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Add a password and keep the previous one valid for a while.

    At most two passwords are valid: if you rotate again in that time, the oldest one expires at once.
    """
    kept = duration(keep_for, "--keep-for", "365d", "1s")
    opened = open_table(table, data, make=False)
    storing.find_item(opened, name)
    now = int(time.time())
    password, made = storing.new_password(name, now, generate=generate)
    hand_out(made)
    changed = storing.change(opened, name, lambda user: user.with_password(password, keep_until=now + kept))
    ends = [time_text(before.expires_at) for before in changed.passwords[1:] if not before.is_expired(now)]
    tell(f"{name} has a new password" + "".join(f"; the previous one is valid until {end}" for end in ends))
    guessing.forget(opened, name)
