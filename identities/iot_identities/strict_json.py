"""Reads JSON strictly, so that no other parser can read the same text differently."""

import json
from math import isinf


class DuplicateKey(ValueError):
    """A JSON object has a duplicate key: parsers disagree about which one counts (RFC 7519, section 4)."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("the number is too large")  # Other parsers keep it, or read the largest number.
    return number


STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
"""Raises DuplicateKey for a duplicate key, ValueError for invalid JSON or a number that is too large for a float,
RecursionError for deep nesting."""
