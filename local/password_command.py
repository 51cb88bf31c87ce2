"""`iot-authorizer password`: a hash for a password file."""

import sys

import typer
from argon2 import PasswordHasher

_LONGEST = 1024
"""Bytes: the authorizer takes no longer one."""
_OWASP = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The authorizer's own parameters: the time of a refusal tells others apart."""


def register(app: typer.Typer) -> None:
    """Adds the command to a command line."""
    app.command(
        "password",
        short_help="Print the hash of a password, for a password file.",
        epilog="\b\nExample: iot-authorizer password",
    )(password)


def password() -> None:
    """Print the argon2id hash of a password, as it stands in a password file.

    It asks for the password twice and shows nothing of it. Where standard input is no terminal, the password is what
    stands there, without the line's end.
    """
    if sys.stdin.isatty():
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        found = text.encode()
    else:
        found = sys.stdin.buffer.read().removesuffix(b"\n").removesuffix(b"\r")
    if not 1 <= len(found) <= _LONGEST:
        raise typer.BadParameter(f"expected a password of 1 to {_LONGEST} bytes", param_hint="standard input")
    typer.echo(_OWASP.hash(found))
