"""What the tests of a template reach, and what they are told to add."""

import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, InvalidTopics, PolicyTemplate, Principal, Send
from iot_policies.explaining import Question, explain
from iot_policies.testing.cases import Case, ClientOfTest, load_tests, with_topic_prefix
from iot_policies.testing.coverage import advice, asked_of, gaps, survives
from iot_policies.testing.mutants import mutants
from tests import READY, ROOT
from tests.policies.templates import blocks

TEMPLATE = PolicyTemplate.of(
    [
        Grant(connect=("{client_id}",)),
        Grant(name="own", publish=("users/{principal}/out",)),
        Grant(name="staff", when={"role": "staff"}, subscribe=("staff/#",)),
        Deny(name="blocked", when={"blocked": True}, publish=("users/#",)),
    ]
)


def case(line: str, allowed: bool, **claims: object) -> Case:
    action, _, resource = line.partition(" ")
    question: Question = next(each for each in get_args(Question) if each == action)
    client = ClientOfTest(Principal("ann", claims), None, frozenset())
    return Case(client, question, resource, allowed, "ann", ("test", 0, "may", 0))


OWN = [case("publish users/ann/out", True), case("publish users/bob/out", False)]
STAFF = [case("subscribe staff/#", True, role="staff"), case("subscribe staff/#", False)]
BLOCKED = [case("publish users/ann/out", False, blocked=True)]
CONNECT = [case("connect x", True)]
ALL = [*OWN, *STAFF, *BLOCKED, *CONNECT]


def missing(*cases: Case) -> list[str]:
    found = gaps(TEMPLATE, asked_of(TEMPLATE, cases))
    return [f"{gap.entry.block.name or gap.entry.key}: {gap.problem}" for gap in found]


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        (None, []),
        (CONNECT[0], ["connect: no may is allowed by it"]),
        (OWN[1], ["own: no may_not would be allowed if it were wider or had a condition less"]),
        (STAFF[0], ["staff: no may is allowed by it"]),
        (STAFF[1], ["staff: no may_not would be allowed if it were wider or had a condition less"]),
        (BLOCKED[0], ["blocked: no may_not is denied by it"]),
        (
            OWN[0],
            [
                "own: no may is allowed by it",
                "blocked: no may would be denied if it were wider or had a condition less",
            ],
        ),
    ],
)
def test_an_entry_is_covered_by_tests_of_both_directions(left_out: Case | None, expected: list[str]) -> None:
    assert missing(*[each for each in ALL if each is not left_out]) == expected


def test_a_client_that_the_authorizer_refuses_covers_nothing() -> None:
    template = PolicyTemplate.of([Grant(publish=("a/{claims.a}", "b/c"))])
    refused = [case("publish b/c", False, a="+"), case("publish b/d", False, a="+")]
    assert len(list(gaps(template, asked_of(template, refused)))) == 4


ADVICE = [
    (
        Grant(send=(Send(to="pump 7", topics=("a/{principal}",)),)),
        r'add to the test of ann: may = ["send pump 7\ta/ann"]',
    ),
    (Grant(publish=("a/{principal}",)), 'add to the test of ann: may = ["publish a/ann"]'),
    (Grant(publish=("a/+/b",)), 'add to the test of ann: may = ["publish a/other/b"]'),
    (Grant(retain=("a/#",)), 'add to the test of ann: may = ["retain a/other"]'),
    (Grant(subscribe=("a/+/#",)), 'add to the test of ann: may = ["subscribe a/other/#"]'),
    (Grant(connect=("{principal}/*",)), 'add to the test of ann: may = ["connect ann/other"]'),
    (
        Grant(when={"role": ["x", "y"], "site": "*"}, publish=("a/{claims.b}",)),
        'add a test of ann with the claims b = "example", role = "x", site = "example": may = ["publish a/example"]',
    ),
]


@pytest.mark.parametrize(("grant", "expected"), ADVICE, ids=[expected for _, expected in ADVICE])
def test_for_an_entry_that_no_test_uses_a_case_is_proposed(grant: Grant, expected: str) -> None:
    template = PolicyTemplate.of([grant])
    assert str(advice(template, next(mutants(template)), CONNECT)) == expected


@pytest.mark.parametrize(
    ("block", "claims", "expected"),
    [
        (Grant(when={"role": "x"}, publish=("a",)), {"role": "x"}, 'without the claim role: may_not = ["publish a"]'),
        (
            Grant(when={"realm.role": "x"}, publish=("a",)),
            {"realm": {"role": "x", "other": 1}},
            'without the claim realm.role: may_not = ["publish a"]',
        ),
        (
            Grant(connect=("a",), connect_with=("LastWill",)),
            {},
            'add a test of ann with connect_with = ["PersistentConnect"]: may_not = ["connect a"]',
        ),
    ],
)
def test_for_a_condition_that_no_test_needs_a_client_without_it_is_proposed(
    block: Grant, claims: dict[str, object], expected: str
) -> None:
    template = PolicyTemplate.of([block])
    *_, last = mutants(template)
    assert str(advice(template, last, [case("connect x", False, **claims)])).endswith(expected)


def test_for_each_mistake_in_a_ready_template_a_case_is_proposed() -> None:
    template = PolicyTemplate.load(ROOT / "policies/fleet.toml")
    assert [f"{each}" for each in mutants(template) if advice(template, each, CONNECT) is None] == []


def test_a_client_with_a_client_id_is_proposed_if_the_entry_needs_one() -> None:
    template = PolicyTemplate.of([Grant(connect=("{principal}",), publish=("a/{client_id}",))])
    found = next(each for each in mutants(template) if each.entries[0].key == "publish")
    expected = 'add a test of ann with client_id = "ann": may = ["publish a/ann"]'
    assert str(advice(template, found, [case("connect ann", True)])) == expected


def test_what_is_proposed_is_quoted_as_in_toml() -> None:
    template = PolicyTemplate.of([Grant(publish=('a"\\b',))])
    found = str(advice(template, next(mutants(template)), CONNECT))
    assert tomllib.loads(found.rpartition(": ")[2]) == {"may": ['publish a"\\b']}


def test_a_client_of_the_tests_is_preferred_to_one_with_other_claims() -> None:
    cases = [case("connect x", True), case("connect y", True, role="staff")]
    mutant = next(each for each in mutants(TEMPLATE) if each.entries[0].block.name == "staff")
    assert "with the claims" not in str(advice(TEMPLATE, mutant, cases))


def test_for_a_mistake_that_makes_no_difference_nothing_is_proposed() -> None:
    template = PolicyTemplate.of([Grant(publish=("a/b",)), Grant(publish=("a/#",))])
    assert advice(template, next(mutants(template)), CONNECT) is None


@given(st.lists(blocks().map(Grant.model_validate), min_size=1, max_size=2), blocks().map(Deny.model_validate))
def test_what_is_proposed_passes_and_kills_the_mutant(grants: list[Grant], deny: Deny) -> None:
    try:
        template = PolicyTemplate.of([*grants, deny], topic_prefix="dev")
    except InvalidTopics:
        return
    claims = {"one": "a", "many": ["a", "b"], "role": "x"}
    known = case("publish nothing", False, **claims)
    for mutant in mutants(template):
        found = advice(template, mutant, [known])
        if found is not None and not found.change:
            added = case(found.line, found.allowed, **claims)
            asked = with_topic_prefix(added.question, added.resource, template.topic_prefix)
            answer = explain(template, known.client.principal, added.question, asked)
            assert answer.allowed is found.allowed
            assert not survives(mutant, asked_of(template, [added]))


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_tests_of_a_ready_template_cover_each_entry_and_kill_each_mutant(path: Path) -> None:
    template = PolicyTemplate.load(path)
    cases = load_tests(path.with_suffix(".test.toml"), lambda *_: None).cases
    asked = asked_of(template, cases)
    assert list(gaps(template, asked)) == []
    assert [f"{mutant}" for mutant in mutants(template) if survives(mutant, asked)] == []
