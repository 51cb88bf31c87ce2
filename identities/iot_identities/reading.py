"""Attributes of items, read strictly: a guess at what was meant could let somebody in."""

from collections.abc import Mapping, Sequence


class MalformedItem(Exception):
    """An item that is not as this package writes it. Its text names the attribute, and quotes nothing of it."""


Attributes = Mapping[str, object]


def text(item: Attributes, name: str) -> str:
    """A text. Raises MalformedItem."""
    value = item.get(name)
    if not isinstance(value, str):
        raise MalformedItem(name)
    return value


def text_or_none(item: Attributes, name: str) -> str | None:
    """A text, or None. Raises MalformedItem."""
    return None if name in item and item[name] is None else text(item, name)


def flag(item: Attributes, name: str) -> bool:
    """True or false. Raises MalformedItem."""
    value = item.get(name)
    if not isinstance(value, bool):
        raise MalformedItem(name)
    return value


def whole_number(item: Attributes, name: str) -> int:
    """A whole number, such as seconds since 1970. Raises MalformedItem."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedItem(name)
    return value


def time_or_never(item: Attributes, name: str) -> int | None:
    """Seconds since 1970, or None. Raises MalformedItem."""
    return None if name in item and item[name] is None else whole_number(item, name)


def sequence(item: Attributes, name: str) -> Sequence[object]:
    """A list. Raises MalformedItem."""
    value = item.get(name)
    if not isinstance(value, list):
        raise MalformedItem(name)
    return value
