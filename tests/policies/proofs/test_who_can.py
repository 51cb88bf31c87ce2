"""Who can do something: the conditions agree with compiled policies, for random templates and for the ready ones."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.explaining import ACTIONS, Question, explain
from iot_policies.proofs.who_can import Way, WhoCan, who_can
from tests import READY
from tests.policies.probes import FILTERS, TOPICS, permitted
from tests.policies.templates import Case, cases

QUESTIONS: Mapping[Question, tuple[str, ...]] = {
    "publish": TOPICS,
    "retain": TOPICS,
    "receive": TOPICS,
    "subscribe": FILTERS,
}


def holds(way: Way, case: Case) -> bool:
    """Whether the conditions and values of a way hold for a principal, read without the package."""
    when = way.entry.block.when or {}
    block = {"when": {name: [*wanted] if isinstance(wanted, tuple) else wanted for name, wanted in when.items()}}
    values = {"principal": [case.name]} | {f"claims.{name}": strings(value) for name, value in case.claims.items()}
    return case.applies(block) and all(text in values.get(name, []) for name, text in way.values)


def strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


@given(cases(denials=True), st.data())
def test_the_conditions_hold_exactly_for_those_whose_policy_allows_it(case: Case, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(QUESTIONS)))
    asked = data.draw(st.sampled_from(QUESTIONS[question]))
    found = who_can(case.template(), question, asked)
    documents = case.documents()
    allowed = all(asked in permitted(documents, action) for action in ACTIONS[question])
    by_conditions = any(holds(way, case) for way in found.ways) and not any(holds(way, case) for way in found.denials)
    assert by_conditions == allowed
    assert (found.grantee(Principal(case.name, case.claims)) is not None) == allowed
    assert not allowed or found.example() is not None


@given(cases(denials=True), st.data())
def test_the_example_can_do_it(case: Case, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(QUESTIONS)))
    found = who_can(case.template(), question, data.draw(st.sampled_from(QUESTIONS[question])))
    example = found.example()
    assert example is None or explain(case.template(), example, question, found.resource).allowed


def of(*blocks: Grant | Deny, topic_prefix: str = "") -> PolicyTemplate:
    return PolicyTemplate.of(blocks, topic_prefix=topic_prefix)


def values(found: WhoCan) -> list[dict[str, str]]:
    return [dict(way.values) for way in found.ways]


@pytest.mark.parametrize(
    ("entry", "topic", "expected"),
    [
        (
            "a/{claims.x}-{principal}",
            "a/b-c-d",
            [{"claims.x": "b", "principal": "c-d"}, {"claims.x": "b-c", "principal": "d"}],
        ),
        ("a/{claims.x}/{claims.x}", "a/b/c", []),
        ("a/{claims.x}/{claims.x}", "a/b/b", [{"claims.x": "b"}]),
        ("a/{claims.x}/#", "a/b/c/d", [{"claims.x": "b"}]),
        ("a/{claims.x}", "a/", []),
        ("a/{claims.x}", "a/ b", []),
        ("+/{principal}", "$x/b", []),
    ],
)
def test_each_way_to_fill_the_placeholders_is_found(entry: str, topic: str, expected: list[dict[str, str]]) -> None:
    found = values(who_can(of(Grant(publish=(entry,))), "publish", topic))
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_a_topic_prefix_is_in_front_of_the_topic() -> None:
    template = of(Grant(publish=("a/{principal}", "$aws/{principal}")), topic_prefix="dev")
    assert values(who_can(template, "publish", "dev/a/ann")) == [{"principal": "ann"}]
    assert values(who_can(template, "publish", "a/ann")) == []
    assert values(who_can(template, "publish", "$aws/ann")) == [{"principal": "ann"}]


def test_a_deny_that_always_holds_with_a_grant_leaves_no_one() -> None:
    grant = Grant(publish=("a",), when={"role": "x"})
    assert who_can(of(grant, Deny(publish=("#",), when={"role": "X"})), "publish", "a").example() is None
    other = who_can(of(grant, Deny(publish=("#",), when={"role": "y"})), "publish", "a").example()
    assert other == Principal("ann", {"role": "x"})


def test_the_asked_client_id_fills_its_placeholder() -> None:
    template = of(Grant(connect=("{client_id}", "{principal}/*")))
    assert values(who_can(template, "connect", "phone")) == [{}]
    assert values(who_can(template, "connect", "ann/phone")) == [{"principal": "ann"}]
    assert values(who_can(of(Grant(connect=("a-{client_id}",))), "connect", "a-b")) == []


def test_a_topic_with_a_client_id_needs_a_client_that_may_have_it() -> None:
    own = who_can(of(Grant(connect=("{principal}",), publish=("a/{client_id}",))), "publish", "a/ann")
    assert values(own) == [{"client_id": "ann"}]
    found = own.grantee(Principal("ann"))
    assert (found and found.client_id, own.grantee(Principal("bob"))) == ("ann", None)


def test_a_client_evades_a_deny_of_its_client_id_with_another_one() -> None:
    template = of(Grant(connect=("{principal}", "{principal}-2"), publish=("a/#",)), Deny(publish=("a/{client_id}",)))
    found = who_can(template, "publish", "a/ann")
    assert [(dict(way.values), way.without_client_id) for way in found.denials] == [
        ({"client_id": "ann"}, False),
        ({}, True),
    ]
    grantee = found.grantee(Principal("ann"))
    assert grantee is not None
    assert grantee.client_id == "ann-2"


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_example_of_a_ready_template_can_use_what_each_entry_grants(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for entry in template.entries:
        if entry.effect == "Allow":
            topic = re.sub(r"[+#*]|\{claims\..*?\}", "any", entry.filter.replace("{principal}", "ann"))
            found = who_can(template, entry.key, topic)
            assert entry in [way.entry for way in found.ways]
            assert found.example() is not None
