"""Finds levels that may fit others, without comparing each with each.

Two levels at one place that are both plain text, without wildcards and placeholders, must be equal. Everything else may
fit, so the index finds too many rather than too few. What has a `#` may fit anything that is as long or longer; so may
a pattern of a policy from its first `*` on, which also matches slashes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from iot_policies.topics import HASH, PLUS, Levels

_ANY = ""
"""Represents a level with a wildcard or a placeholder. An empty level counts as one too, which only finds more."""


@dataclass(slots=True, eq=False)
class _Node:
    below: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[int] = field(default_factory=list)
    """The numbers of the levels that end here."""
    open: list[int] = field(default_factory=list)
    """The numbers of the levels that have a `#` here."""


class LevelIndex:
    """An index of levels, such as those of all rules of a template."""

    def __init__(self, all_levels: Iterable[Levels]) -> None:
        """The levels are numbered from 0."""
        self._root = _Node()
        for number, levels in enumerate(all_levels):
            path, is_open = _path(levels)
            node = self._root
            for level in path:
                node = node.below.setdefault(level, _Node())
            (node.open if is_open else node.ending).append(number)

    def candidates(self, *queries: Levels) -> list[int]:
        """The numbers of all levels that may fit one of the queries, in order."""
        found: set[int] = set()
        for levels in queries:
            path, is_open = _path(levels)
            nodes = [self._root]
            for level in path:
                found.update(number for node in nodes for number in node.open)
                nodes = [each for node in nodes for each in _below(node.below, level)]
            for node in nodes:
                found.update(_all(node) if is_open else (*node.open, *node.ending))
        return sorted(found)


def _path(levels: Levels) -> tuple[list[str], bool]:
    """The levels up to what can match several levels, with _ANY for those of any text; and whether there is such."""
    path: list[str] = []
    for level in levels:
        if level == HASH or "*" in level:
            return path, True
        path.append(_ANY if level == PLUS or "{" in level else level)
    return path, False


def _below(below: Mapping[str, _Node], level: str) -> Iterable[_Node]:
    if level == _ANY:
        return below.values()
    return (below[key] for key in (level, _ANY) if key in below)


def _all(node: _Node) -> Iterator[int]:
    nodes = [node]
    while nodes:
        node = nodes.pop()
        yield from node.open
        yield from node.ending
        nodes += node.below.values()
