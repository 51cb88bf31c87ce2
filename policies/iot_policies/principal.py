"""A principal and its claims, and how a template reads them.

A template reads the claims of every source in this one way: of a token, a stored user, a password file, `[anonymous]`,
`--claims` and the console. A source hands over its claims as they are.

- Only claims that a `when` or a placeholder names are read. The others may hold anything.
- A name with dots is a claim of that name, or a path into objects, as in `realm_access.roles`. Claims that have both,
  with any values, are refused: an issuer and this reader could mean different ones.
- `scope` (RFC 8693, section 4.2) and Entra's `scp` are lists of words, separated by spaces (U+0020) and by nothing
  else: a tab is part of a word, which then breaks the name rule. The elements of a list are not split: a grant finds no
  word in "a b", and a deny refuses the client.
- Each text, or element of a list, must obey the name rule (`names.py`). It is refused, never normalized.
- A deny cannot say what an object means, or a list that holds an object or a list, or a path that leads through
  anything but objects, even if a claim has the path as its name: such a client is refused. A grant then grants nothing,
  or what the claim of that name says.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple

from iot_policies.errors import AmbiguousClaim, InvalidName, UnclearDenial
from iot_policies.names import name_problem

Claims = Mapping[str, object]

WORD_LISTS = ("scope", "scp")
"""The claims whose text is a list of words."""


class Principal(NamedTuple):
    """A client's proven name and claims: all that a policy template knows about the client."""

    name: str
    """The principal's name: a subject, a user name, a device's serial number."""
    claims: Claims = MappingProxyType({})
    """JSON values by name, from the token's issuer or the user's stored claims."""


def read_claim(claims: Claims, name: str) -> object | None:
    """What a template sees of a claim; None if it is missing or null. Raises AmbiguousClaim, InvalidName."""
    found = claim(claims, name) if "." in name else claims.get(name)
    if found is None:
        return None
    if isinstance(found, str):
        if name not in WORD_LISTS:
            if (problem := name_problem(found)) is not None:
                raise InvalidName(f"claims.{name}", problem)
            return found
        found = [word for word in found.split(" ") if word]
    if isinstance(found, (list, tuple)) and not are_names(found):
        problems = (name_problem(element) for element in found if isinstance(element, str))
        raise InvalidName(f"claims.{name}", next(filter(None, problems)))
    return found


def are_names(values: Collection[object]) -> bool:
    """Whether every text among some values obeys the name rule. An empty text does, and so does what is no text."""
    try:
        joined = "|".join(("", *values, ""))  # type: ignore[arg-type]  # The quick way for what nearly all clients have.
    except TypeError:
        return all(not isinstance(value, str) or name_problem(value) is None for value in values)
    if joined.isascii() and joined.isprintable() and "| " not in joined and " |" not in joined:
        return True
    return all(isinstance(value, str) and name_problem(value) is None for value in values)


def read_denied_claim(claims: Claims, name: str) -> object | None:
    """What a deny sees of a claim. Raises as `read_claim` does, and UnclearDenial if it cannot say what that means."""
    found = read_claim(claims, name)
    is_clear = found is None or (_are_words(found) if name in WORD_LISTS else _is_clear(found))
    if not is_clear or ("." in name and _is_blocked(claims, name)):
        raise UnclearDenial(name)
    return found


def claim(claims: Claims, name: str) -> object | None:
    """Finds a claim by its name or path, and returns its value unread; None if it is missing. Raises AmbiguousClaim."""
    if "." not in name:
        return claims.get(name)
    found = list(_found(claims, name))
    if len(found) > 1:
        raise AmbiguousClaim(name)
    return found[0] if found else None


def _is_clear(value: object) -> bool:
    if isinstance(value, (str, int)):  # The quick way for nearly all claims.
        return True
    return all(
        element is None or isinstance(element, (str, int)) or (isinstance(element, float) and isfinite(element))
        for element in (value if isinstance(value, (list, tuple)) else (value,))
    )


def _are_words(value: object) -> bool:
    """Whether no element of a list has several words: which of them count is not clear."""
    several = isinstance(value, (list, tuple)) and any(isinstance(each, str) and " " in each for each in value)
    return _is_clear(value) and not several


def _is_blocked(claims: Claims, name: str) -> bool:
    """Whether a path leads into a value that is not an object, such as a list of objects or a text with JSON."""
    for outer, rest in _splits(name):
        inner = claims.get(outer)
        if inner is not None and (not isinstance(inner, Mapping) or _is_blocked(inner, rest)):
            return True
    return False


def _found(claims: Claims, name: str) -> Iterator[object]:
    """Every value that has the name, whether its dots are part of names or lead into objects."""
    if name in claims:
        yield claims[name]
    for outer, rest in _splits(name):
        inner = claims.get(outer)
        if isinstance(inner, Mapping):
            yield from _found(inner, rest)


@lru_cache(maxsize=1024)
def _splits(name: str) -> tuple[tuple[str, str], ...]:
    """The ways to cut a name of a template at one dot. Names such as `https://example.com/roles` have dots, too."""
    return tuple((name[:at], name[at + 1 :]) for at, character in enumerate(name) if character == "." and at)
