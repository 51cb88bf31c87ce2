"""Placeholders in templates: `{principal}`, `{client_id}`, `{claims.NAME}`, and the values that may stand for them."""

import re
from itertools import product
from math import prod

from iot_policies.errors import PolicyTooLarge, UnsafeValue
from iot_policies.principal import Principal, claim
from iot_policies.topics import Levels

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SLASH = re.compile(r"/(?![^{}]*\})")
UNSAFE_SIGNS = "/+#*?$"
"""What no value may hold, since it separates levels or stands for more than itself."""
_UNSAFE = re.compile(rf"[{UNSAFE_SIGNS}\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_LARGEST_NUMBER = 2**63

MOST_COMBINATIONS = 16_384
"""Of one entry, and of all together: many times what fits into a policy, and little enough to make in milliseconds."""
LONGEST_VALUE = 128
"""Bytes of UTF-8 that one value may have: no more than IoT Core lets a client ID have."""


def split_template(text: str) -> Levels:
    """The levels of a filter with placeholders; a `/` inside a placeholder is part of a claim's name."""
    return tuple(_SLASH.split(text))


def placeholder_names(text: str) -> tuple[str, ...]:
    """The names in a template's entry, each once, in order."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def as_format(text: str, names: tuple[str, ...]) -> str:
    """A template's text with its placeholders numbered for `str.format`, by their place in `names`."""
    return PLACEHOLDER.sub(lambda match: "{" + str(names.index(match[1])) + "}", text)


def is_safe(*values: str) -> bool:
    """Whether each value is one level and nothing but that: no `/`, no wildcard, no `$`, no control character."""
    return (
        all(values)
        and _UNSAFE.search("".join(values)) is None
        and (not values or max(map(len, values)) <= LONGEST_VALUE // 4 or max(map(_bytes, values)) <= LONGEST_VALUE)
    )


def _bytes(value: str) -> int:
    return len(value.encode())


class Values:
    """The values of placeholders for one principal, each checked once."""

    def __init__(self, principal: Principal, client_id: str | None) -> None:
        self._principal = principal
        self._client_id = client_id
        self._known: dict[str, tuple[str, ...]] = {}
        self._combinations: dict[tuple[str, ...], list[tuple[str, ...]]] = {}

    def combinations(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Each way to fill the named placeholders; none at all where a value is missing.

        Raises UnsafeValue for a value that can't stand in a level, PolicyTooLarge for more than could ever fit.
        """
        found = self._combinations.get(names)
        if found is None:
            values = [self._of(name) for name in names]
            if (count := prod(map(len, values))) > MOST_COMBINATIONS:
                raise PolicyTooLarge(count)
            found = self._combinations[names] = list(product(*values))
        return found

    def _of(self, name: str) -> tuple[str, ...]:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._checked(name)
        return known

    def _checked(self, name: str) -> tuple[str, ...]:
        found = self._found(name)
        values = found if isinstance(found, (list, tuple)) else () if found is None else (found,)
        texts = [value if type(value) is str else _text(value, name) for value in values]
        if not is_safe(*texts):
            raise UnsafeValue(name)
        return tuple(dict.fromkeys(texts))

    def _found(self, name: str) -> object | None:
        if name == "principal":
            return self._principal.name
        if name == "client_id":
            return self._client_id
        return claim(self._principal.claims, name.removeprefix("claims."))


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER:
        return str(value)
    raise UnsafeValue(name)
