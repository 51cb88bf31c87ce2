"""The actions of IoT policies that templates are about (service authorization reference, "AWS IoT")."""

from collections.abc import Iterable
from typing import Literal

Effect = Literal["Allow", "Deny"]
Action = Literal[
    "iot:Connect",
    "iot:Publish",
    "iot:RetainPublish",
    "iot:Subscribe",
    "iot:Receive",
    "iot:GetRetainedMessage",
    "iot:SendDirectMessage",
]

RESOURCE_TYPES: dict[Action, str] = {
    "iot:Connect": "client",
    "iot:Publish": "topic",
    "iot:RetainPublish": "topic",
    "iot:Subscribe": "topicfilter",
    "iot:Receive": "topic",
    "iot:GetRetainedMessage": "topic",
    "iot:SendDirectMessage": "client",
}
"""The type of resource of each action. A direct message's topic is no resource, but a condition on iot:Topic."""


def in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Actions without duplicates, in a fixed order."""
    found = set(actions)
    return tuple(action for action in RESOURCE_TYPES if action in found)
