"""Shows on standard error how far a command is: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import typer

from iot_authorizer_cli.terminal import tell

if TYPE_CHECKING:  # Commands without a proof should not wait for the prover.
    from iot_policies.proofs.progress import Progress

_Result = TypeVar("_Result")

PAUSE = 3.0
"""Seconds between two lines of a proof."""
_MANY = 100
"""Fewer users are done before anyone could read a line."""
_STEP = 10_000
"""How many are between two lines if it is not known how many there are."""


def finish(
    name: str, steps: "Generator[Progress, None, _Result]", clock: Callable[[], float] = time.monotonic
) -> _Result:
    """Runs a proof to its end, and returns what it found; a long one tells how far it is. `clock` gives seconds."""
    last = clock()
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
        now = clock()
        if now - last > PAUSE:
            last = now
            tell(f"{name}: {step.step}: {step.done}{'' if step.of is None else f' of {step.of}'}")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Gives a function that shows how many are done, of `total` if that is known."""
    if not sys.stderr.isatty():
        yield _Lines(what, total).show
        return
    from rich import progress as rich_progress  # noqa: PLC0415 (it takes a while to load)
    from rich.console import Console  # noqa: PLC0415

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True), transient=total is None) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)


class _Lines:
    """Prints a line for each tenth but the last, which the summary follows; without a total, one for each _STEP."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total = what, total
        self._shown = 0

    def show(self, done: int) -> None:
        if self._total is None:
            if done // _STEP > self._shown:
                self._shown = done // _STEP
                typer.echo(f"{done:,} {self._what}", err=True)
            return
        tenths = 10 * done // self._total
        if self._total >= _MANY and self._shown < tenths < 10:
            self._shown = tenths
            typer.echo(f"{tenths * 10} %: {done:,} of {self._total:,}", err=True)
