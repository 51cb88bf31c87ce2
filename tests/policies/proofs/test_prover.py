"""`prove` on templates that are right, and what it refuses to call proved. Faults of the compiler: `test_faults.py`."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from iot_policies import InvalidTopics, PolicyTemplate
from iot_policies.proofs import prove
from iot_policies.proofs.prover import reasons_without_policy
from tests.effort import examples
from tests.policies.proofs.faults import CRAFTED, PREFIXED, READY, deny, grant
from tests.policies.templates import Case, cases

MOST_EXAMPLES, MOST_COMPARISONS = 1000, 1000
"""For a ready template; a comparison takes less than a millisecond."""


@pytest.mark.slow
@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_a_ready_template_is_proved_with_few_examples(path: Path) -> None:
    proof = prove(PolicyTemplate.load(path))
    assert (proof.verdict, proof.not_covered) == ("proved", [])
    assert len(proof.examples) <= MOST_EXAMPLES
    assert proof.comparisons <= MOST_COMPARISONS


@pytest.mark.parametrize("name", CRAFTED)
def test_a_template_with_close_entries_is_proved_or_refused_when_it_is_loaded(name: str) -> None:
    try:
        template = PolicyTemplate.of(CRAFTED[name])
    except InvalidTopics:
        return
    assert prove(template).verdict == "proved"


def test_a_template_with_a_topic_prefix_is_proved() -> None:
    assert prove(PolicyTemplate.of(PREFIXED, topic_prefix="dev")).verdict == "proved"


@given(cases(denials=True))
@examples(1 / 30)
def test_random_templates_are_proved(case: Case) -> None:
    proof = prove(case.template())
    assert proof.counterexample is None
    assert proof.verdict == "proved" or proof.not_covered == ["no example principal got a policy"]


def test_an_entry_that_lies_inside_another_one_is_not_apart_from_it() -> None:
    proof = prove(PolicyTemplate.of([grant(publish=["a/+/c", "a/#"])]))
    (meeting,) = proof.meetings
    assert (proof.verdict, meeting.inside and meeting.inside.text) == ("proved", "a/#")


def test_only_entries_that_widen_makes_wider_are_not_covered() -> None:
    proof = prove(PolicyTemplate.of([grant(widen=True, publish=["a/+", "b/#", "+/#", "c"], connect=["{principal}"])]))
    assert proof.verdict == "not covered"
    assert [line.partition(":")[0] for line in proof.not_covered] == ['grant[0], publish = "a/+"']


def test_placeholders_with_too_many_solutions_are_not_covered() -> None:
    entries = ["a/{claims.x}{claims.y}{principal}/+", "a/{principal}{claims.y}{claims.x}/b"]
    proof = prove(PolicyTemplate.of([grant(publish=entries)]))
    assert proof.verdict == "not covered"
    assert "placeholders in one level on both sides" in proof.not_covered[0]


def test_a_template_that_grants_nothing_is_not_proved() -> None:
    proof = prove(PolicyTemplate.of([grant(publish=[])]))
    assert (proof.verdict, proof.not_covered) == ("not covered", ["no example principal got a policy"])


def test_a_template_that_lost_an_entry_when_it_was_loaded_is_not_proved() -> None:
    template = PolicyTemplate.of([grant(publish=["a", "b"])])
    proof = prove(replace(template, entries=template.entries[:1]))
    assert "the loaded template has other entries than its grants and denies" in proof.not_covered


def test_a_quick_proof_is_only_a_part() -> None:
    proof = prove(PolicyTemplate.of([grant(publish=["a/+"])]), quick=True)
    assert (proof.verdict, proof.examples) == ("partly proved", [])


def test_principals_without_a_policy_are_counted_by_reason_code() -> None:
    template = PolicyTemplate.of(
        [
            grant(publish=["a/{claims.x}"]),
            grant(publish=[f"{'long' * 60}{number}/{{principal}}" for number in range(120)]),
            deny(when={"y": "*"}, publish=["#"]),
        ]
    )
    reasons = reasons_without_policy(prove(template))
    assert {"policy_too_large", "unsafe_value", "invalid_name", "unclear_denial"} <= reasons.keys()


@pytest.mark.slow
def test_a_template_whose_comparisons_grow_exponentially_with_the_values_of_a_list_is_proved_all_the_same() -> None:
    template = PolicyTemplate.of([grant(read=["+/{claims.x}/+/{claims.x}"])])
    assert prove(template).verdict == "proved"
