"""Lists, for terminals and for pipes."""

import sys
from collections.abc import Sequence

import typer

from iot_policies.errors import printable

Rows = Sequence[Sequence[str]]


def print_list(heading: Sequence[str], rows: Rows) -> None:
    """Prints a table on a terminal, and else plain columns."""
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
    """Rows as lines, each column as wide as its widest cell."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "\n".join(line.rstrip() for line in lines)
