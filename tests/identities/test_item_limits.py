"""What no table takes, since DynamoDB has no room for it."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from iot_identities.item_limits import to_store
from iot_identities.table import Item


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
            to_store({"id": "a", "weight": place})


@pytest.mark.parametrize("name", [1, None, ("a",)])
def test_names_are_strings(name: object) -> None:
    with pytest.raises(TypeError, match=r"^claims: expected names of type str, got "):
        to_store({"id": "a", "claims": {name: 1}})


@pytest.mark.parametrize("item", [{"id": "a", "": 1}, {"id": "a", "claims": {"": 1}}])
def test_names_are_not_empty(item: Item) -> None:
    with pytest.raises(ValueError, match="expected names that are not empty"):
        to_store(item)


@pytest.mark.parametrize("number", [10**38 - 1, 1 - 10**38])
def test_a_number_has_38_digits(number: int) -> None:
    assert to_store({"id": "a", "number": number})["number"] == number


@pytest.mark.parametrize("number", [10**38, -(10**38), 10**4000])
def test_a_number_has_no_39_digits(number: int) -> None:
    with pytest.raises(ValueError, match=r"^number: expected a number of at most 38 digits"):
        to_store({"id": "a", "number": number})


def test_a_value_has_32_levels() -> None:
    assert to_store({"id": "a", "deep": nested(32)})["deep"] == nested(32)


def test_a_value_has_no_33_levels() -> None:
    with pytest.raises(ValueError, match=r"^deep: expected at most 32 levels"):
        to_store({"id": "a", "deep": nested(33)})


def test_a_list_in_itself_has_too_many_levels() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=r"^deep: expected at most 32 levels"):
        to_store({"id": "a", "deep": endless})


FIXED = len("id" + "a" + "revision") + 2
"""Bytes of an item with nothing else: 1 has 2."""


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
    assert to_store({"id": "a", "value": value, "filler": "x" * room})
    with pytest.raises(ValueError, match="expected an item of at most 409600 bytes"):
        to_store({"id": "a", "value": value, "filler": "x" * (room + 1)})


def test_no_refusal_names_a_value() -> None:
    with pytest.raises(ValueError, match=r"^password: ") as refused:
        to_store({"id": "a", "password": "secret\ud800"})
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__
