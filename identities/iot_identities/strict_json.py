"""Reads JSON strictly, so that no other parser can read the same text differently."""

import json
import re
from math import isinf

MOST_LEVELS = 100
"""Arrays and objects inside each other. Without this limit, Python's version decides, and how deep its caller is."""

_STRING = re.compile(r'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class DuplicateKey(ValueError):
    """A JSON object has a duplicate key: parsers disagree about which one counts (RFC 7519, section 4)."""


class NestedTooDeeply(ValueError):
    """JSON has more than MOST_LEVELS levels."""


class _StrictDecoder(json.JSONDecoder):
    def raw_decode(self, s: str, idx: int = 0) -> tuple[object, int]:
        """Checks the levels first. `decode` calls this, too."""
        if s.count("[") + s.count("{") > MOST_LEVELS:  # Few texts have so many, at any level.
            _check_levels(s)
        return super().raw_decode(s, idx)


def _check_levels(text: str) -> None:
    level = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        level += 1 if bracket in "[{" else -1
        if level > MOST_LEVELS:
            raise NestedTooDeeply(f"nested too deeply: expected at most {MOST_LEVELS} levels")


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


STRICT = _StrictDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
"""Raises DuplicateKey for a duplicate key, NestedTooDeeply, and ValueError for invalid JSON or a number that is too
large for a float."""
