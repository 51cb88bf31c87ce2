"""`widen = true` allows deeper levels, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Grant, InvalidTopics, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.evaluator import Evaluator
from tests.policies.templates import Block, blocks

ARN = "arn:aws:iot:us-east-1:123456789012:"
SHADOW = Grant(when={"role": "device"}, publish=["$aws/things/{principal}/shadow/update"])


def allows(action: str, resource: str, *grants: Grant) -> bool:
    policy = compile_policy(PolicyTemplate.of(grants), Principal("ann"))
    documents = policy.documents(AccountRegion("us-east-1", "123456789012"))
    return Evaluator([dict(document) for document in documents]).allows(action, ARN + resource)


def test_deeper_levels_are_allowed() -> None:
    assert allows("iot:Publish", "topic/a/x/y/b/c", Grant(widen=True, publish=["a/+/b/#"]))


def test_topics_that_start_with_a_dollar_are_not() -> None:
    assert not allows("iot:Publish", "topic/$aws/things/bob/shadow/update", Grant(widen=True, publish=["#"]))


@pytest.mark.parametrize("widen", [False, True])
@pytest.mark.parametrize(
    "grants",
    [
        [Grant(when={"role": "operator"}, publish=["#"]), SHADOW],
        [Grant(subscribe=["+/status", "$share/g/x/status"])],
        [Grant(publish=["+/c", "x/y/c", "$aws/x/c"])],
        [Grant(subscribe=["$share/g/+/c", "$share/g/x/y/c", "$aws/z/c"])],
    ],
)
def test_a_leading_wildcard_beside_what_starts_with_a_dollar_is_refused_whatever_widen_says(
    grants: list[Grant], widen: bool
) -> None:
    with pytest.raises(InvalidTopics, match="name the first level; widen does not help here"):
        PolicyTemplate.of([grant.model_copy(update={"widen": widen}) for grant in grants])


def test_a_text_level_behind_a_leading_wildcard_is_told_when_widen_helps() -> None:
    with pytest.raises(InvalidTopics, match=r"allows deeper levels too \(only if no entry starts with \$\)"):
        PolicyTemplate.of([Grant(publish=["+/a/#"])])


@given(st.lists(blocks(), min_size=1, max_size=3))
def test_advice_to_widen_is_never_followed_by_another_refusal_of_the_same_entry(given: list[Block]) -> None:
    advised: set[tuple[str | int, ...]] = set()
    grants = [Grant.model_validate(block) for block in given]
    while (refused := _refusal(grants)) is not None:
        assert refused.key not in advised, str(refused)
        if "or set widen = true" not in str(refused) or "only if" in str(refused):
            return
        advised.add(refused.key)
        number = refused.key[1]
        grants = [each.model_copy(update={"widen": each.widen or index == number}) for index, each in enumerate(grants)]


def _refusal(grants: list[Grant]) -> InvalidTopics | None:
    try:
        PolicyTemplate.of(grants)
    except InvalidTopics as error:
        return error
    return None
