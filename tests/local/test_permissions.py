"""The answers of a policy, remembered: each question is asked and told once."""

import pytest

from iot_core import permissions
from iot_core.permissions import Permissions
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
    """Permissions, and what they told."""

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


def test_no_more_topics_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "_KNOWN", 10)
    asked = Asked()
    for number in range(100):
        assert not asked.may("publish", f"x/{number}")
        assert asked.may("publish", "a")
    assert len(asked.permissions._publish) <= 10


def test_one_action_says_nothing_about_another() -> None:
    asked = Asked()
    assert asked.may("publish", "a")
    assert not asked.may("retain", "a")
    assert not asked.may("receive", "a")
