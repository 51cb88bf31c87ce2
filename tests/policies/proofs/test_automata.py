"""The automata agree with all texts over a small alphabet, matched by code that shares nothing with them."""

from itertools import product

import pytest

from iot_policies.proofs.automata import FRESH, Automaton, alphabet, readable, shortest, shortest_filter
from iot_policies.proofs.patterns import NotCovered, Pattern, filter_pattern, glob_pattern, levels_of
from tests.policies.reference import filter_within, topic_matches, unshared, wildcard_matches

LEVELS = ("a", "b", "", "$a")
TOPICS = ["/".join(each) for depth in range(1, 5) for each in product((*LEVELS, "c", "$c"), repeat=depth)]
FILTERS = [
    "/".join(each) + ending
    for depth in range(1, 4)
    for each in product(("a", "+", "", "$a", "c"), repeat=depth)
    for ending in ("", "/#")
]
SHARED = [f"$share/{name}/{each}" for name in ("g", "h") for each in FILTERS if each and each.count("/") < 3]
GLOBS = ["/".join(each) for depth in range(1, 4) for each in product(("a", "", "*", "$*", "$a"), repeat=depth)]
GLOBS += ["a*", "b/a*", "$a*", "*/a*"]
ENTRIES = ["#", "+", "+/a", "a/#", "a/+", "+/#", "a/+/b", "$a/#", "$a/+", "/+", "+/", "a//#", "a/+/+", "+/+/a"]


def glob(text: str) -> Pattern:
    return glob_pattern(levels_of(text))


def entry(text: str) -> Pattern:
    return filter_pattern(levels_of(text))


def matched(pattern: Pattern, text: str) -> bool:
    return bool(Automaton({"it": [pattern]}).groups_of(text.split("/")))


@pytest.mark.parametrize("text", GLOBS)
def test_a_resource_pattern_matches_as_its_characters_do(text: str) -> None:
    pattern = glob(text)
    assert [each for each in TOPICS if matched(pattern, each) != wildcard_matches(text, each)] == []


@pytest.mark.parametrize("text", ENTRIES)
def test_a_topic_filter_matches_topics_and_contains_filters_as_mqtt_says(text: str) -> None:
    pattern = entry(text)
    assert [each for each in TOPICS if matched(pattern, each) != topic_matches(text, each)] == []
    assert [each for each in FILTERS if each and matched(pattern, each) != filter_within(text, each)] == []


@pytest.mark.parametrize("text", ["a*b", "a*/b", "a?", "**", "${x}", "$*b", "*a"])
def test_a_wildcard_inside_a_level_is_not_covered(text: str) -> None:
    with pytest.raises(NotCovered):
        glob(text)


@pytest.mark.parametrize("pair", [*product(GLOBS[:40:3], ENTRIES)], ids="|".join)
def test_the_witness_is_a_shortest_text_that_only_one_of_two_matches(pair: tuple[str, str]) -> None:
    one, other = pair
    automaton = Automaton({"one": [glob(one)], "other": [entry(other)]})
    found = shortest(automaton, lambda groups: groups == {"one"})
    first = next((each for each in TOPICS if wildcard_matches(one, each) and not topic_matches(other, each)), None)
    assert (found is None) == (first is None)
    if found is not None and first is not None:
        assert len(found) == first.count("/") + 1
        text = readable(found, {"a", "b"})
        assert wildcard_matches(one, text)
        assert not topic_matches(other, text)


def test_the_alphabet_has_a_level_for_each_way_to_pass_the_tests() -> None:
    automaton = Automaton({"x": [glob("a/*"), glob("b/ann-*")], "y": [glob("$*")]})
    assert set(alphabet(automaton)) == {FRESH, f"${FRESH}", f"ann-{FRESH}", "a", "b"}


@pytest.mark.parametrize("outer", ["a/+", "a/#", "+/a", "#", "$share/g/a/+", "$share/g/#"])
@pytest.mark.parametrize("allowed", ["a/*", "*", "*/a", "$share/g/*", "$share/*", "a/*/*", "$share/g/a/*"])
def test_a_subscription_that_reaches_too_much_is_found_exactly_if_there_is_one(outer: str, allowed: str) -> None:
    """Any filter of the small alphabet that is allowed and reaches a topic outside is a witness; without it, none."""
    found = shortest_filter(
        Automaton({"allowed": [glob(allowed)]}),
        lambda filters, topics: bool(filters) and not topics,
        Automaton({"entries": [entry(outer)]}),
    )
    beyond = [each for each in (*FILTERS, *SHARED) if each and wildcard_matches(allowed, each)]
    beyond += ["#"] if wildcard_matches(allowed, "#") else []
    beyond = [each for each in beyond if not filter_within(outer, each)]
    assert (found is None) == (beyond == [])
    if found is not None:
        topic_filter, topic = (readable(word, {"a", "g"}) for word in found)
        assert wildcard_matches(allowed, topic_filter)
        assert topic_matches(unshared(topic_filter)[1], unshared(topic)[1])
        assert not (unshared(outer)[0] == unshared(topic)[0] and topic_matches(unshared(outer)[1], unshared(topic)[1]))


@pytest.mark.parametrize("text", ["$share", "$share/g", "$share/g/", "$share//a", "$share/+/a", "a/#/b"])
def test_only_valid_filters_are_found(text: str) -> None:
    assert shortest_filter(Automaton({"it": [glob(text)]}), lambda filters, _: bool(filters)) is None


def test_a_share_name_may_be_followed_by_a_filter_with_an_empty_first_level() -> None:
    found = shortest_filter(Automaton({"it": [glob("$share/g//a")]}), lambda filters, _: bool(filters))
    assert found is not None
    assert readable(found[0]) == "$share/g//a"


def test_a_readable_word_avoids_the_words_of_the_template() -> None:
    assert readable(("a", FRESH, f"${FRESH}"), {"any"}) == "a/any1/$any1"
