"""A password from whoever sits at the terminal, or from a pipe; never from an argument, which others can see."""

import sys

import typer

from iot_identities.passwords import LONGEST_PASSWORD


def asked_password() -> bytes:
    """Asks for a password twice and shows nothing of it; where standard input is no terminal, reads it to its end.

    One line end does not count. Raises a usage error for what is none: see LONGEST_PASSWORD.
    """
    found = _prompted() if at_terminal() else _read()
    if not 1 <= len(found) <= LONGEST_PASSWORD:
        raise typer.BadParameter(f"expected a password of 1 to {LONGEST_PASSWORD} bytes", param_hint="standard input")
    return found


def at_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def standard_input(argument: str, most: int = -1) -> bytes:
    """What stands on standard input, at most so many bytes. Raises a usage error of the argument where it is closed."""
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
    """No more than tells a password from what is too long."""
    if sys.stdin is None:
        return b""
    return sys.stdin.buffer.read(LONGEST_PASSWORD + 3).removesuffix(b"\n").removesuffix(b"\r")
