"""What commands print: tables, columns, times and messages."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from iot_policies.errors import printable

Rows = Sequence[Sequence[str]]


def print_list(heading: Sequence[str], rows: Rows) -> None:
    """Prints a framed table on a terminal, plain columns elsewhere."""
    if not sys.stdout.isatty():
        typer.echo(columns([heading, *rows]))
        return
    from rich.console import Console  # noqa: PLC0415 (it takes a while to load)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*heading)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def columns(rows: Rows) -> str:
    """Formats rows as lines with aligned columns."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "\n".join(line.rstrip() for line in lines)


def time_text(moment: int | None) -> str:
    """Formats a time, in seconds since 1970, in UTC. None becomes `never`."""
    if moment is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return str(moment)


def tell(line: str) -> None:
    """Prints a message on standard error."""
    typer.echo(printable(line), err=True)


def warn(line: str) -> None:
    """Prints a message on standard error behind the program's name, as errors are printed."""
    tell(f"iot-authorizer: {line}")
