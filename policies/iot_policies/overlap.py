"""Finds out whether two entries of a template can match the same topic for some principal.

The answers may be a wrong yes, never a wrong no: a template is refused too often rather than too rarely. For example,
two placeholders are taken for different values even if they have the same name.
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


def common_topic(glob: Levels, levels: Levels) -> str | None:
    """A topic or filter that a denied glob and `levels` can both match; None if there is none.

    It has `any` for a level of any text, and may have placeholders. May return one wrongly, never None wrongly.
    """
    if glob[0] == TO:
        topic = common_topic(glob[2:], levels[2:]) if _client_ids_meet(glob[1], levels[1]) else None
        receiver = min(glob[1], levels[1], key=lambda each: each.count("*")).replace("*", "any")
        return None if topic is None else f"{receiver}{TO}{topic}"
    denied, allowed = _of_glob(glob), _of_filter(levels)
    for mine, others in zip(denied, allowed, strict=False):
        if not isinstance(mine, str) or not isinstance(others, str):
            break
        if not could_be_equal(mine, others):
            return None
    found = _common(denied, allowed)
    return None if found is None else "/".join(found)


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
def _common(glob: tuple[_Element, ...], topic: tuple[_Element, ...]) -> tuple[str, ...] | None:
    if not glob or not topic:
        return () if all(element is _MORE for element in glob + topic) else None
    if glob[0] is _MORE:
        found = _common(glob[1:], topic)
        return _with(topic[0], glob, topic[1:]) if found is None else found
    if topic[0] is _MORE:
        found = _common(glob, topic[1:])
        return _with(glob[0], glob[1:], topic) if found is None else found
    level = _common_level(glob[0], topic[0])
    return None if level is None else _with(level, glob[1:], topic[1:])


def _with(level: _Element, glob: tuple[_Element, ...], topic: tuple[_Element, ...]) -> tuple[str, ...] | None:
    """A level, and what the rests match."""
    found = _common(glob, topic)
    if found is None or level is _MORE:
        return found
    return (level if isinstance(level, str) else "$any" if level is _DOLLAR else "any", *found)


def _common_level(glob: _Element, topic: _Element) -> _Element | None:
    """A level that both match; None if there is none."""
    if isinstance(glob, _AnyLevel):
        return topic
    if isinstance(topic, _AnyLevel):
        starts_with_dollar = glob is _DOLLAR or (isinstance(glob, str) and glob.startswith("$"))
        is_match = topic.dollar if starts_with_dollar else topic.hash or glob != HASH
        return glob if is_match else None
    if isinstance(glob, str):
        if isinstance(topic, str) and could_be_equal(glob, topic):
            return topic if "{" in glob else glob
        return None
    return topic if isinstance(topic, str) and topic.startswith("$") else None
