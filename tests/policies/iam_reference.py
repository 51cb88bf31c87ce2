"""Decides by IAM policies and IoT policies with the conditions that the compilers write; shares no code with them.

A policy is JSON text. What the compilers never write is an error.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from tests.policies.reference import texts, tokens_match, tokens_with_variables, wildcard_matches

IDENTITY = "cognito-identity.amazonaws.com:sub"


def decide(
    policies: Iterable[str],
    action: str,
    resource: str,
    attributes: Collection[str] = (),
    variables: Mapping[str, str] | None = None,
    now: str = "2026-01-01T00:00:00+00:00",
) -> bool:
    """Whether some statement of the policies allows an action on an ARN, and none denies it."""
    effects = set()
    for policy in policies:
        for statement in _statements(policy):
            if (
                any(wildcard_matches(text, action) for text in texts(statement["Action"]))
                and any(_covers(text, resource, variables or {}) for text in texts(statement["Resource"]))
                and _holds(statement.get("Condition", {}), attributes, now)
            ):
                effects.add(statement["Effect"])
    return effects == {"Allow"}


@cache
def _statements(policy: str) -> list[Mapping[str, Any]]:
    document = json.loads(policy)
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    for statement in document["Statement"]:
        assert {*statement} - {"Condition"} == {"Effect", "Action", "Resource"}
    return document["Statement"]  # type: ignore[no-any-return]


def _covers(pattern: str, resource: str, variables: Mapping[str, str]) -> bool:
    tokens = tokens_with_variables(pattern, variables)
    return tokens is not None and tokens_match(tokens, resource)


def _holds(block: Mapping[str, Mapping[str, object]], attributes: Collection[str], now: str) -> bool:
    for operator, keys in block.items():
        for key, wanted in keys.items():
            if not _meets(operator, key, texts(wanted), attributes, now):
                return False
    return True


def _meets(operator: str, key: str, wanted: Sequence[str], attributes: Collection[str], now: str) -> bool:
    if (operator, key) == ("DateLessThan", "aws:CurrentTime"):
        (end,) = wanted
        return datetime.fromisoformat(now) < datetime.fromisoformat(end)
    if (operator, key) == ("StringLike", "iot:Topic"):
        return False  # Only a direct message has a topic.
    assert key == "iot:ConnectAttributes"
    asked, known = set(attributes), set(wanted)
    return {
        "ForAllValues:StringEquals": asked <= known,
        "ForAllValues:StringNotEquals": not asked & known,
        "ForAnyValue:StringEquals": bool(asked & known),
    }[operator]
