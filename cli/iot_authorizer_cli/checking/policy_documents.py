"""Whether policy documents have the form that a compiler may write. Imports only the standard library.

A document has exactly `Version` and statements; a statement an effect, some of seven actions, ARNs with a written-out
prefix and the type that each of its actions takes, and at most a condition about `iot:ConnectAttributes` for CONNECT.
A statement about direct messages is about nothing else, and always has a condition about `iot:Topic`.
So no other action, account, type of resource or key can allow anything that is not compared with the template.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iot_authorizer_cli.checking.template_lines import TO

PREFIX = "arn:aws:iot:us-east-1:123456789012:"
"""What every ARN of `iot-authorizer render` without `--region` and `--account` begins with."""
SEND = "iot:SendDirectMessage"
TYPES = {
    "iot:Connect": "client",
    "iot:Publish": "topic",
    "iot:RetainPublish": "topic",
    "iot:Receive": "topic",
    "iot:GetRetainedMessage": "topic",
    "iot:Subscribe": "topicfilter",
    SEND: "client",
}
"""The type of resource of each action."""
_OPERATORS = ("ForAllValues:StringEquals", "ForAllValues:StringNotEquals", "ForAnyValue:StringEquals")
_ATTRIBUTES = ("LastWill", "PersistentConnect")
_MOST_DOCUMENTS, _LONGEST_DOCUMENT = 10, 2048


def problems_of_documents(documents: Sequence[Any]) -> Iterator[str]:
    """What is wrong with the form of a principal's documents."""
    if not 1 <= len(documents) <= _MOST_DOCUMENTS:
        yield f"{len(documents)} documents: expected 1 to {_MOST_DOCUMENTS}"
    for document in documents:
        if not isinstance(document, dict) or document.keys() != {"Version", "Statement"}:
            yield "a document has other keys than Version and Statement"
        elif document["Version"] != "2012-10-17" or not isinstance(document["Statement"], list):
            yield "a document has another version than 2012-10-17, or no list of statements"
        elif len(json.dumps(document, separators=(",", ":"))) > _LONGEST_DOCUMENT:
            yield f"a document is longer than {_LONGEST_DOCUMENT} characters"
        else:
            yield from (problem for statement in document["Statement"] for problem in _problems_of(statement))


def _problems_of(statement: object) -> Iterator[str]:
    if not isinstance(statement, dict) or statement.keys() - {"Condition"} != {"Effect", "Action", "Resource"}:
        yield "a statement has other keys than Effect, Action, Resource and Condition"
        return
    actions, resources = statement["Action"], statement["Resource"]
    if statement["Effect"] not in ("Allow", "Deny"):
        yield f"a statement has the effect {json.dumps(statement['Effect'])}"
    if not isinstance(actions, list) or not actions or any(each not in (*TYPES,) for each in actions):
        yield f"a statement has the actions {json.dumps(actions)}"
        return
    begins = {f"{PREFIX}{TYPES[each]}/" for each in actions}
    for each in resources if isinstance(resources, list) and resources else [None]:
        if len(begins) > 1 or not isinstance(each, str) or not each.startswith((*begins,)) or TO in each:
            yield f"a statement with {', '.join(actions)} has the resource {json.dumps(each)}"
    condition = statement.get("Condition")
    if SEND in actions:
        is_right = actions == [SEND] and _names_topics(condition)
    else:
        is_right = "Condition" not in statement or (actions == ["iot:Connect"] and _is_known(condition))
    if not is_right:
        yield f"a statement with {', '.join(actions)} has the condition {json.dumps(condition)}"


def _names_topics(condition: object) -> bool:
    """Whether it is a condition about `iot:Topic`, with patterns of topics."""
    if not isinstance(condition, Mapping) or [*condition] != ["StringLike"]:
        return False
    keys = condition["StringLike"]
    topics = keys.get("iot:Topic") if isinstance(keys, Mapping) and len(keys) == 1 else None
    return (
        isinstance(topics, list) and bool(topics) and all(isinstance(each, str) and TO not in each for each in topics)
    )


def _is_known(condition: object) -> bool:
    """Whether it is one operator, with a list of the two attributes that templates name."""
    if not isinstance(condition, Mapping) or len(condition) != 1:
        return False
    ((operator, keys),) = condition.items()
    named = keys.get("iot:ConnectAttributes") if isinstance(keys, Mapping) and len(keys) == 1 else None
    return operator in _OPERATORS and isinstance(named, list) and all(each in _ATTRIBUTES for each in named)
