"""What a template says about one principal, read from the reference once more. Imports only the standard library.

1. A claim is found by its name, or its dots lead into objects. Both ways together are ambiguous. Null is missing.
2. A grant compares strictly; its `"*"` wants a value that is there. A deny compares by what values spell.
3. A deny refuses an object, a list in a list, and a path through something that is not an object.
4. A placeholder takes texts and whole numbers that are one level. A missing client ID is every client ID in a deny, and
   leaves the entries of grants out.
5. `expected_policy` has every reason for which the principal must get no policy, so that no other refusal is accepted.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, NamedTuple
from unicodedata import category, normalize

from iot_authorizer_cli.checking.template_lines import PLACEHOLDER, UNSAFE, TemplateLine, conditions_of, text_of

CLIENT_ID = "{client_id}"
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_EMPTY_SIGNS = "\u2800\U00013441\U00013442\U00016fe4\U0001d159"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" + _EMPTY_SIGNS
_SELECTORS = ("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef")
"""Characters that draw nothing and are in other categories: those of UAX #44, and signs that it lacks."""
_LONGEST_LEVEL = 128
_CERTAINLY_FITS = 9_000
"""Characters that fit into 10 documents of 2,048, if each one that is full is at least half full."""
_OVERHEAD = 180
"""Characters of a statement and an ARN around a resource, at most."""


class FilledLine(NamedTuple):
    """What an entry says about an action, with its values."""

    line: TemplateLine
    action: str
    text: str
    """The topic filter, client ID or direct message. Only in a deny, for a client without one, it has `{client_id}`."""
    reserved: bool
    """Whether only what begins with `$` is meant."""


class ExpectedPolicy(NamedTuple):
    """What a template says about one principal."""

    reaches: tuple[FilledLine, ...]
    refusals: frozenset[str]
    """The reason codes of which the principal must get one; empty if it must get a policy."""
    may_be_too_large: bool
    """Whether `policy_too_large` is accepted, too."""

    @property
    def lines(self) -> frozenset[TemplateLine]:
        """The entries that are there."""
        return frozenset(reach.line for reach in self.reaches)


def expected_policy(lines: Sequence[TemplateLine], prefix: str, principal: Mapping[str, Any]) -> ExpectedPolicy:
    """What a template says about a principal."""
    names = [principal["principal"], *([] if principal["client_id"] is None else [principal["client_id"]])]
    reasons = {"invalid_name" for each in names if not _is_name(each)}
    claims = principal["claims"]
    applicable = [line for line in lines if _applies(line, claims, reasons)]
    reaches = tuple(reach for line in applicable for reach in _filled(line, prefix, principal, reasons))
    if not any(reach.line.kind == "grant" for reach in reaches):
        reasons.add("nothing_granted")
    size = sum((len(json.dumps(each.text)) + _OVERHEAD) * (each.text.count("+") + 3) for each in reaches)
    return ExpectedPolicy(reaches, frozenset(reasons), size > _CERTAINLY_FITS)


def _filled(line: TemplateLine, prefix: str, principal: Mapping[str, Any], reasons: set[str]) -> Iterator[FilledLine]:
    names = dict.fromkeys(PLACEHOLDER.findall(line.text))
    options = [_texts(line, name, principal, reasons) for name in names]
    for chosen in product(*options):
        values = dict(zip(names, chosen, strict=True))
        for action, levels, reserved in line.patterns(prefix):
            text = "".join(str(values.get(part, part)) for part in PLACEHOLDER.split(text_of(levels)))
            yield FilledLine(line, action, text, reserved)


def _texts(line: TemplateLine, name: str, principal: Mapping[str, Any], reasons: set[str]) -> list[str]:
    if name == CLIENT_ID and principal["client_id"] is None:
        return [CLIENT_ID] if line.kind == "deny" else []
    if name in ("{principal}", CLIENT_ID):
        values = [principal[name[1:-1]]]
    else:
        values = _elements(_value(line, principal["claims"], name[8:-1], reasons))
    if not all(map(_is_level, values)):
        reasons.add("unsafe_value")
    return [*dict.fromkeys(str(each) for each in values if _is_level(each))]


def _is_level(value: object) -> bool:
    text = str(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) < value < 2**63
    is_short = 0 < len(text.encode()) <= _LONGEST_LEVEL
    return (isinstance(value, str) or is_whole) and is_short and not any(sign in text for sign in UNSAFE)


def _is_name(text: str) -> bool:
    return all(map(_is_visible, text)) and text == text.strip(" ") and normalize("NFC", text) == text


def _is_visible(character: str) -> bool:
    if character in _INVISIBLE or any(first <= character <= last for first, last in _SELECTORS):
        return False
    return character == " " or category(character)[0] not in "CZ"


def _applies(line: TemplateLine, claims: Mapping[str, Any], reasons: set[str]) -> bool:
    """Whether the entry's block applies. It reads every claim of its `when`."""
    wanted = conditions_of(line.block)
    found = {name: _value(line, claims, name, reasons) for name in wanted}
    return all(found[name] is not None and _meets(line, found[name], values) for name, values in wanted.items())


def _value(line: TemplateLine, claims: Mapping[str, Any], name: str, reasons: set[str]) -> object:
    """What an entry sees of a claim; None if it is missing."""
    ways = [*_ways(claims, name)]
    if len(ways) > 1:
        reasons.add("ambiguous_claim")
    value = ways[0] if ways else None
    if name in ("scope", "scp") and isinstance(value, str):
        value = [word for word in value.split(" ") if word]
    elements = _elements(value)
    if any(isinstance(each, str) and not _is_name(each) for each in elements):
        reasons.add("invalid_name")
    if line.kind == "deny":
        has_words = name in ("scope", "scp") and any(isinstance(each, str) and " " in each for each in elements)
        if has_words or any(isinstance(each, (dict, list)) for each in elements) or _is_blocked(claims, name):
            reasons.add("unclear_denial")
    return value


def _ways(claims: Mapping[str, Any], name: str) -> Iterator[object]:
    if name in claims:
        yield claims[name]
    for outer, rest in _cuts(name):
        if isinstance(inner := claims.get(outer), dict):
            yield from _ways(inner, rest)


def _is_blocked(claims: Mapping[str, Any], name: str) -> bool:
    """Whether a path to the claim leads through something that is neither an object nor null."""
    return any(
        _is_blocked(inner, rest) if isinstance(inner, dict) else inner is not None
        for outer, rest in _cuts(name)
        for inner in [claims.get(outer)]
    )


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    return ((name[:at], name[at + 1 :]) for at in range(1, len(name)) if name[at] == ".")


def _elements(value: object) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _meets(line: TemplateLine, value: object, wanted: object) -> bool:
    """`wanted`: `"*"`, or a list of values."""
    if wanted == "*":
        return line.kind == "deny" or _is_there(value)
    compare = _is_same if line.kind == "grant" else _is_alike
    return any(compare(each, one) for each in _elements(value) for one in _elements(wanted) if each is not None)


def _is_there(value: object) -> bool:
    if isinstance(value, (list, dict)):
        return any(map(_is_there, value.values() if isinstance(value, dict) else value))
    return value is not None and value is not False and value != ""


def _is_same(value: object, wanted: object) -> bool:
    return value == wanted and isinstance(value, bool) is isinstance(wanted, bool)


def _is_alike(value: object, wanted: object) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return _folded(value) == _folded(wanted)
    if isinstance(value, str):
        return _spells(value, wanted)
    return _spells(wanted, value) if isinstance(wanted, str) else value == wanted


def _spells(text: str, value: object) -> bool:
    if isinstance(value, bool) and _folded(text) in (_TRUE if value else _FALSE):
        return True
    for number in (int, float):
        with suppress(ValueError):
            return isinstance(value, (int, float)) and number(text) == value  # `true` is 1.
    return False


def _folded(text: str) -> str:
    return normalize("NFC", text.strip().casefold())
