"""The `Condition` block of policy statements: the operators that IoT Core's example policies use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from iot_policies.wildcards import Pattern

Context = Mapping[str, Sequence[str]]
"""Condition keys in lower case with their values; a missing key has no value."""

Fill = Callable[[str], Pattern | None]
"""Fills the policy variables of a text; None if one has no value."""


def _ip_in(value: str, wanted: Pattern) -> bool:
    try:
        return ip_address(value) in ip_network(wanted.literal, strict=False)
    except ValueError:
        return False


_TESTS: dict[str, Callable[[str, Pattern], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted.literal,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.literal.casefold(),
    "StringLike": lambda value, wanted: wanted.fits(value),
    "Bool": lambda value, wanted: value.casefold() == wanted.literal.casefold(),
    "IpAddress": _ip_in,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
}
_QUANTIFIERS = ("ForAllValues", "ForAnyValue")


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one key (IAM user guide, "Condition operators")."""

    quantifier: str | None
    operator: str
    if_exists: bool
    key: str
    values: tuple[str, ...]

    def holds(self, context: Context, fill: Fill) -> bool | None:
        """Whether a connection meets the condition; None (unknown) if a variable has no value."""
        found = context.get(self.key)
        if found is None and self.if_exists:
            return True
        wanted = [fill(text) for text in self.values]
        known = [pattern for pattern in wanted if pattern is not None]
        if len(known) < len(wanted):
            return None
        if self.quantifier == "ForAllValues":
            return all(self._passes(value, known) for value in found or ())
        if self.quantifier == "ForAnyValue":
            return any(self._passes(value, known) for value in found or ())
        return self._passes(found[0], known) if found else self.operator in _NEGATED

    def _passes(self, value: str, wanted: Sequence[Pattern]) -> bool:
        if positive := _NEGATED.get(self.operator):
            return not any(_TESTS[positive](value, pattern) for pattern in wanted)
        return any(_TESTS[self.operator](value, pattern) for pattern in wanted)


def parse_conditions(block: object) -> tuple[Condition, ...]:
    """The conditions of a statement's `Condition`, all of which must hold. Raises ValueError."""
    if not isinstance(block, Mapping):
        raise ValueError("expected an object")
    return tuple(
        _condition(str(name), str(key), values) for name, keys in block.items() for key, values in _items(keys)
    )


def _items(keys: object) -> Sequence[tuple[object, object]]:
    if not isinstance(keys, Mapping):
        raise ValueError("expected condition keys")
    return list(keys.items())


def _condition(name: str, key: str, values: object) -> Condition:
    quantifier, _, operator = name.rpartition(":")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if (quantifier and quantifier not in _QUANTIFIERS) or (operator not in _TESTS and operator not in _NEGATED):
        raise ValueError(f"{name} is not a supported operator")
    texts = [str(text).lower() if isinstance(text, bool) else text for text in _as_list(values)]
    if not texts or not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise ValueError(f"{key}: expected a string or a list of strings, without NUL characters")
    return Condition(
        quantifier or None,
        operator,
        if_exists,
        key.casefold(),
        tuple(text for text in texts if isinstance(text, str)),
    )


def _as_list(values: object) -> Sequence[object]:
    return values if isinstance(values, (list, tuple)) else [values]
