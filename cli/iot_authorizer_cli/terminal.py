"""What commands print, and what they ask for: a password, a confirmation, standard input.

Passwords are read from a terminal or a pipe; an argument would show them to other users of the machine.
"""

import codecs
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice, zip_longest
from typing import Protocol

import typer

from iot_identities.passwords import LONGEST_PASSWORD
from iot_policies.errors import printable

_MOST_FRAMED = 1000
"""Rows of a framed table, which is made in memory."""


class Rows(Protocol):
    """Rows of texts, in memory or not."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def __iter__(self) -> Iterator[Sequence[str]]:
        """Iterates over the rows, as often as needed."""
        ...


def print_list(heading: Sequence[str], rows: Rows) -> None:
    """Prints a framed table on a terminal, plain columns elsewhere and for long lists."""
    if not sys.stdout.isatty() or len(rows) > _MOST_FRAMED:
        print_lines(aligned(rows, heading))
        return
    from rich.console import Console  # noqa: PLC0415 (it takes a while to load)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*heading)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Prints lines, many at once: each call of `typer.echo` writes what it has."""
    waiting = iter(lines)
    while some := list(islice(waiting, 1000)):
        typer.echo("\n".join(some))


def columns(rows: Rows) -> str:
    """Formats rows as lines with aligned columns."""
    return "\n".join(aligned(rows))


def aligned(rows: Rows, *headings: Sequence[str]) -> Iterator[str]:
    """Yields headings and rows as lines with aligned columns. It reads the rows twice and keeps none."""
    widths = [0] * max(map(len, headings), default=0)
    for row in chain(headings, rows):
        lengths = [len(printable(cell)) for cell in row]
        widths = [max(each) for each in zip_longest(widths, lengths, fillvalue=0)]
    for row in chain(headings, rows):
        cells = (f"{printable(cell):<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def time_text(moment: int | None) -> str:
    """Formats a time, in seconds since 1970, in UTC. None becomes `never`."""
    if moment is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(' ', 'seconds')}Z"
    except (ValueError, OverflowError, OSError):
        return "before the year 1" if moment < 0 else "after the year 9999"


def count(number: int, noun: str) -> str:
    """A number and its noun, such as `1 question` or `2 questions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tell(line: str) -> None:
    """Prints a message on standard error."""
    typer.echo(printable(line), err=True)


def warn(line: str) -> None:
    """Prints a message on standard error behind the program's name, as errors are printed."""
    tell(f"iot-authorizer: {line}")


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
    """The content of standard input without its byte order mark, at most so many bytes.

    Raises a usage error of the argument if it is closed.
    """
    if sys.stdin is None:
        raise typer.BadParameter("standard input is closed", param_hint=argument)
    return sys.stdin.buffer.read(most).removeprefix(codecs.BOM_UTF8)


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
