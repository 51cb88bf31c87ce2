"""Finds entries of many users that differ in one level only, so that a claim of each user can fill it.

1. An entry with one level replaced by a hole is a shape. A shape is used if _MANY values or more fill its hole.
2. An entry that has several such shapes gets the one with most values.
3. Two shapes whose holes have the same values for each user have one claim. Its name is the level in front of the hole.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from iot_authorizer_cli.commands.convert.template_blocks import Kind
from iot_policies.grants import Key
from iot_policies.placeholders import is_safe

_MANY = 10
_WORD = re.compile("[a-z][a-z0-9_-]*", re.ASCII)


class Line(NamedTuple):
    """An entry of a user."""

    kind: Kind
    key: Key
    text: str


class _Shape(NamedTuple):
    kind: Kind
    key: Key
    before: tuple[str, ...]
    after: tuple[str, ...]


class SharedLine(NamedTuple):
    """What an entry becomes."""

    claim: str
    value: str
    line: Line
    """The entry with `{claims.NAME}`."""


def shared_lines(lines_of: Mapping[str, Collection[Line]], taken: Collection[str]) -> Mapping[Line, SharedLine]:
    """What entries become, of those that differ in one level only. Claims are named otherwise than `taken`."""
    values: dict[_Shape, set[str]] = defaultdict(set)
    for line in {line for lines in lines_of.values() for line in lines}:
        for shape, value in _shapes(line):
            values[shape].add(value)
    chosen: dict[Line, tuple[_Shape, str]] = {}
    filled: dict[_Shape, set[tuple[str, str]]] = defaultdict(set)
    for user, lines in lines_of.items():
        for line in lines:
            shapes = [found for found in _shapes(line) if len(values[found[0]]) >= _MANY]
            if shapes:
                shape, value = chosen[line] = max(shapes, key=lambda found: len(values[found[0]]))
                filled[shape].add((user, value))
    claims = _named(filled, taken)
    return {line: _shared(line, shape, claims[shape], value) for line, (shape, value) in chosen.items()}


def _shapes(line: Line) -> Iterator[tuple[_Shape, str]]:
    levels = tuple(line.text.split("/"))
    for index, level in enumerate(levels):
        if "{" not in level and is_safe(level):
            yield _Shape(line.kind, line.key, levels[:index], levels[index + 1 :]), level


def _named(filled: Mapping[_Shape, Iterable[tuple[str, str]]], taken: Collection[str]) -> Mapping[_Shape, str]:
    names: dict[frozenset[tuple[str, str]], str] = {}
    for shape, pairs in filled.items():
        alike = frozenset(pairs)
        if alike not in names:
            before = shape.before[-1] if shape.before else ""
            wanted = before if _WORD.fullmatch(before) else f"level_{len(shape.before) + 1}"
            candidates = (wanted if number == 1 else f"{wanted}_{number}" for number in range(1, len(filled) + 9))
            names[alike] = next(name for name in candidates if name not in {*taken, *names.values()})
    return {shape: names[frozenset(pairs)] for shape, pairs in filled.items()}


def _shared(line: Line, shape: _Shape, claim: str, value: str) -> SharedLine:
    text = "/".join((*shape.before, f"{{claims.{claim}}}", *shape.after))
    return SharedLine(claim, value, line._replace(text=text))
