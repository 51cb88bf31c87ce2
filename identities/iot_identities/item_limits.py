"""The limits of DynamoDB items. Every table applies them, so that development behaves like AWS.

Source: Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB" and "DynamoDB item sizes and formats".
"""

import json
from collections.abc import Sequence

from iot_identities.table import Item

ALWAYS_READ = ("id", "revision", "expires_at")
"""The attributes that reading a part of an item also reads."""
LARGEST_ITEM = 400 * 1024
"""Bytes, including the attribute names."""
LONGEST_ID = 2048
"""Bytes in UTF-8; at least 1."""
MOST_IDS = 100
"""IDs in one read."""
MOST_DIGITS = 38
"""Digits of a number."""
DEEPEST = 32
"""Levels of lists and dicts, including the innermost value."""


def check_id(id: object) -> str:
    """Returns the ID if a table accepts it. Raises ValueError, and TypeError if it is not a string."""
    if not isinstance(id, str):
        raise TypeError(f"id: expected str, got {type(id).__name__}")
    if not 1 <= _bytes(id) <= LONGEST_ID:
        raise ValueError(f"id: expected 1 to {LONGEST_ID} bytes")
    return id


def check_ids(ids: Sequence[str]) -> list[str]:
    """The IDs of one read without duplicates. Raises ValueError and TypeError."""
    if len(ids) > MOST_IDS:
        raise ValueError(f"expected at most {MOST_IDS} ids")
    return list(dict.fromkeys(map(check_id, ids)))


def check_prefix(prefix: str) -> str:
    """Returns the prefix if IDs can begin with it; it may be empty. Raises ValueError and TypeError."""
    return check_id(prefix) if prefix else ""


def to_store(item: Item, *, now: float, replacing: Item | None = None, new: bool = False) -> Item:
    """The item with its revision, as tables store it. Raises ValueError and TypeError; they never quote values.

    The revision of a new item is the time, `now` in seconds since 1970, in microseconds. So a writer that has read an
    item does not replace one that was deleted and added again meanwhile.
    """
    id = check_id(item.get("id"))
    if replacing is not None and (new or replacing.get("id") != id):
        raise ValueError("expected `new`, or else `replacing` with the same id")
    stored: Item = {**item, "revision": round(now * 1e6) if replacing is None else revision_of(replacing) + 1}
    expires_at = stored.get("expires_at", 0)
    if isinstance(expires_at, bool) or not isinstance(expires_at, int):
        raise TypeError(f"expires_at: expected int, got {type(expires_at).__name__}")
    if sum(_attribute_size(name, value) for name, value in stored.items()) > LARGEST_ITEM:
        raise ValueError(f"expected an item of at most {LARGEST_ITEM} bytes")
    return stored


def is_same(one: Item | None, other: Item) -> bool:
    """Whether two items are equal, including types: in Python, True equals 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def was_written(found: Item | None, stored: Item, *, new: bool) -> bool:
    """Whether an item that is found is the one that was to be stored; of a new item, at any time."""
    return is_same({**found, "revision": stored["revision"]} if new and found is not None else found, stored)


def revision_of(item: Item) -> int:
    """An item's revision; 0 if another program wrote it without one."""
    revision = item.get("revision")
    return revision if isinstance(revision, int) else 0


def _attribute_size(name: str, value: object) -> int:
    try:
        return _name_size(name) + _size(value, 1)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _size(value: object, depth: int) -> int:
    if depth > DEEPEST:
        raise ValueError(f"expected at most {DEEPEST} levels")
    match value:
        case None | bool():
            return 1
        case int():
            return _number_size(value)
        case str():
            return _bytes(value)
        case list():
            return 3 + sum(1 + _size(element, depth + 1) for element in value)
        case dict():
            return 3 + sum(1 + _name_size(name) + _size(inner, depth + 1) for name, inner in value.items())
        case _:
            raise TypeError(f"expected str, int, bool, None, list or dict, got {type(value).__name__}")


def _number_size(number: int) -> int:
    if abs(number) >= 10**MOST_DIGITS:
        raise ValueError(f"expected a number of at most {MOST_DIGITS} digits")
    return (len(str(abs(number))) + 1) // 2 + 1 + (number < 0)


def _name_size(name: object) -> int:
    if not isinstance(name, str):
        raise TypeError(f"expected names of type str, got {type(name).__name__}")
    if not name:
        raise ValueError("expected names that are not empty")
    return _bytes(name)


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("expected text without lone surrogates, which UTF-8 can't hold") from None
