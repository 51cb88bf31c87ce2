"""The wildcards of IoT policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.wildcards import VALUE, matcher
from tests.policies import reference


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a", "a"),
        ("*", ""),
        ("*", "a/b"),
        ("a/*/b", "a/x/b"),
        ("a/*/b", "a/x/y/b"),
        ("a/*/b", "a//b"),
        ("a/*", "a/"),
        ("a/*", "a/#"),
        ("a/*", "a/+/b"),
        ("a?", "ab"),
        ("a?", "a/"),
        ("?*", "a"),
        ("**", ""),
        ("*a*", "a"),
        ("*ab*ab", "abab"),
        ("a*a", "aa"),
        ("a+b", "a+b"),
        ("a/#", "a/#"),
        ("(a)[b].{c}|d^$\\", "(a)[b].{c}|d^$\\"),
        ("a*", "a\nb"),
        ("a?b", "a\nb"),
        ("?", "😀"),
        ("\\*", "\\a"),
    ],
)
def test_a_pattern_matches(pattern: str, text: str) -> None:
    assert matcher(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("a", "A", id="case counts"),
        pytest.param("a", "ab", id="the whole text counts"),
        pytest.param("a", "ba", id="from its start"),
        pytest.param("a", "a\n", id="a last line end counts too"),
        pytest.param("?", "", id="a question mark is one character"),
        pytest.param("?", "ab", id="and no more"),
        pytest.param("a/*", "a", id="a star does not take the slash away"),
        pytest.param("a/+", "a/b", id="a plus is a plus"),
        pytest.param("a/#", "a/b", id="a hash is a hash"),
        pytest.param("a*a", "a", id="one character is not two"),
        pytest.param("*ab*ab", "ab", id="a run counts once"),
        pytest.param("a.c", "abc", id="a dot is a dot"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not matcher(pattern)(text)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_patterns_agree_with_the_reference(pattern: str, text: str) -> None:
    assert matcher(pattern)(text) == reference.wildcard_matches(pattern, text)


@given(st.text("ab/*?\\.(+#$[^\n", max_size=8), st.text("ab/*?\\.(+#$[^\n", max_size=8))
def test_no_other_character_has_a_meaning(pattern: str, text: str) -> None:
    assert matcher(pattern)(text) == reference.wildcard_matches(pattern, text)


@given(st.text(), st.text())
def test_a_text_between_stars_is_found_anywhere(start: str, end: str) -> None:
    assert matcher("*needle*")(f"{start}needle{end}")


@given(st.lists(st.text("ab*?", max_size=3), min_size=2, max_size=3), st.text("ab*?", max_size=3), st.text("ab*?"))
def test_a_value_has_no_wildcards(parts: list[str], value: str, text: str) -> None:
    tokens: list[object] = [*reference.tokens(parts[0])]
    for part in parts[1:]:
        tokens += [*value, *reference.tokens(part)]
    found = matcher(VALUE.join(parts), (value,) * (len(parts) - 1))
    assert found(text) == reference.tokens_match(tuple(tokens), text)


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 60 + "*b", "*a?" * 60 + "*b", "a*" * 60 + "b", "*" * 200 + "b", "*?" * 60 + "*b*c", "*aa*" * 40 + "b"],
)
def test_no_pattern_takes_exponential_time(pattern: str) -> None:
    # A matcher that tried every way to share the text among the stars would not end in anyone's lifetime.
    assert not matcher(pattern)("a" * 256)
