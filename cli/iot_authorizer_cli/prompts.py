"""Reads passwords and confirmations from a terminal or a pipe; an argument would show a password to other users."""

import sys

import typer

from iot_identities.passwords import LONGEST_PASSWORD
from iot_policies.errors import printable


def read_password() -> bytes:
    """Prompts for a password twice without showing it. Without a terminal, reads standard input to its end.

    One line end is removed. Raises a usage error for an empty password and for one longer than LONGEST_PASSWORD.
    """
    found = _prompted() if at_terminal() else _read()
    if not 1 <= len(found) <= LONGEST_PASSWORD:
        raise typer.BadParameter(f"expected a password of 1 to {LONGEST_PASSWORD} bytes", param_hint="standard input")
    return found


def confirm(question: str, *, yes: bool, no: str) -> None:
    """Asks a question unless `yes`. After a no, prints `no` and exits with 1. Raises an error without a terminal."""
    if yes:
        return
    if not at_terminal():
        raise typer.TyperException("--yes is required when the command does not run in a terminal")
    if not typer.confirm(printable(question), err=True):
        typer.echo(no, err=True)
        raise typer.Exit(1)


def at_terminal() -> bool:
    """Whether standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_standard_input(argument: str, most: int = -1) -> bytes:
    """The content of standard input, at most so many bytes. Raises a usage error of the argument if it is closed."""
    if sys.stdin is None:
        raise typer.BadParameter("standard input is closed", param_hint=argument)
    return sys.stdin.buffer.read(most)


def _prompted() -> bytes:
    try:
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return text.encode()
    except UnicodeError:
        raise typer.BadParameter("expected a password in UTF-8", param_hint="standard input") from None


def _read() -> bytes:
    """Reads no more than it takes to see that a password is too long."""
    if sys.stdin is None:
        return b""
    return sys.stdin.buffer.read(LONGEST_PASSWORD + 3).removesuffix(b"\n").removesuffix(b"\r")
