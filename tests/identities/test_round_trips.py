"""What is stored comes back as it was: every value, and its type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.table import Table
from tests.identities.questions import FIRST

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.integers(1 - 10**38, 10**38 - 1)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(bool), inner, max_size=4),
    max_leaves=12,
)


def typed(value: object) -> object:
    """A value with the type of each part: Python takes True for 1."""
    match value:
        case list():
            return [typed(element) for element in value]
        case dict():
            return {name: typed(inner) for name, inner in value.items()}
        case _:
            return type(value), value


@given(TEXTS.filter(bool), VALUES)
def test_any_value_comes_back(table: Table, id: str, value: object) -> None:
    table.write({"id": id, "value": value})
    assert typed(table.read([id])[id]) == typed({"id": id, "value": value, "revision": FIRST})


@pytest.mark.parametrize(
    "value",
    ["", "\0", "\u2028", 0, -1, 10**37, 10**38 - 1, 1 - 10**38, True, False, None, [], {}, [[], {}, [None]]],
    ids=repr,
)
def test_values_at_the_edge_come_back_also_from_a_list_of_items(table: Table, value: object) -> None:
    table.write({"id": "a", "value": value})
    assert [typed(item["value"]) for item in (table.read(["a"])["a"], *table.items("a"))] == [typed(value)] * 2
