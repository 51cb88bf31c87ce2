"""Values of claims that meet a condition, that nearly meet it, and that a template cannot read."""

from collections.abc import Iterator
from contextlib import suppress
from math import isfinite

from iot_policies.grants import Deny, Grant
from iot_policies.when import Condition, Scalar

_SPELLED = {True: ("true", "1", "yes", "on", "1.0", "01", "+1"), False: ("false", "0", "no", "off", "0.0", "-0")}
_NOT_THERE: tuple[object, ...] = (False, "", [], {}, [None, ""], {"a": [False]})
_THERE: tuple[object, ...] = (0, [0], ["", 0], [[0]], {"a": 0}, True, "zz")
_FOLDED = (("ss", "ß"), ("ß", "ss"), ("s", "\u017f"), ("fi", "ﬁ"))
"""Texts that Unicode's case folding makes equal, and others do not."""
_MANY = [f"zz{number}" for number in range(20)]


def values_that_meet(block: Grant | Deny, wanted: Condition) -> Iterator[object]:
    """Every spelling of each value of a condition, alone and in a list."""
    for each in wanted if isinstance(wanted, tuple) else (wanted,):
        for spelled in spellings(each) if isinstance(block, Deny) else (each,):
            yield spelled
            yield from ([spelled, "zz"], ["zz", spelled])
            if isinstance(spelled, str):
                yield f"{spelled} zz"
        yield from (["zz", False, each], [*_MANY, each])


def spellings(wanted: Scalar) -> Iterator[object]:
    """What a deny takes for a value."""
    if isinstance(wanted, bool):
        yield from (wanted, int(wanted), *_SPELLED[wanted], *map(str.upper, _SPELLED[wanted]))
    elif isinstance(wanted, str):
        yield from sorted({wanted, wanted.upper(), wanted.lower(), wanted.title()})
        yield from dict.fromkeys(wanted.replace(plain, folded) for plain, folded in _FOLDED if plain in wanted)
        yield from (truth for truth in (True, False) if wanted.casefold() in _SPELLED[truth])
        for number in (int, float):
            with suppress(ValueError, OverflowError):
                if isfinite(found := number(wanted)):
                    yield found
    else:
        yield from (wanted, str(wanted), f"+{wanted}", f"0{wanted}", f"{wanted}e0")
        if isinstance(wanted, int):
            yield f"{wanted}.0"
            with suppress(OverflowError):
                yield float(wanted)


def near_misses(block: Grant | Deny, wanted: Condition) -> Iterator[object]:
    """Values that are alike to one of a condition, and for the other kind of block perhaps equal."""
    yield from _NOT_THERE
    yield from ([["zz"]], [{"zz": 1}], {"zz": "zz"}, ["zz zz"], *_THERE)
    for each in wanted if isinstance(wanted, tuple) else (wanted,):
        if isinstance(each, bool):
            yield from (not each, *_SPELLED[not each], f"{str(each).lower()}x", [[each]], {"zz": each}, 2)
            if isinstance(block, Grant):
                yield from (int(each), *_SPELLED[each])
        elif isinstance(each, str):
            yield from (f"{each}x", each[:-1], each[1:], [[each]], {each: each}, {"zz": each}, f"{each},zz")
            yield each.replace("i", "\u0131")
            if isinstance(block, Grant):
                yield from (each.upper(), each.lower(), each.title())
        else:
            yield from (each + 1, f"{each}x", str(each + 1), [[each]], {"zz": each})
            if isinstance(block, Grant):
                yield from (str(each), bool(each))


def nested(name: str, value: object) -> Iterator[dict[str, object]]:
    """Claims in which a name with dots leads into objects."""
    for at in range(1, len(name)):
        if name[at] == ".":
            yield {name[:at]: {name[at + 1 :]: value}}
            deeper: list[object] = [*nested(name[at + 1 :], value)]
            yield from ({name[:at]: each} for each in deeper)


def unreadable(name: str) -> Iterator[dict[str, object]]:
    """Claims in which a name with dots leads through values, into objects, or to two values."""
    for at in range(1, len(name)):
        if name[at] == ".":
            outer, rest = name[:at], name[at + 1 :]
            found: list[object] = ["zz", ["zz"], {rest: "zz"}, {}, {rest: None}]
            yield from ({outer: value} for value in found)
            yield from ({outer: value, name: "zz"} for value in (*found, None))
