"""A plan in JSON grants what its template grants."""

import json

import pytest
from hypothesis import given

from iot_policies import AccountRegion, Deny, Grant, PolicyError, PolicyPlan, PolicyTemplate, Principal, compile_policy
from iot_policies.packing import Document
from tests import ROOT
from tests.effort import examples
from tests.policies.templates import Case, cases

PLACE = AccountRegion("eu-west-1", "123456789012")


def through_json(template: PolicyPlan) -> PolicyPlan:
    return PolicyPlan.of_json(json.loads(json.dumps(template.to_json())))


def documents(plan: PolicyPlan, principal: Principal, client_id: str | None) -> list[Document] | str:
    try:
        return compile_policy(plan, principal, client_id).documents(PLACE)
    except PolicyError as error:
        return str(error)


@given(cases(denials=True))
@examples(1)
def test_it_compiles_to_the_same_documents_and_refusals(case: Case) -> None:
    template, principal = case.template(), Principal(case.name, case.claims)
    plan = through_json(template)
    assert plan.applying(case.claims) == template.applying(case.claims)
    for client_id in (None, case.name):
        assert documents(plan, principal, client_id) == documents(template, principal, client_id)


@pytest.mark.parametrize("name", ["broadcast", "chat", "fleet", "public"])
def test_a_ready_template_is_the_same_when_it_is_written_again(name: str) -> None:
    template = PolicyTemplate.load(ROOT / f"policies/{name}.toml")
    plan = through_json(template)
    assert json.dumps(plan.to_json()) == json.dumps(template.to_json())
    assert (plan.principal_claim, plan.session) == (template.principal_claim, template.session)


@pytest.mark.parametrize("value", [True, 1, 1.0, 0.1, 10**30, "1", "", ("a", 2, False), "\U0001f512", "{0}"])
def test_the_values_of_when_keep_their_types(value: str | float | tuple[str | float, ...]) -> None:
    template = PolicyTemplate.of([Grant(when={"x": value}, publish=("a",)), Deny(when={"y": value}, publish=("b",))])
    for (effect, when), (same, other) in zip(template.whens, through_json(template).whens, strict=True):
        assert (effect, repr(when)) == (same, repr(other))


def test_conditions_and_containers_are_kept() -> None:
    blocks: list[Grant | Deny] = [
        Grant(connect=("{principal}",), connect_with=("LastWill",), subscribe=("a/{principal}/#", "a/{claims.x}/b")),
        Deny(connect=("{client_id}",), publish=("c/{claims.y}",)),
    ]
    template = PolicyTemplate.of(blocks)
    plan = through_json(template)
    assert plan.denied_claims == template.denied_claims != ()
    for claims in ({"x": ["ann", "bob"]}, {"x": "ann", "y": "d"}):
        found = documents(plan, Principal("ann", claims), "ann")
        assert found == documents(template, Principal("ann", claims), "ann")
        assert "iot:ConnectAttributes" in json.dumps(found)
