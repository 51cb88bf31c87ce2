"""MQTT topic filters as IoT Core reads them, level by level.

A level is a string: `+`, `#`, or text. In a template the text may have placeholders such as `{principal}`. These
functions then answer for all values, since a value never has a `/` or a wildcard.

A direct message has a receiver beside its topic. The two are one text, joined by TO: `pump-7<TAB>commands/stop`. Its
levels are TO, the client ID, and then those of the topic, as those of a shared subscription are `$share`, the name, and
then those of the filter. Slashes mean nothing in a client ID, and no value, entry or topic has a control character.
"""

from collections.abc import Callable
from operator import eq

PLUS = "+"
HASH = "#"
SHARE = "$share"
TO = "\t"
"""Joins the client ID and the topic of a direct message. As the first level, it marks one."""

Levels = tuple[str, ...]


def split(topic_filter: str) -> Levels:
    """The levels of a topic filter or a topic name."""
    return tuple(topic_filter.split("/"))


def split_message(text: str) -> Levels:
    """The levels of a direct message: TO, its client ID, and those of its topic."""
    client_id, _, topic = direct_message(text).partition(TO)
    return (TO, client_id, *topic.split("/"))


def joined(levels: Levels) -> str:
    """The text that has these levels."""
    return f"{levels[1]}{TO}{'/'.join(levels[2:])}" if levels[0] == TO else "/".join(levels)


def direct_message(text: str) -> str:
    """A direct message as a user writes it, `pump-7 commands/stop`, with TO.

    A tab also joins the two, for a client ID with spaces. What has no topic is no direct message that any entry allows.
    """
    client_id, _, topic = text.partition(TO if TO in text else " ")
    return f"{client_id}{TO}{topic}"


def check_direct_message(text: str) -> tuple[str, str]:
    """The client ID and the topic of a direct message as a user writes it. Raises ValueError if one is missing."""
    client_id, _, topic = direct_message(text).partition(TO)
    if not client_id or not topic or TO in topic:
        raise ValueError('expected a client ID and a topic, as in "pump-7 devices/pump-7/commands/reboot"')
    return client_id, topic


def as_written(text: str) -> str:
    """A topic, filter, client ID or direct message as a user writes it, so that `direct_message` reads it again.

    TO becomes a space. It stays if a space would not tell where the client ID ends.
    """
    return text if " " in text.partition(TO)[0] or text.count(TO) > 1 else text.replace(TO, " ")


def lead(levels: Levels) -> int:
    """The index of the first topic level: after `$share/NAME/` (MQTT 5.0, section 4.8.2) or a receiver, else 0."""
    return 2 if levels[0] in (SHARE, TO) and len(levels) > 2 else 0


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
