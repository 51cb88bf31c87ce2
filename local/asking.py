"""A password from whoever sits at the terminal, or from a pipe; never from an argument, which others can see."""

import sys

import typer

from identities.passwords import LONGEST_PASSWORD


def asked_password() -> bytes:
    """Asks for a password twice and shows nothing of it; where standard input is no terminal, reads it to its end.

    One line end does not count. Raises a usage error for what is none: see LONGEST_PASSWORD.
    """
    found = _prompted() if sys.stdin.isatty() else _read()
    if not 1 <= len(found) <= LONGEST_PASSWORD:
        raise typer.BadParameter(f"expected a password of 1 to {LONGEST_PASSWORD} bytes", param_hint="standard input")
    return found


def _prompted() -> bytes:
    try:
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return text.encode()
    except UnicodeError:
        raise typer.BadParameter("expected a password in UTF-8", param_hint="standard input") from None


def _read() -> bytes:
    """No more than tells a password from what is too long."""
    return sys.stdin.buffer.read(LONGEST_PASSWORD + 3).removesuffix(b"\n").removesuffix(b"\r")
