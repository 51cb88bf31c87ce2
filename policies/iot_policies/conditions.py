"""The `Condition` block of policy statements (IAM user guide, "Condition operators", "Multivalued context keys").

Rules:
- A statement applies if all its conditions hold. A condition compares the values of one key with wanted values.
- A condition holds if the key's value passes for one wanted value; with a negated operator, for none of them.
- Without a value, a condition does not hold; a negated one does, and so does one with `IfExists`.
- `ForAllValues` holds if each value of the key passes, also if there is none. `ForAnyValue` holds if one passes.
- Policy variables are filled only for the operators of strings and ARNs.
- What cannot be decided raises Undecidable: an unknown operator or key, a value that cannot be compared, a variable
  without a value, several values without a quantifier. A Deny applies then, and an Allow does not.

unmeasured (documented for IAM; check condition-operators): IoT Core's guide shows StringEquals, StringNotEquals,
StringLike, Bool and IpAddress, alone or with a quantifier. That it takes IAM's other operators, and means the same by
all of them, is assumed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from iot_policies.connection import Facts, fill, values_of
from iot_policies.wildcards import VALUE, Pattern

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_QUANTIFIERS = ("", "ForAllValues", "ForAnyValue")
_NULL = "Null"


class Undecidable(Exception):
    """A condition that is neither met nor not met. Its text says why."""


def _address(text: str) -> IPv4Address | IPv6Address:
    """Reads an address without its zone. An IPv4 address in IPv6 notation is the IPv4 address."""
    found = ip_address(text.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


def _time(text: str) -> Decimal:
    """Seconds since 1970, of such a number or of a date (ISO 8601); without a time zone it is UTC."""
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    found = datetime.fromisoformat(text)
    return Decimal(str((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))


def _boolean(text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.casefold() == "true"


def _arn_fits(value: str, wanted: Pattern) -> bool:
    """Compares part by part: a wildcard does not match a colon, except in the sixth part."""
    parts, patterns = value.split(":", 5), wanted.text.split(":", 5)
    if len(parts) != 6 or len(patterns) != 6:
        raise ValueError("not an ARN")
    given = list(wanted.values)
    for part, pattern in zip(parts, patterns, strict=True):
        count = pattern.count(VALUE)
        if not Pattern(pattern, tuple(given[:count])).fits(part):
            return False
        del given[:count]
    return True


Test = Callable[[str, Pattern], bool]
"""Whether a value passes for one wanted value. Raises ValueError if they cannot be compared."""


def _by(read: Callable[[str], Decimal], compare: Callable[[Decimal, Decimal], bool]) -> Test:
    return lambda value, wanted: compare(read(value), read(wanted.text))


_TEXTS: dict[str, Test] = {
    "StringEquals": lambda value, wanted: value == wanted.literal,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.literal.casefold(),
    "StringLike": lambda value, wanted: wanted.fits(value),
    "ArnEquals": _arn_fits,
    "ArnLike": _arn_fits,
}
"""The operators for which policy variables are filled. ArnEquals and ArnLike are the same."""
_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": Decimal.__eq__,
    "LessThan": Decimal.__lt__,
    "LessThanEquals": Decimal.__le__,
    "GreaterThan": Decimal.__gt__,
    "GreaterThanEquals": Decimal.__ge__,
}
_OTHERS: dict[str, Test] = {
    "Bool": lambda value, wanted: _boolean(value) == _boolean(wanted.text),
    "IpAddress": lambda value, wanted: _address(value) in ip_network(wanted.text, strict=False),
    **{f"Numeric{name}": _by(_number, compare) for name, compare in _COMPARISONS.items()},
    **{f"Date{name}": _by(_time, compare) for name, compare in _COMPARISONS.items()},
}
_TESTS = {**_TEXTS, **_OTHERS}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one key."""

    name: str
    """The operator as it was written, such as `ForAllValues:StringLikeIfExists`."""
    quantifier: str
    operator: str
    if_exists: bool
    key: str
    """In lower case."""
    values: tuple[str, ...]
    """The wanted values."""

    def holds(self, facts: Facts) -> bool:
        """Whether a connection meets the condition. Raises Undecidable."""
        negated = self.operator in _NEGATED
        test = _TESTS.get(_NEGATED.get(self.operator, self.operator))
        if not is_known_operator(self):
            raise Undecidable(f"{self.name} is an unknown condition operator")
        found = values_of(self.key, facts)
        if found is None:
            raise Undecidable(f"{self.key} is an unknown condition key")
        try:
            if test is None:
                return (not found) in [_boolean(text) for text in self.values]
            if self.if_exists and not found and self.quantifier != "ForAnyValue":
                return True
            wanted = [self._fill(text, facts) for text in self.values]
            passes = [any(test(value, each) for each in wanted) is not negated for value in found]
        except ValueError as error:
            raise Undecidable(f"{self.name} on {self.key}: {error}") from None
        return self._of_all(passes, negated)

    def _of_all(self, passes: Sequence[bool], negated: bool) -> bool:
        """Whether the condition holds if so many values of the key pass."""
        if self.quantifier == "ForAllValues":
            return all(passes)
        if self.quantifier == "ForAnyValue":
            if self.if_exists and not passes:  # Sources disagree whether IfExists counts here.
                raise Undecidable(f"{self.name} on {self.key}, which has no value")
            return any(passes)
        if len(set(passes)) > 1:
            raise Undecidable(f"{self.key} has several values: expected ForAllValues or ForAnyValue")
        return passes[0] if passes else negated

    def _fill(self, text: str, facts: Facts) -> Pattern:
        """A wanted value with its variables. Raises Undecidable if one has no value, or is not allowed here."""
        if _NEGATED.get(self.operator, self.operator) in _OTHERS:
            return Pattern(text)
        found = fill(text, facts)
        if found is None:
            raise Undecidable(f"a policy variable in {text} has no value")
        return found


def is_known_operator(condition: Condition) -> bool:
    """Whether a condition has an operator and a quantifier that can be decided."""
    operator = _NEGATED.get(condition.operator, condition.operator)
    return condition.name == _NULL or (operator in _TESTS and condition.quantifier in _QUANTIFIERS)


def parse_conditions(block: object) -> tuple[Condition, ...]:
    """The conditions of a statement's `Condition`, all of which must hold. Raises ValueError."""
    if not isinstance(block, Mapping):
        raise ValueError("expected an object")
    return tuple(
        _condition(str(name), str(key), values) for name, keys in block.items() for key, values in _items(keys)
    )


def _items(keys: object) -> Sequence[tuple[object, object]]:
    if not isinstance(keys, Mapping) or not keys:
        raise ValueError("expected condition keys")
    return list(keys.items())


def _condition(name: str, key: str, values: object) -> Condition:
    quantifier, colon, operator = name.rpartition(":")
    if colon and not quantifier:
        operator = name
    plain = operator.removesuffix("IfExists")
    takes_numbers = plain.startswith(("Numeric", "Date"))
    several = values if isinstance(values, (list, tuple)) else [values]
    texts = [_text(value, key, takes_numbers) for value in several]
    if not texts:
        raise ValueError(f"{key}: expected a string or a list of strings")
    return Condition(name, quantifier, plain, operator != plain, key.casefold(), tuple(texts))


def _text(value: object, key: str, takes_numbers: bool) -> str:
    """A wanted value as text. JSON's numbers are values of Numeric and Date operators only."""
    if isinstance(value, bool):
        return str(value).lower()
    if takes_numbers and isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str) or VALUE in value:
        raise ValueError(f"{key}: expected a string or a list of strings, without NUL characters")
    return value
