"""The wildcards of IoT policies: `*` for any run of characters, `/` too, and `?` for one."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

Matcher = Callable[[str], bool]

STAR, ONE = "*", "?"
VALUE = "\0"
"""Stands in a pattern for a value that is taken as it is, whatever it holds."""


@lru_cache(maxsize=4096)
def matcher(pattern: str, values: tuple[str, ...] = ()) -> Matcher:
    """Whether a text matches a pattern as a whole, with `values` in the places of VALUE.

    Each run between two stars is sought at its leftmost place and never again (atomic groups), so that no pattern
    takes more than its length times the text's.
    """
    parts = pattern.split(VALUE)
    if len(parts) != len(values) + 1:
        return lambda _: False
    if ONE not in pattern and pattern.count(STAR) < 2:
        return _simple(pattern, values)
    expression = "".join(_escaped(part) + re.escape(value) for part, value in zip(parts, (*values, ""), strict=True))
    first, *runs = expression.split(_ANY)
    if runs:
        *middle, last = runs
        expression = first + "".join(f"(?>.*?{run})" for run in middle if run) + ".*" + last
    found = re.compile(expression, re.DOTALL).fullmatch
    return lambda text: found(text) is not None


def _simple(pattern: str, values: tuple[str, ...]) -> Matcher:
    """For a pattern with one star at most, as most are: no regular expression to compile for each principal."""
    head, star, tail = pattern.partition(STAR)
    behind = head.count(VALUE)
    start = Pattern(head, values[:behind]).literal
    if not star:
        return start.__eq__
    end = Pattern(tail, values[behind:]).literal
    least = len(start) + len(end)
    if not end:
        return lambda text: text.startswith(start)
    return lambda text: len(text) >= least and text.startswith(start) and text.endswith(end)


class Pattern(NamedTuple):
    """A pattern, and the values that stand in it as they are."""

    text: str
    values: tuple[str, ...] = ()

    def fits(self, text: str) -> bool:
        """Whether a text matches as a whole."""
        return matcher(self.text, self.values)(text)

    @property
    def literal(self) -> str:
        """The text with its values, `*` and `?` taken as they are."""
        parts = self.text.split(VALUE)
        return "".join(part + value for part, value in zip(parts, (*self.values, ""), strict=True))


_ANY = "(?:*)"
"""Can't come out of `re.escape`, which escapes the parentheses of a text."""


def _escaped(text: str) -> str:
    return re.escape(text).replace(r"\*", _ANY).replace(r"\?", ".")
