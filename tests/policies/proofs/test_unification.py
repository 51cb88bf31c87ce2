"""`meet` and `unify` agree with trying all values over a small alphabet."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pytest

from iot_policies.proofs.automata import FRESH, Automaton, alphabet
from iot_policies.proofs.patterns import (
    NotCovered,
    Pattern,
    Text,
    Variable,
    fill,
    filter_pattern,
    glob_pattern,
    replaced,
    template_levels,
    variables_of,
)
from iot_policies.proofs.unification import Substitution, is_part, meet, unify

VALUES = ("a", "b", "ab", "ba", "aa", "aba")
TEXTS = ("a", "ab", "{principal}", "a{principal}", "{claims.x}", "{claims.x}b", "a{claims.x}b", "")
LINEAR = [pair for pair in product(TEXTS, TEXTS) if not ("{principal}" in pair[0] and "{principal}" in pair[1])]
LINEAR += [("{claims.x}-{claims.y}", "a-{principal}"), ("{claims.x}{claims.y}", "ab"), ("{claims.x}{claims.x}", "abab")]
LINEAR += [("{claims.x}-{claims.y}", "{principal}-{client_id}")]


def level(text: str, copy: int) -> Text:
    return template_levels(text, copy)[0]


def assignments(*levels: Sequence[Text]) -> Iterator[Mapping[Variable, Text]]:
    names = variables_of([each for one in levels for each in one])
    for values in product((*VALUES, "a-b"), repeat=len(names)):
        yield {name: (value,) for name, value in zip(names, values, strict=True)}


def is_instance(values: Mapping[Variable, Text], found: Substitution) -> bool:
    """Whether values are what a substitution says, for some values of its parts."""
    equations = [(replaced((name,), values), replaced(text, values)) for name, text in found.items()]
    return unify(equations) != []


@pytest.mark.parametrize("pair", LINEAR, ids="=".join)
def test_the_substitutions_are_all_values_that_make_two_texts_equal(pair: tuple[str, str]) -> None:
    left, right = level(pair[0], 1), level(pair[1], 2)
    found = unify([(left, right)])
    for values in assignments((left, right)):
        is_equal = replaced(left, values) == replaced(right, values)
        assert is_equal == any(is_instance(values, each) for each in found), values


def test_equations_hold_together() -> None:
    both = [(level("{principal}", 0), level("a{claims.x}", 1)), (level("{principal}", 0), level("{claims.y}b", 1))]
    assert all(is_instance({Variable("principal"): ("acb",)}, each) for each in unify(both[:1]))
    assert unify([*both, (level("{principal}", 0), ("b",))]) == []


def test_values_of_one_claim_in_two_entries_need_not_be_equal() -> None:
    one, other = level("{claims.x}", 1), level("{claims.x}", 2)
    assert unify([(one, ("a",)), (other, ("b",))]) != []
    assert unify([(one, ("a",)), (one, ("b",))]) == []


@pytest.mark.parametrize("text", ["$x", "+", "#", "a*", "x" * 129])
def test_no_placeholder_becomes_what_no_value_can_be(text: str) -> None:
    assert unify([(level("{principal}", 0), (text,))]) == []


def test_a_placeholder_on_both_sides_is_solved_for_all_lengths_of_a_value() -> None:
    assert unify([(level("a{principal}", 0), level("{principal}b", 0))]) == []
    found = unify([(level("a{principal}", 0), level("{principal}a", 0))])
    assert {len(str(each[Variable("principal")][0])) for each in found} == set(range(1, 129))


@pytest.mark.slow
def test_equations_with_too_many_solutions_are_not_covered() -> None:
    with pytest.raises(NotCovered):
        unify([(level("{principal}{claims.x}", 0), level("{claims.x}{principal}", 0))])


GLOBS = ("a/*/*", "*/*/a", "$*/a", "{principal}/*/b", "a/{claims.x}/*", "*/{claims.x}", "a/#", "*/a{claims.x}/*")
FILTERS = ("a/+", "+/a", "#", "a/#", "a/b/a", "{claims.y}/+/b", "a/{principal}/+", "$a/{principal}", "+/+/{claims.y}")


@pytest.mark.parametrize("pair", [*product(GLOBS, FILTERS)], ids="|".join)
def test_meet_finds_exactly_the_values_under_which_a_denial_reaches_an_entry(pair: tuple[str, str]) -> None:
    denial, entry = template_levels(pair[0], 1), template_levels(pair[1], 2)
    found = meet(glob_pattern(denial), filter_pattern(entry))
    for values in assignments(denial, entry):
        one, other = glob_pattern(fill(denial, values)), filter_pattern(fill(entry, values))
        assert share_a_text(one, other) == any(is_instance(values, each) for each in found), values


def share_a_text(one: Pattern, other: Pattern) -> bool:
    """Tries every text of up to five levels."""
    automaton = Automaton({"one": [one], "other": [other]})
    letters = (*alphabet(automaton), "#")
    states = {automaton.start}
    for _ in range(5):
        states = {automaton.step(state, letter) for state in states for letter in letters}
        if any(len(automaton.accepted(state)) == 2 for state in states):
            return True
    return False


def test_an_open_end_meets_every_text_that_begins_alike() -> None:
    client = glob_pattern(template_levels("{principal}-*", 0))
    for text, values in [("ann-phone", ["ann"]), ("a-b-c", ["a", "a-b"]), ("ann", []), ("ann-", ["ann"])]:
        found = meet(client, glob_pattern(((text,),)))
        assert sorted(str(each[Variable("principal")][0]) for each in found) == values


def test_a_meeting_for_every_value_is_one_empty_substitution() -> None:
    assert meet(glob_pattern(template_levels("*", 1)), filter_pattern(template_levels("{claims.x}/+", 2))) == [{}]


def test_parts_of_values_are_told_from_placeholders() -> None:
    (found,) = [each for each in unify([(level("{principal}", 0), level("a{claims.x}", 1))]) if each]
    assert not any(map(is_part, found))
    assert FRESH not in str(found)
