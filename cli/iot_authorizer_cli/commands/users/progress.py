"""How far something came: a bar on a terminal, and otherwise a line for each tenth."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many of `total` are done. All of it goes to standard error."""
    if not sys.stderr.isatty():
        yield _Tenths(total).show
        return
    from rich import progress as rich_progress  # noqa: PLC0415 (it takes a while to load)
    from rich.console import Console  # noqa: PLC0415

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)


_MANY = 100
"""What is fewer is done before anybody has read how far it came."""


class _Tenths:
    """Prints a line whenever another tenth is done, but not for the last: what was done says more."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = 0

    def show(self, done: int) -> None:
        tenths = 10 * done // self._total
        if self._total >= _MANY and self._shown < tenths < 10:
            self._shown = tenths
            typer.echo(f"{tenths * 10} %: {done:,} of {self._total:,}", err=True)
