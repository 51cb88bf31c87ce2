"""The wrong lines of a file that a user gave: all are reported before the command does anything."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from iot_authorizer_cli.terminal import tell

_MOST_EQUAL = 10
"""How many equal problems are printed."""
_NUMBER = re.compile(r"\d+")


class BadLine(NamedTuple):
    """A line that is wrong."""

    number: int
    """The line number; the first line has 1."""
    problem: str


def refuse_bad_lines(file: Path, bad: Sequence[BadLine], nothing: str, argument: str) -> None:
    """Prints the wrong lines of a file, and raises a usage error of the argument if there are any.

    `nothing` is what was not done, such as `nothing was written`.
    """
    for line in _shortened(bad):
        tell(f"{file}:{line}")
    if bad:
        count = "one line is wrong" if len(bad) == 1 else f"{len(bad):,} lines are wrong"
        raise typer.BadParameter(f"{count}: {nothing}", param_hint=argument)


def _shortened(bad: Iterable[BadLine]) -> Iterator[str]:
    """The problems, but of those that differ only in numbers the first _MOST_EQUAL."""
    numbers: dict[str, list[int]] = {}
    for number, problem in bad:
        alike = numbers.setdefault(_NUMBER.sub("N", problem), [])
        alike.append(number)
        if len(alike) <= _MOST_EQUAL:
            yield f"{number}: {problem}"
    for alike in numbers.values():
        if len(alike) > _MOST_EQUAL:
            yield f" {len(alike) - _MOST_EQUAL:,} more lines like line {alike[0]}"
