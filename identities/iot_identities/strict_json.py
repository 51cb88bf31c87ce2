"""JSON of claims, read so that no other parser reads it differently."""

import json


class DuplicateKey(ValueError):
    """Two members of one object have the same name: parsers disagree about which counts (RFC 7519, section 4)."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
"""Raises DuplicateKey; ValueError, and for deep nesting RecursionError."""
