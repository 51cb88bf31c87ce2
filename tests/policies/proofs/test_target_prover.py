"""Proofs about session policies and the role of guests. Faults of these targets: `test_faults.py`."""

from pathlib import Path

import pytest

from iot_policies import Deny, Grant, PolicyTemplate
from iot_policies.compiler import Policy
from iot_policies.principal import Claims
from iot_policies.proofs.iam_statements import iam_statements, with_end
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.target_prover import prove_target
from iot_policies.proofs.targets import COGNITO_ROLE, NOT_EXPRESSIBLE, SESSION_POLICY, PolicyTarget
from tests.policies.proofs.faults import READY, deny, grant
from tests.policies.proofs.target_templates import TARGETS

ARN = "arn:aws:iot:us-east-1:123456789012:"


def policy(effect: str, action: str, resource: str, condition: str = "") -> str:
    """A policy of one statement."""
    statement = f'"Effect":"{effect}","Action":"{action}","Resource":"{ARN}{resource}"'
    return f'{{"Version":"2012-10-17","Statement":[{{{statement}{condition}}}]}}'


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_a_ready_template_is_proved_for_each_target(path: Path, target: PolicyTarget) -> None:
    proof = prove_target(PolicyTemplate.load(path), target)
    assert (proof.verdict, proof.not_covered) == ("proved", [])


def test_each_client_id_that_is_granted_is_an_example_and_a_wildcard_also_has_one_with_signs_of_iam() -> None:
    proof = prove_target(PolicyTemplate.of([grant(connect=["a", "b/*"])]), SESSION_POLICY)
    client_ids = {example.client_id for example, found in proof.examples if isinstance(found, Policy)}
    assert client_ids >= {"a", "b/x"}
    assert any(each is not None and each.startswith("b/*//?${y}") for each in client_ids)


def test_a_template_that_no_session_policy_can_hold_is_not_covered() -> None:
    proof = prove_target(PolicyTemplate.of([grant(publish=["a"])]), SESSION_POLICY)
    assert (proof.verdict, proof.not_covered) == ("not covered", ["no example principal got a policy"])


def test_an_entry_that_the_role_cannot_express_is_named_if_no_guest_gets_a_policy() -> None:
    proof = prove_target(PolicyTemplate.of([grant(publish=["a/{client_id}"])]), COGNITO_ROLE)
    assert proof.verdict == "not covered"
    assert proof.not_covered[1].startswith('"a/{client_id}": a role')


def test_guests_without_a_claim_that_an_entry_needs_are_counted_and_not_proved() -> None:
    proof = prove_target(PolicyTemplate.of([grant(publish=["a/{claims.x}"])]), COGNITO_ROLE)
    assert (proof.verdict, proof.refused[NOT_EXPRESSIBLE] > 0) == ("proved", True)


def claims_of_policies(target: PolicyTarget, *blocks: Grant | Deny) -> list[Claims]:
    """The claims of the examples that got a policy."""
    proof = prove_target(PolicyTemplate.of(blocks), target)
    return [example.principal.claims for example, found in proof.examples if isinstance(found, Policy)]


def test_a_guest_that_lacks_a_claim_is_also_tried_with_it() -> None:
    """A role needs all claims of all entries, and the values of two entries are compared as if there were no other."""
    blocks = grant(subscribe=["a/#", "b/{claims.x}"]), deny(subscribe=["{claims.y}/{principal}"])
    found = claims_of_policies(COGNITO_ROLE, *blocks)
    assert [claims for claims in found if claims["y"] == "a"] != []


def test_each_list_is_also_long_while_the_others_are_short() -> None:
    """Otherwise it stays short, since all lists together make a policy too large."""
    blocks = grant(
        connect=["{principal}"], receive=["a/{claims.x}"], publish=[f"{'long' * 40}/{{claims.x}}/{{claims.y}}"]
    )
    found = claims_of_policies(SESSION_POLICY, blocks)
    assert max(len(x) for x in (each.get("x") for each in found) if isinstance(x, list)) > 5


def test_what_the_documents_do_not_prove_is_not_proved_for_a_target() -> None:
    blocks = [grant(connect=["{principal}"], publish=["a/+"], widen=True)]
    assert prove_target(PolicyTemplate.of(blocks), SESSION_POLICY).verdict == "not covered"


@pytest.mark.parametrize(
    "text",
    [
        policy("Allow", "iot:*", "topic/a"),
        policy("Allow", "iot:DeleteThing", "topic/a"),
        policy("Allow", "iot:Publish", "thing/a"),
        policy("Allow", "iot:Publish", "topic/a", ',"Condition":{"Bool":{"aws:SecureTransport":"true"}}'),
        policy("Deny", "iot:*", "client/*"),
        policy("Allow", "iot:Publish", "topic/a", ',"Condition":{}'),
        policy("Allow", "iot:Publish", "topic/a", ',"Sid":"a"'),
        policy("Allow", "iot:Publish", "topic/a").replace('"Statement"', '"Id":"a","Statement"'),
        policy("Allow", "iot:Publish", "topic/a").replace("[{", "{").replace("}]", "}"),
    ],
)
def test_a_statement_that_the_compiler_never_writes_is_not_covered(text: str) -> None:
    with pytest.raises(NotCovered):
        iam_statements(text, ARN, "ann")


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ("", {"iot:Connect", "iot:SendDirectMessage"}),
        (',"Condition":{"ForAnyValue:StringEquals":{"iot:ConnectAttributes":"LastWill"}}', {"iot:Connect"}),
        (
            ',"Condition":{"ForAllValues:StringEquals":{"iot:ConnectAttributes":"LastWill"}}',
            {"iot:Connect", "iot:SendDirectMessage"},
        ),
        (',"Condition":{"StringLike":{"iot:Topic":"a"}}', {"iot:SendDirectMessage"}),
    ],
)
def test_a_denial_of_all_actions_is_about_those_whose_requests_meet_its_condition(
    condition: str, denied: set[str]
) -> None:
    found = iam_statements(policy("Deny", "iot:*", "client/x", condition), ARN)
    assert {action for statement in found for action in statement.heading.actions} == denied


def test_a_policy_with_an_end_has_it_in_each_allow_beside_other_conditions() -> None:
    topic = ',"Condition":{"StringLike":{"iot:Topic":"a"}'
    end = '"DateLessThan":{"aws:CurrentTime":"2033"}}'
    asked = "iot:SendDirectMessage", "client/a"
    assert with_end(policy("Allow", *asked, f"{topic}}}"), "2033") == policy("Allow", *asked, f"{topic},{end}")
    assert with_end(policy("Allow", *asked), "2033") == policy("Allow", *asked, f',"Condition":{{{end}')
    assert with_end(policy("Deny", *asked), "2033") == policy("Deny", *asked)
