"""JSON is read or refused in the same way by each version of Python, however deep the caller is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.strict_json import MOST_LEVELS, STRICT, NestedTooDeeply
from tests.effort import examples

ARRAYS = ("[", "]")
OBJECTS = ('{"a":', "}")
MIXED = ('[{"a":', "}]")


def nested(kind: tuple[str, str], times: int) -> str:
    """JSON inside each other, so many times, around a number."""
    opening, closing = kind
    return f"{opening * times}1{closing * times}"


@pytest.mark.parametrize(("kind", "most"), [(ARRAYS, MOST_LEVELS), (OBJECTS, MOST_LEVELS), (MIXED, MOST_LEVELS // 2)])
def test_the_most_levels_are_read_and_one_more_is_refused(kind: tuple[str, str], most: int) -> None:
    text = nested(kind, most)
    assert STRICT.decode(text) == json.loads(text)
    with pytest.raises(NestedTooDeeply, match="expected at most 100 levels"):
        STRICT.decode(f"[{text}]")


VERY_DEEP = {
    "whole": nested(ARRAYS, 100_000),
    "cut off": "[" * 100_000,
    "behind a long text": '["' + '\\"' * 50_000 + '",' + "[" * 200,
}


@pytest.mark.parametrize("text", VERY_DEEP.values(), ids=VERY_DEEP)
def test_very_deep_json_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(NestedTooDeeply):
        STRICT.decode(text)


NO_LEVELS = {
    "in a text": f'"{"[" * 1000}"',
    "behind a quote in a text": '["\\"' + "{" * 1000 + '\\\\"]',
    "beside each other": "[" + "[]," * 1000 + "[]]",
}


@pytest.mark.parametrize("text", NO_LEVELS.values(), ids=NO_LEVELS)
def test_brackets_in_texts_and_beside_each_other_are_no_levels(text: str) -> None:
    assert STRICT.decode(text) == json.loads(text)


@given(st.recursive(st.text('["\\]{}'), lambda inner: st.lists(inner) | st.dictionaries(st.text('["\\]{}'), inner)))
@examples(2)
def test_texts_with_brackets_quotes_and_backslashes_never_count_as_levels(value: object) -> None:
    wide: list[object] = [[]] * MOST_LEVELS  # So that the levels are looked at.
    assert STRICT.decode(json.dumps([wide, value])) == [wide, value]
