"""The tables of a template file: `[session]`, `[[grant]]` and `[[deny]]`."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    field_validator,
)

from iot_policies.actions import Effect
from iot_policies.durations import seconds
from iot_policies.errors import InvalidFile
from iot_policies.names import name_problem
from iot_policies.principal import WORD_LISTS, Claims
from iot_policies.session_times import SessionTimes
from iot_policies.toml_file import from_validation
from iot_policies.topics import TO
from iot_policies.when import Condition, Scalar, choices, unmet

Key = Literal["connect", "publish", "retain", "subscribe", "receive", "read", "send"]
KEYS: tuple[Key, ...] = get_args(Key)

ConnectAttribute = Literal["LastWill", "PersistentConnect"]
Acknowledgement = Literal["leading_wildcard", "any_client_id", "shared_client_ids", "any_receiver"]
"""The findings of `lint` that a grant can acknowledge."""


def between(least: str, most: str) -> BeforeValidator:
    """A duration within bounds, given as a string, in seconds."""

    def check(value: object) -> int:
        if not isinstance(value, str):
            raise ValueError('expected a string such as "15m"')
        time = seconds(value)
        if not seconds(least) <= time <= seconds(most):
            raise ValueError(f"expected a time from {least} to {most}")
        return time

    return BeforeValidator(check)


def _fraction(value: object) -> float:
    if not isinstance(value, str) or not value.endswith("%") or not value[:-1].isdecimal() or int(value[:-1]) > 90:
        raise ValueError('expected a share from "0%" to "90%"')
    return int(value[:-1]) / 100


def _flat(value: object) -> dict[str, object]:
    """Turns nested tables into dotted names: `when = { realm_access.roles = "x" }`."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError('expected claims and the values that they must have, as in { role = ["moderator", "admin"] }')
    flat: dict[str, object] = {}
    for name, wanted in value.items():
        for inner, found in _flat(wanted).items() if isinstance(wanted, Mapping) else [("", wanted)]:
            key = f"{name}.{inner}" if inner else str(name)
            if key in flat:
                raise ValueError(f"duplicate claim {key}")
            flat[key] = found
    return flat


def _checked(when: dict[str, Condition]) -> dict[str, Condition]:
    return {name: _checked_condition(name, wanted) for name, wanted in when.items()}


def _checked_condition(name: str, wanted: Condition) -> Condition:
    values = choices(wanted)
    if not values or (len(values) > 1 and "*" in values):
        raise ValueError(f'{name}: expected one or more values, or only "*" for any value')
    for value in values:
        _check_value(name, value)
    return "*" if values == ("*",) else wanted


def _check_value(name: str, wanted: Scalar) -> None:
    """Refuses a value that no claim can have: a deny that waits for it would never apply."""
    if isinstance(wanted, float) and not isfinite(wanted):
        raise ValueError(f"{name}: expected a number that JSON has, not inf or nan")
    if isinstance(wanted, str) and (problem := name_problem(wanted)) is not None:
        raise ValueError(f"{name}: the value {problem}: clients with such a claim are refused in any case")
    if isinstance(wanted, str) and name in WORD_LISTS and " " in wanted:
        raise ValueError(f"{name}: expected one word: {name} is a list of words, write several as a list")


class StrictModel(BaseModel):
    """A table of a TOML file: unknown keys are errors, and errors never quote values."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    @classmethod
    def of_file(cls, path: Path, text: str, tables: Mapping[str, object], keys: Collection[str]) -> Self:
        """Checks the tables of a file; `keys` are all known keys. Raises InvalidFile with the line and the key."""
        try:
            return cls.model_validate(tables)
        except RecursionError:
            raise InvalidFile(path, None, "", "nested too deeply") from None
        except ValidationError as error:
            raise from_validation(path, text, tables, error, keys) from None


def _json_values(claims: dict[str, object]) -> dict[str, object]:
    """Refuses what TOML has and JSON does not have: dates, times, inf and nan. No token can have such a claim."""
    try:
        json.dumps(claims, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("expected texts, finite numbers, booleans, lists and tables: write a date as a text") from None
    return claims


ConfiguredClaims = Annotated[dict[str, object], AfterValidator(_json_values)]
"""The claims of a principal in a TOML file."""


class SessionTable(StrictModel):
    """`[session]`: the times of SessionTimes, written as `15m` and `10%`."""

    disconnect_after: Annotated[int, between("5m", "24h")] | None = None
    refresh_after: Annotated[int, between("5m", "24h")] | None = None
    spread: Annotated[float, BeforeValidator(_fraction)] | None = None

    def times(self) -> SessionTimes:
        """The times, with those that the file does not name."""
        return SessionTimes(**self.model_dump(exclude_unset=True))


class Send(StrictModel):
    """An element of `send`: direct messages to some clients. A claim that is in both has one value in both."""

    to: str
    """The client IDs of the receivers, as in `connect`; `*` is every client."""
    topics: Annotated[Sequence[str], Field(min_length=1)]
    """Topic filters of the messages."""


Place = tuple[str | int, ...]
"""Where an entry is within its key: its index; for `send` also that of its topic, as in `send[0].topics[1]`."""


class _Entries(StrictModel):
    _effect: ClassVar[Effect]

    name: str | None = None
    """Its name in explanations and errors."""
    when: Annotated[dict[str, Condition], BeforeValidator(_flat), AfterValidator(_checked)] | None = None
    """Claims and the values that they must have, all of them (`when.py` says how they are compared)."""
    connect: Sequence[str] = ()
    """Client IDs; the last character can be a `*` after a `/`."""
    publish: Sequence[str] = ()
    """Topic filters to publish to, without RETAIN."""
    retain: Sequence[str] = ()
    """Topic filters to publish to, with or without RETAIN. In a deny: with RETAIN."""
    subscribe: Sequence[str] = ()
    """Topic filters to subscribe to, and to receive messages from."""
    receive: Sequence[str] = ()
    """Topic filters to receive messages from, as direct messages. It does not allow to subscribe."""
    read: Sequence[str] = ()
    """Topic filters whose retained messages may be read over HTTPS."""
    send: Sequence[Send] = ()
    """Direct messages that may be sent over HTTPS: to whom, and on which topics."""
    connect_with: tuple[ConnectAttribute, ...] | None = None
    """The connect attributes that a client may use; None for all. In a deny: those that it must not use."""

    def applies(self, claims: Claims) -> bool:
        """Whether a principal with these claims meets every condition of `when`. Raises as `unmet` does."""
        return not self.unmet(claims)

    def unmet(self, claims: Claims) -> dict[str, Condition]:
        """The conditions of `when` that the claims do not meet. Raises as `when.unmet` does."""
        return unmet(self.when or {}, claims, self._effect)

    def entries(self) -> Iterator[tuple[Key, Place, str]]:
        """Each entry: its key, its place there, its text. Direct messages have a receiver and a topic, joined by TO."""
        for key in KEYS:
            for index, each in enumerate(getattr(self, key)):
                if isinstance(each, Send):
                    for number, topic in enumerate(each.topics):
                        yield key, (index, "topics", number), f"{each.to}{TO}{topic}"
                else:
                    yield key, (index,), each


class Grant(_Entries):
    """`[[grant]]`: what principals may do."""

    widen: StrictBool = False
    """Allows deeper levels too if a policy cannot express a `+` exactly."""
    acknowledge: tuple[Acknowledgement, ...] = ()
    """The findings of `lint` that are meant: `leading_wildcard`, an entry that begins with `+` or `#`; `any_client_id`,
    the entry `{client_id}` of connect; `shared_client_ids`, other entries of connect without `{principal}`;
    `any_receiver`, `to = "*"` of send."""

    _effect: ClassVar[Effect] = "Allow"


class Deny(_Entries):
    """`[[deny]]`: what principals must not do, even if a grant allows it."""

    _effect: ClassVar[Effect] = "Deny"

    @field_validator("connect_with")
    @classmethod
    def _names_attributes(cls, attributes: tuple[ConnectAttribute, ...] | None) -> tuple[ConnectAttribute, ...] | None:
        if attributes == ():
            raise ValueError("expected the connect attributes to deny: name some, or remove connect_with")
        return attributes
