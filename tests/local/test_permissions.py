"""The cached answers of a policy: each question is asked and reported once."""

import pytest

from iot_core.permissions import CACHED_TOPICS, Permissions
from iot_policies.evaluator import Evaluator
from tests.local.harness.function import ARN, document, statement

POLICY = document(
    statement("iot:Publish", "topic/a"),
    statement("iot:RetainPublish", "topic/b"),
    statement("iot:Receive", "topic/c"),
    statement("iot:Subscribe", "topicfilter/d"),
    statement("iot:Connect", "client/e"),
)
ACTIONS = ("publish", "retain", "receive", "subscribe", "connect")


class Asked:
    """Permissions, and the decisions that they reported."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        self.permissions = Permissions(Evaluator([POLICY]), ARN, lambda *decision: self.told.append(decision))

    def may(self, action: str, resource: str) -> bool:
        found: bool = getattr(self.permissions, f"may_{action}")(resource)
        return found


@pytest.mark.parametrize(("action", "resource"), list(zip(ACTIONS, "abcde", strict=True)))
def test_each_action_has_its_own_resources(action: str, resource: str) -> None:
    asked = Asked()
    assert [each for each in "abcde" if asked.may(action, each)] == [resource]


@pytest.mark.parametrize("action", ["publish", "retain", "receive"])
def test_a_topic_is_decided_and_told_once(action: str) -> None:
    asked = Asked()
    for _ in range(3):
        asked.may(action, "a")
    assert asked.told == [(action, "a", action == "publish")]


def test_a_full_cache_is_cleared() -> None:
    asked = Asked()
    for topic in ("a", *(f"x/{number}" for number in range(CACHED_TOPICS)), "a"):
        assert asked.may("publish", topic) is (topic == "a")
    assert asked.told.count(("publish", "a", True)) == 2
