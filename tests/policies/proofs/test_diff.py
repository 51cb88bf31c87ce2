"""What a new template opens and closes: checked against compiled policies and brute force over small alphabets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.entries import Entry
from iot_policies.proofs.changed_entries import QUESTIONS, ChangeLine, is_allowed
from iot_policies.proofs.diff import affected, diff
from iot_policies.proofs.smallest_principals import Words
from iot_policies.session_times import SessionTimes
from tests import READY
from tests.effort import examples
from tests.policies.probes import permitted
from tests.policies.reference import wildcard_matches
from tests.policies.templates import Block, Case, blocks, cases

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


def of_lines(case: Case, lines: Iterable[ChangeLine], action: str, probes: frozenset[str]) -> frozenset[str]:
    """The probes that some lines can be about for a principal."""
    entries = [line.entry for line in lines if any(shown.action == action for shown in line.shown)]
    return frozenset[str]().union(*(covered(case, entry, probes) for entry in entries))


@given(edits())
@examples(0.15)
def test_each_topic_that_a_change_opens_or_closes_for_a_principal_is_in_a_line(edit: tuple[Case, Case]) -> None:
    old, new = edit
    found = diff(old.template(), new.template())
    event("same" if found.is_same else "different")
    before, after = allowed(old), allowed(new)
    for action in ACTIONS:
        for effect, probes in (("opens", after[action] - before[action]), ("closes", before[action] - after[action])):
            lines = [line for line in found.lines if line.effect == effect]
            assert of_lines(new, lines, action, probes) == probes, (effect, action)


@pytest.mark.slow
@given(edits())
@examples(0.15)
def test_each_example_is_decided_differently_and_there_is_no_difference_outside_the_lines(
    edit: tuple[Case, Case],
) -> None:
    old, new = (case.template() for case in edit)
    found = diff(old, new)
    for line in found.lines:
        for shown in line.shown:
            decided = is_allowed(old, shown), is_allowed(new, shown)
            assert decided == ((False, True) if line.effect == "opens" else (True, False)), (str(line.entry), shown)
    assert (found.outside, found.not_covered) == ([], [])


@given(edits())
@examples(0.15)
def test_a_principal_is_affected_exactly_if_its_policy_allows_something_else(edit: tuple[Case, Case]) -> None:
    old, new = edit
    templates = old.template(), new.template()
    found = affected(*templates, Words(templates), Principal(old.name, old.claims))
    before, after = allowed(old), allowed(new)
    assert found is not None or before == after
    for action in ACTIONS:
        opened = [] if found is None else [shown for shown in found.opened if shown.action == action]
        assert bool(opened) or not after[action] - before[action]


@given(cases(denials=True))
@examples(0.3)
def test_the_order_and_the_names_of_blocks_make_no_difference(case: Case) -> None:
    grants = tuple({**each, "name": "other"} for each in reversed(case.grants))
    other = replace(case, grants=grants, denies=tuple(reversed(case.denies)))
    assert diff(case.template(), other.template()).is_same


def of(*blocks: Grant | Deny, topic_prefix: str = "") -> PolicyTemplate:
    return PolicyTemplate.of(blocks, topic_prefix=topic_prefix)


def lines(old: PolicyTemplate, new: PolicyTemplate) -> list[str]:
    """The lines of a comparison, each with its first example."""
    found = diff(old, new)
    assert (found.outside, found.not_covered) == ([], [])
    return [text(line) for line in found.lines]


def text(line: ChangeLine) -> str:
    shown = line.shown[0]
    actions = " ".join(QUESTIONS[each.action] for each in line.shown)
    attributes = "".join(f" {each}" for each in sorted(shown.attributes))
    principal = shown.example.principal
    return f"{line.effect} {actions} {shown.text}{attributes} {principal.name} {dict(principal.claims)}"


ROOMS = Grant(when={"rooms": "*"}, publish=("rooms/{claims.rooms}/say/{principal}",))
ANY = Grant(publish=("x",))
TABLE: dict[str, tuple[PolicyTemplate, PolicyTemplate, list[str]]] = {
    "an entry that is added": (of(ANY), of(ANY, ROOMS), ["opens publish rooms/any/say/ann ann {'rooms': 'any'}"]),
    "an entry that is removed": (of(ANY, ROOMS), of(ANY), ["closes publish rooms/any/say/ann ann {'rooms': 'any'}"]),
    "an entry that another one contains": (of(Grant(publish=("a/#",))), of(Grant(publish=("a/#", "a/b"))), []),
    "an entry that is contained only for some principals": (
        of(Grant(publish=("a/{principal}",))),
        of(Grant(publish=("a/{principal}", "a/{claims.x}"))),
        ["opens publish a/any ann {'x': 'any'}"],
    ),
    "a condition that narrows": (
        of(Grant(publish=("a",))),
        of(Grant(publish=("a",), when={"role": ("x", "y")})),
        ["closes publish a ann {}"],
    ),
    "a condition that widens": (
        of(Grant(publish=("a",), when={"role": "x"})),
        of(Grant(publish=("a",), when={"role": ("x", "y")})),
        ["opens publish a ann {'role': 'y'}"],
    ),
    "1 instead of true": (
        of(ANY, Grant(publish=("a",), when={"x": True})),
        of(ANY, Grant(publish=("a",), when={"x": 1})),
        ["opens publish a ann {'x': 1}", "closes publish a ann {'x': True}"],
    ),
    "a deny that names a text instead of a boolean": (
        of(ANY, Deny(publish=("#",), when={"off": True})),
        of(ANY, Deny(publish=("#",), when={"off": "true"})),
        ["opens publish x ann {'off': 1}"],
    ),
    "a deny that reaches deeper levels than its filter": (
        of(Grant(publish=("a/b/c/d",))),
        of(Grant(publish=("a/b/c/d",)), Deny(publish=("a/+/d",))),
        ["closes publish a/b/c/d ann {}"],
    ),
    "a deny of what nothing grants": (of(ANY), of(ANY, Deny(publish=("y",))), []),
    "a deny for one value of a list": (
        of(ROOMS),
        of(ROOMS, Deny(publish=("rooms/closed/#",))),
        ["closes publish rooms/closed/say/ann ann {'rooms': 'closed'}"],
    ),
    "a deny that meets an entry only under a special value, beside a deny of all others": (
        of(Grant(publish=("a/{claims.c}/#",)), Deny(publish=("a/+/x/+",))),
        of(Grant(publish=("a/{claims.c}/#",)), Deny(publish=("a/+/x/+", "+/x/+"))),
        ["closes publish a/x/any ann {'c': 'x'}"],
    ),
    "a deny of the topics of other client IDs": (
        of(Grant(publish=("a/b/c",))),
        of(Grant(publish=("a/b/c",)), Deny(publish=("a/{client_id}",))),
        ["closes publish a/b/c ann {}"],
    ),
    "retain in the place of publish": (
        of(Grant(publish=("a",))),
        of(Grant(retain=("a",))),
        ["opens retain a ann {}"],
    ),
    "a deny of publishing also denies RETAIN": (
        of(Grant(retain=("a",))),
        of(Grant(retain=("a",)), Deny(publish=("a",))),
        ["closes publish retain a ann {}"],
    ),
    "a subscription": (
        of(Grant(subscribe=("a/+",))),
        of(Grant(subscribe=("a/#",))),
        ["opens subscribe receive a/# ann {}"],
    ),
    "a client ID that the client chooses": (
        of(Grant(connect=("{principal}",))),
        of(Grant(connect=("{client_id}",))),
        ["opens connect any ann {}"],
    ),
    "a client ID that was chosen already": (
        of(Grant(connect=("{client_id}", "{principal}"))),
        of(Grant(connect=("{client_id}",))),
        [],
    ),
    "what a CONNECT may ask for": (
        of(Grant(connect=("{principal}",), connect_with=("LastWill",))),
        of(Grant(connect=("{principal}",))),
        ["opens connect ann PersistentConnect ann {}"],
    ),
    "reserved topics, which a deny reaches behind a prefix": (
        of(Grant(publish=("$aws/a",)), topic_prefix="dev"),
        of(Grant(publish=("$aws/a",)), Deny(publish=("#",)), topic_prefix="dev"),
        ["closes publish $aws/a ann {}"],
    ),
    "a word that the template has": (
        of(ANY),
        of(ANY, Grant(publish=("any/{claims.ann}",))),
        ["opens publish any/red bob {'ann': 'red'}"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_line_has_the_shortest_topic_for_the_principal_with_the_fewest_claims(name: str) -> None:
    old, new, expected = TABLE[name]
    assert lines(old, new) == expected


def test_a_line_names_the_conditions_under_which_nothing_changes() -> None:
    line = diff(of(Grant(publish=("a/b",))), of(Grant(publish=("a/+",), when={"role": "x"}), ANY)).lines[-1]
    assert (line.effect, [each.block.when for each in line.unless]) == ("closes", [{"role": "x"}])


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (ROOMS, {("invalid_name", "claims.rooms"), ("unsafe_value", "claims.rooms"), ("unsafe_value", "principal")}),
        (Deny(publish=("y",), when={"off": True}), {("invalid_name", "claims.off"), ("unclear_denial", "claims.off")}),
        (Grant(publish=("x",), when={"role": "x"}), {("invalid_name", "claims.role")}),
        (Grant(publish=("x/{client_id}",)), {("unsafe_value", "client_id")}),
        (Grant(publish=("x",), when={"a.b": "x"}), {("invalid_name", "claims.a.b"), ("ambiguous_claim", "claims.a.b")}),
    ],
)
def test_a_block_that_reads_a_claim_refuses_principals(block: Grant | Deny, expected: set[tuple[str, str]]) -> None:
    found = diff(of(ANY), of(ANY, block)).refusals
    assert {(each.reason, each.source) for each in found} == expected
    assert all(each.is_new for each in found)
    assert not any(each.is_new for each in diff(of(ANY, block), of(ANY)).refusals)


SHARED = Grant(subscribe=("$share/{claims.g}/b/+",))
OWN = Grant(connect=("{principal}/*",), publish=("x/+",))
TEAM = "y/{claims.team}"
REFUSED: dict[str, tuple[PolicyTemplate, PolicyTemplate, tuple[bool, str, str]]] = {
    "a grant with a client ID of one level": (
        of(OWN),
        of(OWN, Grant(publish=("x/{client_id}",))),
        (True, "unsafe_value", "client_id"),
    ),
    "a deny with a client ID of one level": (
        of(OWN),
        of(OWN, Deny(publish=("y/{client_id}",))),
        (True, "unsafe_value", "client_id"),
    ),
    "a deny of client IDs of one level": (
        of(OWN),
        of(OWN, Deny(connect=("{client_id}",))),
        (True, "unsafe_value", "client_id"),
    ),
    "a deny for one more value": (
        of(ANY, Deny(publish=(TEAM,), when={"plan": "free"})),
        of(ANY, Deny(publish=(TEAM,), when={"plan": ("free", "trial")})),
        (True, "unsafe_value", "claims.team"),
    ),
    "a deny for more spellings": (
        of(ANY, Deny(publish=(TEAM,), when={"k": "1"})),
        of(ANY, Deny(publish=(TEAM,), when={"k": 1})),
        (True, "unsafe_value", "claims.team"),
    ),
    "a claim that must be there": (
        of(ANY, Grant(publish=(TEAM,))),
        of(ANY, Grant(publish=(TEAM,), when={"team": "*"})),
        (False, "unsafe_value", "claims.team"),
    ),
    "a condition that is read although another one does not hold": (
        of(ANY, Grant(publish=(TEAM,))),
        of(ANY, Grant(publish=(TEAM,), when={"role": "x", "team": False})),
        (True, "invalid_name", "claims.role"),
    ),
    "a name with dots that is read no more": (
        of(ANY, Grant(publish=("x",), when={"a.b": "z"})),
        of(ANY),
        (False, "ambiguous_claim", "claims.a.b"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_principals_that_only_one_template_refuses_are_found_for(name: str) -> None:
    old, new, expected = REFUSED[name]
    assert expected in [each.kind for each in diff(old, new).refusals]


def test_a_deny_is_in_a_line_if_the_topics_do_not_show_each_claim_of_a_grant() -> None:
    deny = Deny(subscribe=("b/c",))
    assert lines(of(SHARED), of(SHARED, deny)) == ["closes receive b/c ann {'g': 'any'}"]


MANY = tuple(f"v{number}" for number in range(70))
UNDECIDED: dict[str, tuple[PolicyTemplate, PolicyTemplate, str]] = {
    "a deny that reads a path into a claim": (
        of(Grant(publish=("x",), when={"a": "*"})),
        of(Grant(publish=("x",), when={"a": "*"}), Deny(publish=("x",), when={"a.b": "x"})),
        r'deny\[0\], publish = "x": .* unclear_denial',
    ),
    "conditions with too many values": (
        of(ANY),
        of(ANY, Grant(publish=("y",), when={"a": MANY, "b": MANY})),
        r"principals that are refused because of grant\[1\]: .*too many values",
    ),
    "too many claims in a topic": (
        of(ANY),
        of(ANY, Grant(publish=("/".join(f"{{claims.c{number}}}" for number in range(6)),))),
        r"grant\[1\], publish = .*: has 6 distinct claims, and at most 5",
    ),
    "too many dots in a name": (
        of(ANY),
        of(ANY, Grant(publish=("y",), when={".".join("abcdefghi"): "x"})),
        r"grant\[1\]: a.b.c.* has 8 dots, and at most 7",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_it_is_not_covered_and_the_block_is_named_for(name: str) -> None:
    old, new, expected = UNDECIDED[name]
    found = diff(old, new).not_covered
    assert any(re.match(expected, line) for line in found)
    assert len({*found}) == len(found)


def test_widened_entries_are_not_covered_unless_nothing_changes() -> None:
    wide = of(Grant(publish=("a/+/b",), widen=True))
    assert diff(wide, wide).not_covered == []
    found = diff(wide, of(Grant(publish=("a/+/b",), widen=True), ANY))
    assert found.not_covered == ['grant[0], publish = "a/+/b": `widen` allows more than the entry matches']


def test_settings_are_compared_as_they_are_written() -> None:
    other = PolicyTemplate.of([ANY], principal_claim="name", session=SessionTimes(refresh_after=300))
    assert [tuple(each) for each in diff(of(ANY), other).settings] == [
        ("principal", "sub", "name"),
        ("session.refresh_after", "900s", "300s"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_each_entry_of_a_ready_template_makes_a_difference_if_it_is_removed(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for entry in template.entries:
        left = [block.model_copy(update=without(entry)) if block is entry.block else block for block in template.blocks]
        found = diff(template, PolicyTemplate.of(left, session=template.session))
        assert [str(line.entry) for line in found.lines] == [str(entry)]
        assert (found.outside, found.not_covered, found.settings) == ([], [], [])


def without(entry: Entry) -> dict[str, object]:
    return {entry.key: tuple(text for text in getattr(entry.block, entry.key) if text != entry.text)}
