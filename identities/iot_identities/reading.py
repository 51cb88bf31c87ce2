"""Reads the attributes of items strictly: a guess could allow a client that must be refused."""

from collections.abc import Mapping, Sequence


class MalformedItem(Exception):
    """An item that this package would not write. The text names the attribute and does not quote its value."""


Attributes = Mapping[str, object]


def text(item: Attributes, name: str) -> str:
    """A string. Raises MalformedItem."""
    value = item.get(name)
    if not isinstance(value, str):
        raise MalformedItem(name)
    return value


def text_or_none(item: Attributes, name: str) -> str | None:
    """A string or None. Raises MalformedItem."""
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


def whole_number_or_none(item: Attributes, name: str) -> int | None:
    """A whole number or None. Raises MalformedItem."""
    return None if name in item and item[name] is None else whole_number(item, name)


def sequence(item: Attributes, name: str) -> Sequence[object]:
    """A list. Raises MalformedItem."""
    value = item.get(name)
    if not isinstance(value, list):
        raise MalformedItem(name)
    return value
