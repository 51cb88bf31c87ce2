"""How templates read and compare claims, written from the reference "Template language" and not from the compiler.

A proof compares the compiler with this module and `meaning.py`, so they share no code with it: of the package they
import only the shapes of templates. Where the reference says nothing, a claim is not used in a proof.

- A claim is found by its name, or its dots lead into objects; both ways together are refused. Null is missing.
- `scope` and `scp` are lists of words. Each text must obey the name rule.
- A grant compares strictly, and `"*"` wants a value that is there. A deny compares loosely, and `"*"` wants any value.
- A deny refuses an object, a list that holds an object or a list, and a path that leads through a list or a text.
- A placeholder takes texts and whole numbers that are one plain level.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from unicodedata import category, normalize

from iot_policies.grants import Deny, Grant
from iot_policies.principal import Claims
from iot_policies.proofs.patterns import UNSAFE
from iot_policies.when import Condition, Scalar

_WORD_LISTS = ("scope", "scp")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_EMPTY_SIGNS = "\u2800\U00013441\U00013442\U00016fe4\U0001d159"
_MARKS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" + _EMPTY_SIGNS
_SELECTORS = ("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef")
"""Characters that draw nothing and are in other categories: those of UAX #44, and signs that it lacks."""
_LONGEST = 128


class MustBeRefused(Exception):
    """This principal must get no policy. Its text is the reason code."""


def value_of(claims: Claims, name: str) -> object | None:
    """What a template sees of a claim; None if it is missing. Raises MustBeRefused."""
    ways = [*_ways(claims, name)]
    if len(ways) > 1:
        raise MustBeRefused("ambiguous_claim")
    value = ways[0] if ways else None
    if name in _WORD_LISTS and isinstance(value, str):
        value = [word for word in value.split(" ") if word]
    for each in _elements(value):
        if isinstance(each, str) and not is_name(each):
            raise MustBeRefused("invalid_name")
    return value


def denied_value_of(claims: Claims, name: str) -> object | None:
    """What a deny sees of a claim; None if it is missing. Raises MustBeRefused."""
    value = value_of(claims, name)
    for each in _elements(value):
        has_words = name in _WORD_LISTS and isinstance(value, list) and isinstance(each, str) and " " in each
        if has_words or isinstance(each, (Mapping, list)):
            raise MustBeRefused("unclear_denial")
    if any(_leads_through_a_value(claims, name)):
        raise MustBeRefused("unclear_denial")
    return value


def applies(block: Grant | Deny, claims: Claims) -> bool:
    """Whether a grant or a deny applies to a client. It reads every claim of `when`. Raises MustBeRefused."""
    read, holds = (value_of, _grants) if isinstance(block, Grant) else (denied_value_of, _denies)
    values = {name: read(claims, name) for name in block.when or {}}
    return all(values[name] is not None and holds(values[name], wanted) for name, wanted in (block.when or {}).items())


def levels_for(value: object | None) -> tuple[str, ...]:
    """The levels that a placeholder becomes for a claim's value, without duplicates. Raises MustBeRefused."""
    texts = [_level(each) for each in _elements(value)]
    return tuple(dict.fromkeys(texts))


def _level(value: object) -> str:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) < value < 2**63
    text = str(value) if is_whole else value
    if not isinstance(text, str) or not text or any(sign in text for sign in UNSAFE) or len(text.encode()) > _LONGEST:
        raise MustBeRefused("unsafe_value")
    return text


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """The name rule: composed, assigned, visible characters; no space but U+0020, and none at either end."""
    return all(map(_is_visible, text)) and text == text.strip(" ") and normalize("NFC", text) == text


def _is_visible(character: str) -> bool:
    if character in _MARKS or any(first <= character <= last for first, last in _SELECTORS):
        return False
    return character == " " or category(character)[0] not in "CZ"


def _ways(claims: Claims, name: str) -> Iterator[object]:
    """Every value to which a name leads."""
    if name in claims:
        yield claims[name]
    for outer, rest in _cuts(name):
        if isinstance(inner := claims.get(outer), Mapping):
            yield from _ways(inner, rest)


def _leads_through_a_value(claims: Claims, name: str) -> Iterator[bool]:
    for outer, rest in _cuts(name):
        inner = claims.get(outer)
        if isinstance(inner, Mapping):
            yield from _leads_through_a_value(inner, rest)
        elif inner is not None:
            yield True


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    return ((name[:at], name[at + 1 :]) for at in range(1, len(name)) if name[at] == ".")


def _elements(value: object) -> list[object]:
    return [] if value is None else [*value] if isinstance(value, (list, tuple)) else [value]


def _wanted(condition: Condition) -> tuple[Scalar, ...]:
    return condition if isinstance(condition, tuple) else (condition,)


def _grants(value: object, condition: Condition) -> bool:
    if condition == "*":
        return _is_there(value)
    return any(
        each == wanted and isinstance(each, bool) is isinstance(wanted, bool)
        for each in _elements(value)
        for wanted in _wanted(condition)
    )


def _is_there(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_is_there, value))
    if isinstance(value, Mapping):
        return any(map(_is_there, value.values()))
    return value is not None and value is not False and value != ""


def _denies(value: object, condition: Condition) -> bool:
    return condition == "*" or any(
        _is_alike(each, wanted) for each in _elements(value) for wanted in _wanted(condition) if each is not None
    )


def _is_alike(value: object, wanted: Scalar) -> bool:
    """Whether a deny takes a value for the one that it wants: both are compared by what they spell."""
    if isinstance(value, str) and isinstance(wanted, str):
        return _fold(value) == _fold(wanted)
    if isinstance(value, str):
        return _spells(value, wanted)
    return _spells(wanted, value) if isinstance(wanted, str) else value == wanted


def _spells(text: str, value: object) -> bool:
    if isinstance(value, bool) and _fold(text) in (_TRUE if value else _FALSE):
        return True
    for number in (int, float):
        with suppress(ValueError):
            return isinstance(value, (int, float)) and number(text) == value  # `true` is 1.
    return False


def _fold(text: str) -> str:
    return normalize("NFC", text.strip().casefold())
