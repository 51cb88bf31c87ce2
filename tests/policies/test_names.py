"""The name rule."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.names import name_problem
from iot_policies.principal import are_names

GOOD = ("ann", "josé", "a b", "東京", "a|b", "|", "a |b", "a| b", "ß", "אבג", "न", "😀", "", "x" * 5000)
INVISIBLE = (
    *("\xad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180e", "\u200b", "\u200c", "\u200d", "\u200e"),
    *("\u2028", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\u2800", "\u3164", "\ufe0f", "\ufeff", "\uffa0"),
    *("\U00013441", "\U00013442"),
    *("\U00016fe4", "\U0001d159"),
    *("\ufff9", "\U000e0001", "\U000e0041", "\U000e0100"),
    *("\0", "\t", "\n", "\x1f", "\x7f", "\x85", "\x9f"),
    *("\xa0", "\u2003", "\u3000"),
    *("\ufdd0", "\ufffe", "\uffff", "\U0010ffff", "\ue000", "\u0378", chr(0xD800), chr(0xDFFF)),
)


@pytest.mark.parametrize("text", GOOD, ids=ascii)
def test_a_text_that_can_be_read_in_one_way_is_a_name(text: str) -> None:
    assert name_problem(text) is None


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_a_character_that_cannot_be_seen_is_refused_anywhere(character: str) -> None:
    assert [are_names([text]) for text in (f"a{character}b", f"{character}a", f"a{character}")] == [False] * 3


@pytest.mark.parametrize("text", ["jose\u0301", "e\u0328\u0301", "\u212b", "\u1112\u1161"], ids=ascii)
def test_a_text_that_is_not_composed_is_refused(text: str) -> None:
    assert name_problem(text) == "is not composed (Unicode's NFC)"


@pytest.mark.parametrize("space", [" ", "\t", "\xa0", "\u3000"], ids=ascii)
def test_a_space_at_either_end_is_refused(space: str) -> None:
    assert {name_problem(text) for text in (f"{space}a", f"a{space}", space)} == {"begins or ends with a space"}


@given(st.lists(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("a |\t")), max_size=4), max_size=4))
def test_texts_are_names_if_each_of_them_is_one(texts: list[str]) -> None:
    assert are_names(texts) == all(name_problem(text) is None for text in texts)


@given(st.text())
def test_no_two_names_have_the_same_normal_form(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert name_problem(text) is not None or text == composed
