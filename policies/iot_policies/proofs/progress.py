"""How far a proof or a comparison is. Both are generators of `Progress`, so that their callers can tell it, or stop."""

from collections.abc import Generator
from typing import NamedTuple, TypeVar

_Result = TypeVar("_Result")


class Progress(NamedTuple):
    """How far a proof is."""

    step: str
    done: int
    of: int | None
    """None if it is not known yet."""


def result_of(steps: Generator[Progress, None, _Result]) -> _Result:
    """Runs a proof or a comparison to its end, and returns what it found."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
