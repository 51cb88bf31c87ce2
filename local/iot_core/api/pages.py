"""Long answers in pages."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


class InvalidToken(ValueError):
    """A token that no page gave."""


def page(
    items: Iterable[Item], key: Callable[[Item], str], size: int, token: str | None, *, descending: bool = False
) -> tuple[list[Item], str | None]:
    """One page of items in the order of their keys, and the token of the next page; None behind the last.

    A token names the last key that was shown, so items that come or go between two pages disturb nothing.
    Raises InvalidToken.
    """
    ordered = sorted(items, key=key, reverse=descending)
    if token is not None:
        shown = _decode(token)
        ordered = [item for item in ordered if (key(item) < shown if descending else key(item) > shown)]
    following = base64.b64encode(key(ordered[size - 1]).encode()).decode() if len(ordered) > size else None
    return ordered[:size], following


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidToken(token) from None
