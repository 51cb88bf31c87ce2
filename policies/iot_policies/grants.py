"""What stands in a template: grants, denials and session times."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, field_validator

from iot_policies.durations import seconds
from iot_policies.principal import Claims, claim

LEAST_SESSION, LONGEST_SESSION = 300, 86_400
"""What IoT Core allows for disconnectAfterInSeconds and refreshAfterInSeconds, in seconds."""

Key = Literal["connect", "publish", "retain", "subscribe"]
KEYS: tuple[Key, ...] = ("connect", "publish", "retain", "subscribe")

ConnectAttribute = Literal["LastWill", "PersistentConnect"]
Scalar = str | int | float | bool
Condition = Scalar | tuple[Scalar, ...]


def _session_time(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('expected a text such as "15m"')
    time = seconds(value)
    if not LEAST_SESSION <= time <= LONGEST_SESSION:
        raise ValueError("expected a time from 5m to 24h, which is what IoT Core allows")
    return time


def _fraction(value: object) -> float:
    if not isinstance(value, str) or not value.endswith("%") or not value[:-1].isdecimal() or int(value[:-1]) > 90:
        raise ValueError('expected a share from "0%" to "90%"')
    return int(value[:-1]) / 100


def _flat(value: object) -> dict[str, object]:
    """Nested tables become dotted names: `when = { realm_access.roles = "x" }`."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError('expected claims and what they must be, as in { role = ["moderator", "admin"] }')
    flat: dict[str, object] = {}
    for name, wanted in value.items():
        for inner, found in _flat(wanted).items() if isinstance(wanted, Mapping) else [("", wanted)]:
            key = f"{name}.{inner}" if inner else str(name)
            if key in flat:
                raise ValueError(f"{key} stands there twice")
            flat[key] = _choices(key, found)
    return flat


def _choices(name: str, wanted: object) -> object:
    if wanted == [] or (isinstance(wanted, list) and len(wanted) > 1 and "*" in wanted):
        raise ValueError(f'{name}: expected values to choose from, or "*" alone for any')
    return "*" if wanted == ["*"] else wanted


class StrictModel(BaseModel):
    """A table of a TOML file: unknown keys are errors, and errors never show what was found."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class SessionTimes(StrictModel):
    """How long a connection lasts, and how often IoT Core asks the authorizer again."""

    disconnect_after: Annotated[int, BeforeValidator(_session_time)] = LONGEST_SESSION
    """Seconds until IoT Core ends the connection; never longer than the token lives, but at least 300."""
    refresh_after: Annotated[int, BeforeValidator(_session_time)] = 900
    """Seconds until IoT Core invokes the authorizer again: when a revocation or a new claim takes effect."""
    spread: Annotated[float, BeforeValidator(_fraction)] = 0.1
    """By how much of itself `disconnect_after` is shortened at most, so that a fleet does not come back at once."""


class _Entries(StrictModel):
    name: str | None = None
    """What explanations and errors call it."""
    when: Annotated[dict[str, Condition], BeforeValidator(_flat)] | None = None
    """Claims and what they must be, all of them; `"*"` stands for any value that is not empty."""
    connect: Sequence[str] = ()
    """Client IDs; a `*` may end one, behind a `/`."""
    publish: Sequence[str] = ()
    """Topic filters to publish to, without RETAIN."""
    retain: Sequence[str] = ()
    """Topic filters to publish to, with or without RETAIN. In a deny: with RETAIN."""
    subscribe: Sequence[str] = ()
    """Topic filters to subscribe to, and to receive what they match."""
    connect_with: tuple[ConnectAttribute, ...] | None = None
    """The connect attributes that a client may use; None for all. In a deny: those that it may not use."""

    def applies(self, claims: Claims) -> bool:
        """Whether a principal with these claims meets every condition of `when`."""
        for name, wanted in (self.when or {}).items():  # noqa: SIM110 (for every decision: a generator costs more)
            if not _meets(claim(claims, name), wanted):
                return False
        return True

    def entries(self) -> Iterator[tuple[Key, int, str]]:
        """Each entry: its key, its index there, its text."""
        for key in KEYS:
            texts: Sequence[str] = getattr(self, key)
            for index, text in enumerate(texts):
                yield key, index, text


class Grant(_Entries):
    """What principals may do."""

    widen: StrictBool = False
    """Allows deeper levels too where a `+` can't be told apart exactly."""


class Deny(_Entries):
    """What principals may not do, whatever a grant says."""

    @field_validator("connect_with")
    @classmethod
    def _names_attributes(cls, attributes: tuple[ConnectAttribute, ...] | None) -> tuple[ConnectAttribute, ...] | None:
        if attributes == ():
            raise ValueError("expected the connect attributes to deny, or no connect_with at all")
        return attributes


def _meets(value: object, wanted: Condition) -> bool:
    if value is None:
        return False
    if wanted == "*":
        return bool(value) or isinstance(value, (int, float))
    values = value if isinstance(value, (list, tuple)) else (value,)
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(_same(element, choice) for element in values for choice in choices)


def _same(value: object, wanted: Scalar) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
