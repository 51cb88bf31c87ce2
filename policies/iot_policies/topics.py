"""MQTT topic filters as IoT Core reads them, level by level.

A level is a string: `+`, `#`, or text. In a template the text may have placeholders such as `{principal}`. These
functions then answer for all values, since a value never has a `/` or a wildcard.
"""

from collections.abc import Callable
from operator import eq

PLUS = "+"
HASH = "#"
SHARE = "$share"

Levels = tuple[str, ...]


def split(topic_filter: str) -> Levels:
    """The levels of a topic filter or a topic name."""
    return tuple(topic_filter.split("/"))


def lead(levels: Levels) -> int:
    """The index of the first topic level: after `$share/NAME/`, else 0 (MQTT 5.0, section 4.8.2)."""
    return 2 if levels[0] == SHARE and len(levels) > 2 else 0


def contains(outer: Levels, inner: Levels, same: Callable[[str, str], bool] = eq) -> bool:
    """Whether every topic that matches `inner` matches `outer`; a topic name is a filter without wildcards.

    IoT Core's `a/#` does not match `a` itself, unlike MQTT's (developer guide, "Topic filters"). A leading
    wildcard does not reach topics that start with `$` [MQTT-4.7.2-1]. `same` compares two levels of text.
    """
    start = lead(outer)
    if outer[start] in (PLUS, HASH) and inner[min(start, len(inner) - 1)].startswith("$"):
        return False
    for index, level in enumerate(outer):
        if index >= len(inner):
            return False
        if level == HASH:
            return True
        if inner[index] == HASH or (level != PLUS and not same(level, inner[index])):
            return False
    return len(outer) == len(inner)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message to a topic reaches a subscription, as IoT Core decides it."""
    return contains(split(topic_filter), split(topic))
