"""What is accepted by texts alone when a template is loaded is what the prover finds for all values of placeholders."""

from random import Random

from hypothesis import event, given
from hypothesis import strategies as st

from iot_policies import Grant, PolicyTemplate
from iot_policies.proofs import prove
from tests.effort import examples
from tests.policies.proofs.random_templates import random_template


@given(st.integers(0, 10**9))
@examples(10 / 3)
def test_no_denial_of_a_template_that_loads_takes_topics_of_another_entry(seed: int) -> None:
    proof = prove(random_template(Random(seed)), quick=True)
    assert proof.counterexample is None
    assert all("too many solutions" in line for line in proof.not_covered)
    assert all(meeting.inside is not None for meeting in proof.meetings)
    event(f"a denial reaches another entry: {any(each.inside is each.reached for each in proof.meetings)}")


def test_the_proof_names_the_entry_that_contains_another_one_for_some_values() -> None:
    template = PolicyTemplate.of([Grant(publish=["a/#", "b/#", "{principal}/x/+"])])
    proof = prove(template)
    found = {(each.reached.text, each.inside and each.inside.text): [*each.values.values()] for each in proof.meetings}
    assert found == {("a/#", "a/#"): [("a",)], ("b/#", "b/#"): [("b",)]}
