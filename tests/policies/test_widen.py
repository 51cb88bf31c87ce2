"""`widen = true` allows deeper levels, and nothing else."""

import pytest

from iot_policies import Grant, InvalidTopics, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.evaluator import Evaluator

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
def test_a_leading_wildcard_beside_a_dollar_topic_is_refused_whatever_widen_says(widen: bool) -> None:
    with pytest.raises(InvalidTopics, match="name the first level"):
        PolicyTemplate.of([Grant(when={"role": "operator"}, publish=["#"], widen=widen), SHADOW])
