"""`iot-authorizer users add`, `set-password`, `rotate` and all other subcommands that change one user."""

import sys
import time
from dataclasses import replace
from shlex import quote
from typing import Annotated

import typer

from iot_authorizer.user_claims import check_user_name
from iot_authorizer_cli.commands.users import storing
from iot_authorizer_cli.commands.users.rules import (
    check_chosen,
    checked_claims,
    made_password,
    parsed_time,
)
from iot_authorizer_cli.commands.users.storing import ClientIds, Name
from iot_authorizer_cli.options import LONGEST, Yes, duration, usage_errors
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.terminal import at_terminal, confirm, read_password, tell, time_text
from iot_identities import guessing
from iot_identities.passwords import hash_password
from iot_identities.user import StoredPassword, User

Generate = Annotated[bool, typer.Option("--generate", help="Generate a password and print it once.")]
_CONNECTED = "its clients stay connected until their next refresh, or until iot-authorizer revoke principal "


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
    *,
    where: TableOptions,
) -> None:
    """Add a user.

    Asks for the password twice; without a terminal, reads it from standard input. With --generate, makes a password of
    192 random bits. Standard output has only this password, and no command shows it again.
    """
    if generate and no_password:
        raise typer.BadParameter("give at most one of them", param_hint="--generate, --no-password")
    with usage_errors("--claims"):
        found_claims = checked_claims(claims)
    lifetime = None if valid_for is None else duration(valid_for, "--valid-for", LONGEST, "1s")
    with usage_errors("NAME"):
        check_user_name(name)
    opened = where.open(make=True)
    storing.require_new(opened, name)
    passwords: tuple[StoredPassword, ...] = ()
    made = None
    now = int(time.time())
    if not no_password:
        password, made = _new_password(name, now, generate=generate)
        passwords = (password,)
    valid_until = None if lifetime is None else now + lifetime
    _hand_out(made)
    storing.add(opened, User(name, passwords, found_claims, False, valid_until, created_at=now, rotated_at=now))
    tell(f"added {name}")


def set_password(name: Name, generate: Generate = False, *, where: TableOptions) -> None:
    """Replace all of a user's passwords."""
    opened = where.open()
    storing.find_item(opened, name)
    password, made = _new_password(name, int(time.time()), generate=generate)
    _hand_out(made)
    storing.change(opened, name, lambda user: user.with_password(password))
    tell(f"replaced the password of {name}")
    guessing.forget(opened, name)


def rotate(
    name: Name,
    generate: Generate = False,
    keep_for: Annotated[
        str, typer.Option(metavar="TIME", help="Keep the previous password valid for 30m, 12h or 7d.")
    ] = "7d",
    *,
    where: TableOptions,
) -> None:
    """Add a password and keep the previous one for a while.

    At most two passwords are valid: if you rotate again in that time, the oldest one expires at once.
    """
    kept = duration(keep_for, "--keep-for", "365d", "1s")
    opened = where.open()
    storing.find_item(opened, name)
    now = int(time.time())
    password, made = _new_password(name, now, generate=generate)
    _hand_out(made)
    changed = storing.change(opened, name, lambda user: user.with_password(password, keep_until=now + kept))
    ends = [time_text(before.expires_at) for before in changed.passwords[1:] if not before.is_expired(now)]
    tell(f"{name} has a new password" + "".join(f"; the previous one is valid until {end}" for end in ends))
    guessing.forget(opened, name)


def set_claims(
    name: Name,
    claims: Annotated[
        str, typer.Argument(metavar="JSON", help="All claims of the user, as a JSON object.", show_default=False)
    ],
    *,
    where: TableOptions,
) -> None:
    """Replace a user's claims."""
    with usage_errors("JSON"):
        found = checked_claims(claims)
    storing.change(where.open(), name, lambda user: replace(user, claims=found))
    tell(f"replaced the claims of {name}")


def set_valid_until(
    name: Name,
    until: Annotated[
        str, typer.Argument(metavar="TIME", help="never, 2027-12-31, or 2027-12-31T18:00:00Z.", show_default=False)
    ],
    *,
    where: TableOptions,
) -> None:
    """Set when a user expires. A date means 00:00 UTC on that day."""
    try:
        end = None if until == "never" else parsed_time(until)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; or never", param_hint="TIME") from None
    opened = where.open()
    storing.change(opened, name, lambda user: replace(user, valid_until=end))
    guessing.forget(opened, name)
    tell(f"{name} expires: {time_text(end)}")


def disable(name: Name, *, where: TableOptions) -> None:
    """Disable a user.

    The user keeps its passwords and claims. Its clients stay connected until their next refresh.
    """
    storing.change(where.open(), name, lambda user: replace(user, disabled=True))
    tell(f"{name} is disabled; {_CONNECTED}{quote(name)}")


def enable(name: Name, *, where: TableOptions) -> None:
    """Enable a disabled user."""
    opened = where.open()
    user = storing.change(opened, name, lambda user: replace(user, disabled=False))
    guessing.forget(opened, name)
    expired = f", but it expired at {time_text(user.valid_until)}: users set-valid-until changes that"
    tell(f"{name} is enabled" + (expired if user.is_expired(time.time()) else ""))


def unlock(name: Name, client_id: ClientIds = None, *, where: TableOptions) -> None:
    """Clear a user's wrong passwords.

    This ends a lock. Clears the failures of unknown client IDs and of the client ID that equals the user's name. Other
    client IDs that have signed in before are counted separately: give them with --client-id.
    """
    opened = where.open()
    storing.find_item(opened, name)
    guessing.forget(opened, name, client_id or ())
    tell(f"{name} is unlocked" + "".join(f", with client ID {each} too" for each in client_id or ()))


def remove(name: Name, yes: Yes = False, *, where: TableOptions) -> None:
    """Remove a user with its passwords and claims. Its clients stay connected until their next refresh."""
    opened = where.open()
    id = storing.find_item(opened, name)["id"]
    confirm(f"Remove {name}?", yes=yes, no="nothing was removed")
    opened.delete(str(id))
    tell(f"removed {name}; {_CONNECTED}{quote(name)}")


def _new_password(name: str, now: int, *, generate: bool) -> tuple[StoredPassword, str | None]:
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


def _hand_out(made: str | None) -> None:
    """Prints a generated password. It is printed before it is stored, so that no stored password is lost.

    Raises a usage error if standard output is closed, and OSError.
    """
    if made is None:
        return
    if sys.stdout is None:
        raise typer.BadParameter("standard output is closed, so the password would be lost", param_hint="--generate")
    typer.echo(made)
    sys.stdout.flush()
