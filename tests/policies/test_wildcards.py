"""The wildcards of IoT policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.wildcards import VALUE, matcher
from tests.effort import examples
from tests.policies import reference


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a/*/b", "a/x/y/b", True),
        ("a/*/b", "a//b", True),
        ("a/*", "a/", True),
        ("a/*", "a/#", True),
        ("a?", "a/", True),
        ("?*", "a", True),
        ("**", "", True),
        ("*ab*ab", "abab", True),
        ("(a)[b].{c}|d^$\\", "(a)[b].{c}|d^$\\", True),
        ("a?b", "a\nb", True),
        ("?", "😀", True),
        ("\\*", "\\a", True),
        pytest.param("a", "A", False, id="case counts"),
        pytest.param("a", "ba", False, id="the whole text counts"),
        pytest.param("a", "a\n", False, id="a last line end counts too"),
        pytest.param("?", "", False, id="a question mark is one character"),
        pytest.param("a/*", "a", False, id="a star does not take the slash away"),
        pytest.param("a/+", "a/b", False, id="a plus is a plus"),
        pytest.param("a/#", "a/b", False, id="a hash is a hash"),
        pytest.param("*ab*ab", "ab", False, id="a run counts once"),
        pytest.param("a.c", "abc", False, id="a dot is a dot"),
    ],
)
def test_a_pattern_matches(pattern: str, text: str, matches: bool) -> None:
    """One of each kind: the property below has all others."""
    assert matcher(pattern)(text) is matches


PATTERNS = st.text("ab*?", max_size=8) | st.text("ab/*?\\.(+#$[^\n", max_size=8)
TEXTS = st.text("ab", max_size=8) | st.text("ab/*?\\.(+#$[^\n", max_size=8)


@given(PATTERNS, TEXTS)
@examples(2)
def test_patterns_agree_with_the_reference(pattern: str, text: str) -> None:
    assert matcher(pattern)(text) == reference.wildcard_matches(pattern, text)
    assert matcher(f"*needle{pattern}*")(f"{text}needle{pattern}") is True


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
