"""Fills the placeholders of templates, `{principal}`, `{client_id}` and `{claims.NAME}`, with safe values."""

import re
from collections.abc import Collection
from itertools import product
from math import prod

from iot_policies.errors import PolicyTooLarge, UnsafeValue
from iot_policies.principal import Principal, are_names, read_claim
from iot_policies.topics import TO, Levels

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
DENIED_CLIENT_ID = "client_id or *"
"""What fills `{client_id}` in a deny: the client ID, or any text if the client has none, as over HTTPS."""
_SLASH = re.compile(r"/(?![^{}]*\})")
UNSAFE_SIGNS = "/+#*?$"
"""Characters that a value must not have: they separate levels or are wildcards."""
_UNSAFE = frozenset(UNSAFE_SIGNS)

_LARGEST_NUMBER = 2**63

MOST_COMBINATIONS = 16_384
"""For one entry and for all together: far more than fit into a policy, few enough to make in milliseconds."""
LONGEST_VALUE = 128
"""Bytes of UTF-8 in one value: the limit that IoT Core has for client IDs."""


def split_template(text: str) -> Levels:
    """Splits a filter with placeholders into levels. A `/` inside a placeholder is part of the claim's name."""
    client_id, to, topic = text.partition(TO)
    return (TO, client_id, *_SLASH.split(topic)) if to else (*_SLASH.split(text),)


def check_names(text: str) -> None:
    """Checks the placeholder names of an entry. Raises ValueError for a name that templates do not have."""
    for name in PLACEHOLDER.findall(text):
        if name not in ("principal", "client_id") and not (name.startswith("claims.") and len(name) > len("claims.")):
            raise ValueError(
                f"unknown placeholder {{{name}}}: expected {{principal}}, {{client_id}} or {{claims.NAME}}"
            )


def placeholder_names(text: str) -> tuple[str, ...]:
    """The placeholder names of an entry, without duplicates, in order."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def claim_names(text: str) -> tuple[str, ...]:
    """The claims that the placeholders of an entry name, without duplicates, in order."""
    return tuple(name.removeprefix("claims.") for name in placeholder_names(text) if name.startswith("claims."))


def as_format(text: str, names: tuple[str, ...]) -> str:
    """Numbers the placeholders of a text for `str.format`, by their index in `names`."""
    return PLACEHOLDER.sub(lambda match: "{" + str(names.index(match[1])) + "}", text)


def is_safe(*values: str) -> bool:
    """Whether each value obeys the name rule and is one level: not empty or too long, no `/`, wildcard or `$`."""
    return are_names(values) and _are_levels(values)


def _are_levels(values: Collection[str]) -> bool:
    joined = "".join(values)
    return (
        all(values)
        and _UNSAFE.isdisjoint(joined)
        and (
            (len(joined) <= LONGEST_VALUE and joined.isascii())  # The quick way for what nearly all clients have.
            or max(map(len, values)) <= LONGEST_VALUE // 4
            or max(map(_bytes, values)) <= LONGEST_VALUE
        )
    )


def _bytes(value: str) -> int:
    return len(value.encode())


class Values:
    """The placeholder values of one principal. Each is checked once."""

    def __init__(self, principal: Principal, client_id: str | None) -> None:
        self._principal = principal
        self._client_id = client_id
        self._known: dict[str, tuple[str, ...]] = {}

    def combinations(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Each way to fill the named placeholders; none if a value is missing.

        Raises InvalidName and AmbiguousClaim for a claim that cannot be read, UnsafeValue for a value that cannot be a
        topic level, and PolicyTooLarge for more than can ever fit.
        """
        if len(names) == 1 and len(found := self._of(names[0])) <= MOST_COMBINATIONS:  # The quick way for most entries.
            return [(value,) for value in found]
        values = [self._of(name) for name in names]
        if (count := prod(map(len, values))) > MOST_COMBINATIONS:
            raise PolicyTooLarge(count)
        return list(product(*values))

    def missing(self, names: Collection[str]) -> list[str]:
        """Those of the named placeholders that have no value. Raises InvalidName, AmbiguousClaim, UnsafeValue."""
        return [name for name in names if not self._of(name)]

    def _of(self, name: str) -> tuple[str, ...]:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._checked(name)
        return known

    def _checked(self, name: str) -> tuple[str, ...]:
        if name == DENIED_CLIENT_ID:
            return self._of("client_id") or ("*",)
        found = self.found(name)
        if type(found) is str and _are_levels((found,)):
            return (found,)
        values = found if isinstance(found, (list, tuple)) else () if found is None else (found,)
        texts = [value if type(value) is str else _text(value, name) for value in values]
        if not _are_levels(texts):
            raise UnsafeValue(name)
        return tuple(dict.fromkeys(texts))

    def found(self, name: str) -> object | None:
        """The value behind a placeholder, unchecked; None if it is missing."""
        if name == "principal":
            return self._principal.name
        if name == "client_id":
            return self._client_id
        return read_claim(self._principal.claims, name.removeprefix("claims."))


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER:
        return str(value)
    raise UnsafeValue(name)
