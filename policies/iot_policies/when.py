"""`when`: compares a claim with the values that a grant or a deny names.

- A grant compares strictly: the claim, or an element of its list, equals a value; `true` is neither 1 nor "true".
  `"*"` wants a value that is there: not null, not false, not empty, not a list or an object of only such. 0 is there.
- A deny compares loosely, since issuers spell one thing in many ways (Cognito's custom attributes are texts).
  Booleans, numbers and texts are compared across types: `true` is 1 and the texts true, yes, on; 7 is "7" and "7.0".
  Texts are equal without regard to spaces at either end and to case. That is Unicode's full case folding, the same
  for every language: ß is ss, and the Turkish letters İ and dotless i are not i. `"*"` covers any value but null.
- A deny cannot tell what an object means, or a list in a list: such a claim is unclear, and its client is refused.
"""

from collections.abc import Mapping

from iot_policies.actions import Effect
from iot_policies.principal import Claims, read_claim, read_denied_claim

Scalar = str | int | float | bool
Condition = Scalar | tuple[Scalar, ...]
When = Mapping[str, Condition]
"""Claims and the values that they must have, all of them."""

SPELLINGS = {True: ("true", "yes", "on"), False: ("false", "no", "off")}
"""The texts that a deny takes for a boolean, in any case, besides those that spell 1 or 0."""


def unmet(when: When, claims: Claims, effect: Effect) -> dict[str, Condition]:
    """The conditions of a grant's or a deny's `when` that the claims do not meet.

    It reads every claim that `when` names, so that their order does not matter.
    Raises AmbiguousClaim and InvalidName, and for a deny UnclearDenial.
    """
    read, holds = (read_claim, meets) if effect == "Allow" else (read_denied_claim, covers)
    found = {}
    for name, wanted in when.items():
        value = read(claims, name)
        if value is None or not holds(value, wanted):
            found[name] = wanted
    return found


def meets(value: object, wanted: Condition) -> bool:
    """Whether a claim meets a condition of a grant."""
    if wanted == "*":
        return _is_there(value)
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    for element in value if isinstance(value, (list, tuple)) else (value,):
        for choice in values:  # Loops, since this runs for every client: a generator is slower.
            if element == choice and isinstance(element, bool) == isinstance(choice, bool):
                return True
    return False


def covers(value: object, wanted: Condition) -> bool:
    """Whether a condition of a deny covers a claim, which must not be unclear."""
    return wanted == "*" or any(
        _is_covered(element, choice)
        for element in (value if isinstance(value, (list, tuple)) else (value,))
        if isinstance(element, (str, int, float))
        for choice in choices(wanted)
    )


def choices(wanted: Condition) -> tuple[Scalar, ...]:
    """The values of a condition, one of which a claim must equal."""
    return wanted if isinstance(wanted, tuple) else (wanted,)


def spellings_of(wanted: Scalar) -> str:
    """What a value of a deny covers, in words."""
    if wanted == "*":
        return "any value but null"
    if isinstance(wanted, bool):
        texts = ", ".join(SPELLINGS[wanted])
        return f"{str(wanted).lower()}, {int(wanted)} also as a text, and the texts {texts} in any case"
    if isinstance(wanted, str):
        return f'"{wanted}" in any case, and the number or boolean that it spells'
    return f'{wanted} and the text "{wanted}"'


def conditions(when: Mapping[str, Condition]) -> str:
    """The conditions of a `when`, in words."""
    return ", ".join(condition_text(name, wanted) for name, wanted in when.items())


def condition_text(name: str, wanted: Condition) -> str:
    """One condition, in words."""
    if wanted == "*":
        return f"the claim {name}"
    values = (str(each).lower() if isinstance(each, bool) else str(each) for each in choices(wanted))
    return f"{name} = {' or '.join(values)}"


def _is_there(value: object) -> bool:
    pending = [value]
    for each in pending:  # It grows meanwhile. A claim can be nested deeper than functions can call themselves.
        if isinstance(each, (str, int, float)):
            if each is not False and each != "":
                return True
        elif isinstance(each, (list, tuple)):
            pending.extend(each)
        elif isinstance(each, Mapping):
            pending.extend(each.values())
    return False


def _is_covered(value: Scalar, wanted: Scalar) -> bool:
    if isinstance(wanted, str):
        return folded(value) == folded(wanted) if isinstance(value, str) else _is_spelled(wanted, value)
    return _is_spelled(value, wanted) if isinstance(value, str) else value == wanted


def _is_spelled(text: str, wanted: float | bool) -> bool:
    """Whether a text is a spelling of a number or a boolean."""
    return (isinstance(wanted, bool) and folded(text) in SPELLINGS[wanted]) or _number(text) == wanted


def folded(text: str) -> str:
    """What a deny compares of a text: two texts are equal for it if these are."""
    found = text.strip().casefold()
    if found.isascii():
        return found
    from unicodedata import normalize  # noqa: PLC0415 (not needed for ASCII, which most texts are)

    return normalize("NFC", found)  # Folding can decompose: ΐ becomes three characters, its capital form two.


def _number(text: str) -> float | None:
    """The number that a text spells, in any of Python's ways; None if it spells none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
