"""What a new template opens and closes: checked against compiled policies and brute force over small alphabets."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hypothesis import event, given
from hypothesis import strategies as st

from iot_policies.entries import Entry
from iot_policies.proofs.changed_entries import Line, is_allowed
from iot_policies.proofs.diff import diff
from tests import ROOT
from tests.policies.probes import permitted
from tests.policies.reference import wildcard_matches
from tests.policies.templates import Block, Case, blocks, cases

READY = sorted((ROOT / "policies").glob("*.toml"))
ACTIONS = ("iot:Publish", "iot:RetainPublish", "iot:Subscribe", "iot:Receive")


@st.composite
def edits(draw: st.DrawFn) -> tuple[Case, Case]:
    """A template with a principal, and the same one with a block more, less, or another one in its place."""
    old = draw(cases(denials=True))
    kind = draw(st.sampled_from(("grants", "denies")))
    given: list[Block] = list(old.grants if kind == "grants" else old.denies)
    at = draw(st.integers(0, len(given) - 1))
    given[at : at + draw(st.integers(0, 1))] = draw(st.lists(blocks(), max_size=1))
    new = replace(old, grants=tuple(given)) if kind == "grants" else replace(old, denies=tuple(given))
    return old, new


def allowed(case: Case) -> Mapping[str, frozenset[str]]:
    """The probed topics and filters that a compiled policy allows, by action."""
    documents = case.documents()
    found = {action: permitted(documents, action) for action in ACTIONS}
    return found | {"iot:RetainPublish": found["iot:RetainPublish"] & found["iot:Publish"]}


def covered(case: Case, entry: Entry, probes: Iterable[str]) -> frozenset[str]:
    """The probes that an entry can be about for a principal, at most: each wildcard is any text."""
    filters = case.filled(entry.text)
    patterns = ["/".join("*" if level in ("+", "#") else level for level in each.split("/")) for each in filters]
    plain = [pattern.split("/", 2)[2] for pattern in patterns if pattern.startswith("$share/")]
    return frozenset(each for each in probes if any(wildcard_matches(text, each) for text in (*patterns, *plain)))


def of_lines(case: Case, lines: Iterable[Line], action: str, probes: frozenset[str]) -> frozenset[str]:
    """The probes that some lines can be about for a principal."""
    entries = [line.entry for line in lines if any(shown.action == action for shown in line.shown)]
    return frozenset[str]().union(*(covered(case, entry, probes) for entry in entries))


@given(edits())
def test_each_topic_that_a_change_opens_or_closes_for_a_principal_is_in_a_line(edit: tuple[Case, Case]) -> None:
    old, new = edit
    found = diff(old.template(), new.template())
    event("same" if found.is_same else "different")
    before, after = allowed(old), allowed(new)
    for action in ACTIONS:
        for effect, probes in (("opens", after[action] - before[action]), ("closes", before[action] - after[action])):
            lines = [line for line in found.lines if line.effect == effect]
            assert of_lines(new, lines, action, probes) == probes, (effect, action)


@given(edits())
def test_each_example_is_decided_differently_by_the_compiled_policies(edit: tuple[Case, Case]) -> None:
    old, new = (case.template() for case in edit)
    found = diff(old, new)
    for line in found.lines:
        for shown in line.shown:
            decided = is_allowed(old, shown), is_allowed(new, shown)
            assert decided == ((False, True) if line.effect == "opens" else (True, False)), (str(line.entry), shown)
    assert (found.outside, found.not_covered) == ([], [])


@given(cases(denials=True))
def test_the_order_and_the_names_of_grants_make_no_difference(case: Case) -> None:
    grants = [{**each, "name": "other"} for each in case.grants]
    other = replace(case, grants=tuple(reversed(grants)), denies=tuple(reversed(case.denies)))
    found = diff(case.template(), other.template())
    assert found.is_same
