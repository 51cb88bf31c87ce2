"""The index of levels leaves out only what cannot fit."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Grant, PolicyTemplate
from iot_policies.globs import denied_globs
from iot_policies.level_index import LevelIndex
from iot_policies.overlap import common_topic, could_be_equal
from iot_policies.topics import HASH, TO, Levels, contains, lead

_TEXT = st.sampled_from(["a", "b", "", "$aws", "$share", "{principal}", "x{claims.c}", "+"])
_FILTERS = st.builds(
    lambda start, levels, end: (*start, *levels, *end),
    st.sampled_from([(), (), ("$share", "g"), (TO, "a"), (TO, "a/*"), (TO, "*"), (TO, "{principal}")]),
    st.lists(_TEXT, min_size=1, max_size=4),
    st.sampled_from([(), (HASH,)]),
)


def alike(levels: Levels, others: Sequence[Levels]) -> list[Levels]:
    """The others that are of the same kind: direct messages and topic filters are never compared."""
    return [each for each in others if (each[0] == TO) == (levels[0] == TO)]


@given(_FILTERS, st.lists(_FILTERS, max_size=8))
def test_what_a_denial_may_reach_is_found(levels: Levels, others: Sequence[Levels]) -> None:
    others = alike(levels, others)
    index = LevelIndex(others)
    for glob in denied_globs(levels, subscribe=True):
        reached = {n for n, each in enumerate(others) if lead(levels) == lead(each) and common_topic(glob, each)}
        assert reached <= set(index.candidates(glob))


@given(_FILTERS, st.lists(_FILTERS, max_size=8))
def test_what_levels_may_contain_is_found(levels: Levels, others: Sequence[Levels]) -> None:
    found = LevelIndex(others).candidates(levels)
    assert {n for n, each in enumerate(others) if contains(levels, each, could_be_equal)} <= set(found)


@given(st.lists(_FILTERS, max_size=8), st.lists(_FILTERS, max_size=3))
def test_candidates_are_in_order_and_occur_once(others: Sequence[Levels], queries: Sequence[Levels]) -> None:
    found = LevelIndex(others).candidates(*queries)
    assert found == sorted(set(found))


def test_other_texts_at_one_place_are_left_out() -> None:
    index = LevelIndex([("a", "+", "x"), ("b", "+", "x"), ("+", "c"), ("a", HASH), ("a", "{principal}", "y")])
    assert index.candidates(("a", "c", "x")) == [0, 3]


def test_entries_with_first_levels_of_their_own_are_not_compared_with_each_other() -> None:
    template = PolicyTemplate.of([Grant(publish=[f"{number}/+/{{principal}}/+" for number in range(1000)])])
    rules = [rule for entry in template.entries for rule in entry.rules]
    index = LevelIndex(rule.levels for rule in rules)
    assert all(index.candidates(*rule.denied_globs) == [number] for number, rule in enumerate(rules))
