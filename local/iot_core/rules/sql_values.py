"""What the SQL of a topic rule computes with: the message, its values, and comparisons.

The rules (developer guide, "AWS IoT SQL reference"):
- A value is JSON, or Undefined: a field that the payload does not have, or a level that the topic does not have.
- `=` and `<>` compare values of one type; of two types, `=` is false and `<>` is true. With Undefined, both are
  Undefined.
- AND and OR need booleans on both sides; with anything else they are Undefined. unmeasured: whether IoT Core's
  SQL evaluates both sides of AND and OR even if the left one decides.
- Only a WHERE that is true selects a message.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import isinf
from typing import Final, NamedTuple


class _Missing(Enum):
    UNDEFINED = "Undefined"


UNDEFINED: Final = _Missing.UNDEFINED
"""The value of what does not exist. It is left out of a selection."""
_NOT_MQTT = "n/a"
"""What `clientid()` is for a message that did not come over MQTT."""


@dataclass(frozen=True)
class SqlInput:
    """A message, as SQL sees it."""

    topic: str
    """With basic ingest, without the prefix `$aws/rules/NAME/`."""
    payload: bytes
    client_id: str | None
    """None for a message that did not come from an MQTT client."""
    principal: str | None
    """The principal ID of the sender; None for IoT Core itself."""
    timestamp: int
    """Milliseconds since 1970, by IoT Core's clock."""

    @cached_property
    def document(self) -> object:
        """The payload as JSON; Undefined if it is not JSON."""
        try:
            return read_payload(self.payload)
        except ValueError:
            return UNDEFINED


class Expression(NamedTuple):
    """A part of a statement that has a value for each message."""

    text: str
    """As the user wrote it."""
    value: Callable[[SqlInput], object]


def topic(given: SqlInput) -> object:
    """`topic()`: the whole topic."""
    return given.topic


def topic_level(number: int) -> Callable[[SqlInput], object]:
    """`topic(n)`: a level, from 1."""

    def value(given: SqlInput) -> object:
        levels = given.topic.split("/")
        return levels[number - 1] if number <= len(levels) else UNDEFINED

    return value


def client_id(given: SqlInput) -> object:
    """`clientid()`."""
    return _NOT_MQTT if given.client_id is None else given.client_id


def principal(given: SqlInput) -> object:
    """`principal()`. unmeasured: that `principal()` of SQL is a custom authorizer's principal ID (assumed)."""
    return UNDEFINED if given.principal is None else given.principal


def timestamp(given: SqlInput) -> object:
    """`timestamp()`."""
    return given.timestamp


def encoded_payload(given: SqlInput) -> object:
    """`encode(*, 'base64')`: the whole payload."""
    return base64.b64encode(given.payload).decode()


def payload_field(name: str) -> Callable[[SqlInput], object]:
    """A field of a payload that is a JSON object.

    unmeasured: that a field of any other payload is Undefined, so that a condition on it is not met (assumed).
    """

    def value(given: SqlInput) -> object:
        document = given.document
        return document.get(name, UNDEFINED) if isinstance(document, dict) else UNDEFINED

    return value


def constant(value: object) -> Callable[[SqlInput], object]:
    """A text, number, boolean or null that the statement has itself."""
    return lambda _: value


def comparison(left: Expression, right: Expression, *, equal: bool) -> Expression:
    """`left = right`, or `left <> right` if `equal` is False."""

    def value(given: SqlInput) -> object:
        one, other = left.value(given), right.value(given)
        if UNDEFINED in (one, other):
            return UNDEFINED
        return (_kind(one) == _kind(other) and one == other) is equal

    return Expression(f"{left.text} {'=' if equal else '<>'} {right.text}", value)


def combination(parts: list[Expression], *, every: bool) -> Expression:
    """`a AND b …`, or `a OR b …` if `every` is False."""
    if len(parts) == 1:
        return parts[0]

    def value(given: SqlInput) -> object:
        found = [part.value(given) for part in parts]
        if UNDEFINED in found:
            return UNDEFINED
        return all(found) if every else any(found)

    return Expression((" AND " if every else " OR ").join(part.text for part in parts), value)


def _kind(value: object) -> object:
    """The type of a value: whole numbers are decimals too, booleans are not numbers."""
    return float if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


def read_payload(payload: bytes) -> object:
    """The payload as JSON. Raises ValueError, also for JSON that no later step could write again.

    That is a number that is too large for a float, half of a surrogate pair, or deep nesting.
    unmeasured: which of two equal keys of a payload counts for a rule (assumed: the last).
    """
    try:
        found: object = json.loads(payload.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("the nesting is too deep") from None
    if b"\\u" in payload:
        json.dumps(found, ensure_ascii=False).encode()  # Raises UnicodeEncodeError, which is a ValueError.
    return found


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is too large")
    return number
