"""Finds out whether two entries of a template can match the same topic for some principal.

The answers may be a wrong yes, never a wrong no: a template is refused too often rather than too rarely.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from iot_policies.placeholders import PLACEHOLDER, UNSAFE_SIGNS, split_template
from iot_policies.topics import HASH, PLUS, TO, Levels, lead


def could_be_equal(level: str, other: str) -> bool:
    """Whether two levels can be equal for some principal. May return True wrongly, never False wrongly."""
    if level == other:
        return True
    if "{" not in level and "{" not in other:
        return False
    if "{" in level and "{" in other:
        return _ends_fit(level, other)
    pattern, text = (level, other) if "{" in level else (other, level)
    if pattern.count("{") > 2:
        return _ends_fit(pattern, text)
    return _as_pattern(pattern).fullmatch(text) is not None


def _as_pattern(level: str) -> re.Pattern[str]:
    literals = PLACEHOLDER.sub("\0", level).split("\0")
    return re.compile(f"[^{UNSAFE_SIGNS}]+".join(map(re.escape, literals)), re.DOTALL)


def _ends_fit(level: str, other: str) -> bool:
    literals = [PLACEHOLDER.sub("\0", text).split("\0") for text in (level, other)]
    (head, tail), (other_head, other_tail) = ((parts[0], parts[-1]) for parts in literals)
    heads_fit = head.startswith(other_head) or other_head.startswith(head)
    return heads_fit and (tail.endswith(other_tail) or other_tail.endswith(tail))


class _AnyLevel(NamedTuple):
    """A level of any text. `hash`: it can be `#`. `dollar`: it can start with `$`."""

    hash: bool
    dollar: bool


_DOLLAR: Final = object()
_MORE: Final = object()

_Element = str | _AnyLevel | object


def cuts(glob: Levels, levels: Levels) -> bool:
    """Whether a denied glob can match a topic or filter of `levels`. May return True wrongly, never False wrongly."""
    if glob[0] == TO:
        if not _client_ids_meet(glob[1], levels[1]):
            return False
        glob, levels = glob[2:], levels[2:]
    denied, allowed = _of_glob(glob), _of_filter(levels)
    for mine, others in zip(denied, allowed, strict=False):
        if not isinstance(mine, str) or not isinstance(others, str):
            return _meet(denied, allowed)
        if not could_be_equal(mine, others):
            return False
    return _meet(denied, allowed)


def _client_ids_meet(one: str, other: str) -> bool:
    """Whether two client IDs, whose `*` is any text, can be one for some principal. May return True wrongly."""
    if "*" not in one and "*" not in other:
        return could_be_equal(one, other)
    for mine, its in zip(split_template(one), split_template(other), strict=False):
        if "*" in mine or "*" in its:
            return True
        if not could_be_equal(mine, its):
            return False
    return False  # Behind the `/` in front of a `*`, the other one has nothing.


@lru_cache(maxsize=4096)
def _of_glob(glob: Levels) -> tuple[_Element, ...]:
    return tuple(_glob_elements(glob))


@lru_cache(maxsize=4096)
def _of_filter(levels: Levels) -> tuple[_Element, ...]:
    return tuple(_filter_elements(levels))


def _glob_elements(levels: Levels) -> Iterator[_Element]:
    for level in levels:
        if level in ("*", "$*"):
            yield _DOLLAR if level == "$*" else _AnyLevel(hash=True, dollar=True)
            yield _MORE
        else:
            yield level


def _filter_elements(levels: Levels) -> Iterator[_Element]:
    for index, level in enumerate(levels):
        if level in (PLUS, HASH):
            yield _AnyLevel(hash=level == HASH, dollar=index != lead(levels))
            if level == HASH:
                yield _MORE
        else:
            yield level


@lru_cache(maxsize=4096)
def _meet(glob: tuple[_Element, ...], topic: tuple[_Element, ...]) -> bool:
    if not glob or not topic:
        return all(element is _MORE for element in glob + topic)
    if glob[0] is _MORE:
        return _meet(glob[1:], topic) or _meet(glob, topic[1:])
    if topic[0] is _MORE:
        return _meet(glob, topic[1:]) or _meet(glob[1:], topic)
    return _levels_meet(glob[0], topic[0]) and _meet(glob[1:], topic[1:])


def _levels_meet(glob: _Element, topic: _Element) -> bool:
    if isinstance(glob, _AnyLevel):
        return True
    if isinstance(topic, _AnyLevel):
        if glob is _DOLLAR or (isinstance(glob, str) and glob.startswith("$")):
            return topic.dollar
        return topic.hash or glob != HASH
    if isinstance(glob, str):
        return isinstance(topic, str) and could_be_equal(glob, topic)
    return isinstance(topic, str) and topic.startswith("$")
