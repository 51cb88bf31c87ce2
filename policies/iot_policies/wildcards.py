"""Matches the wildcards of IoT policies: `*` is any number of characters, also `/`, and `?` is one character."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

Matcher = Callable[[str], bool]

STAR, ONE = "*", "?"
VALUE = "\0"
"""Marks the place of a value in a pattern. The characters of a value are never wildcards."""


@lru_cache(maxsize=4096)
def matcher(pattern: str, values: tuple[str, ...] = ()) -> Matcher:
    """A function that says whether a whole text matches a pattern, with `values` in the places of VALUE.

    Each run between two stars is looked for at its leftmost place only (atomic groups), so matching takes at most the
    pattern's length times the text's.
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
    """Matches a pattern with at most one star, as most are, without compiling an expression for each principal."""
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
    """A pattern and the values in its VALUE places."""

    text: str
    values: tuple[str, ...] = ()

    def fits(self, text: str) -> bool:
        """Whether the whole text matches."""
        return matcher(self.text, self.values)(text)

    @property
    def literal(self) -> str:
        """The text with its values; `*` and `?` are ordinary characters in it."""
        if VALUE not in self.text and not self.values:
            return self.text
        parts = self.text.split(VALUE)
        return "".join(part + value for part, value in zip(parts, (*self.values, ""), strict=True))


_ANY = "(?:*)"
"""`re.escape` cannot produce this: it escapes parentheses."""


def _escaped(text: str) -> str:
    return re.escape(text).replace(r"\*", _ANY).replace(r"\?", ".")
