"""What no table takes, since DynamoDB has no room for it."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from iot_identities.item_limits import to_store
from iot_identities.table import Item
from tests.identities.questions import NOW


def stored(item: Item) -> Item:
    """A new item as tables store it."""
    return to_store(item, now=NOW)


def nested(levels: int) -> object:
    """A value in so many levels, itself one of them."""
    value: object = "x"
    for level in range(levels - 1):
        value = [value] if level % 2 else {"inner": value}
    return value


@pytest.mark.parametrize("value", [0.5, 1.0, float("nan"), Decimal(1), b"a", ("a",), {"a"}, object(), Mapping])
def test_other_types_are_refused_wherever_they_stand(value: object) -> None:
    for place in (value, [value], {"deep": [{"er": value}]}):
        with pytest.raises(TypeError, match=r"^weight: expected str, int, bool, None, list or dict, got "):
            stored({"id": "a", "weight": place})


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize("value", [10**38 - 1, 1 - 10**38, nested(32)], ids=["38 digits", "below 0", "32 levels"])
def test_a_number_of_38_digits_and_a_value_of_32_levels_are_stored(value: object) -> None:
    assert stored({"id": "a", "value": value})["value"] == value


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        *(
            ({"value": number}, ValueError, "^value: expected a number of at most 38 digits")
            for number in (10**38, -(10**38), 10**4000)
        ),
        *(({"value": value}, ValueError, "^value: expected at most 32 levels") for value in (nested(33), ENDLESS)),
        *(
            ({"claims": {name: 1}}, TypeError, "^claims: expected names of type str, got ")
            for name in (1, None, ("a",))
        ),
        *((item, ValueError, "expected names that are not empty") for item in ({"": 1}, {"claims": {"": 1}})),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_dynamodb_has_no_room_for_is_refused(item: Item, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        stored({"id": "a", **item})


FIXED = len("id" + "a" + "revision") + 9
"""Bytes of an item with nothing else: a revision of 16 digits has 9."""


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("é", 2),
        ("😀", 4),
        (None, 1),
        (True, 1),
        (7, 2),
        (-7, 3),
        (123, 3),
        (10**38 - 1, 20),
        ([], 3),
        (["ab", "c"], 3 + 3 + 2),
        ({}, 3),
        ({"ab": "c"}, 3 + 4),
    ],
)
def test_an_item_has_400_kb_by_dynamodbs_reckoning(value: object, size: int) -> None:
    room = 400 * 1024 - FIXED - len("valuefiller") - size
    assert stored({"id": "a", "value": value, "filler": "x" * room})
    with pytest.raises(ValueError, match="expected an item of at most 409600 bytes"):
        stored({"id": "a", "value": value, "filler": "x" * (room + 1)})


def test_no_refusal_names_a_value() -> None:
    with pytest.raises(ValueError, match=r"^password: ") as refused:
        stored({"id": "a", "password": "secret\ud800"})
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__
