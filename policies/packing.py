"""Statements into policy documents, as few as fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json_text
from typing import NotRequired, TypedDict

from policies.entries import Action, Effect
from policies.errors import PolicyTooLarge

MOST_DOCUMENTS = 10
LONGEST_DOCUMENT = 2048
"""Characters of compact JSON. All that is not ASCII counts as its escape, so that characters are bytes too."""

ConditionBlock = Mapping[str, Mapping[str, Sequence[str]]]


class DocumentStatement(TypedDict):
    """A statement as it stands in a policy document."""

    Effect: Effect
    Action: list[Action]
    Resource: list[str]
    Condition: NotRequired[ConditionBlock]


class Document(TypedDict):
    """An IoT policy document."""

    Version: str
    Statement: list[DocumentStatement]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What a policy says of some resources, before it is written for an account."""

    effect: Effect
    actions: tuple[Action, ...]
    resources: tuple[str, ...]
    """Behind the ARN's last colon: `topic/a/*`."""
    condition: ConditionBlock | None = None

    def to_document(self, resources: list[str]) -> DocumentStatement:
        """This statement with some of its resources, as ARNs."""
        document: DocumentStatement = {"Effect": self.effect, "Action": list(self.actions), "Resource": resources}
        if self.condition is not None:
            document["Condition"] = self.condition
        return document


class _Page:
    """A document as it fills."""

    __slots__ = ("left", "resources")

    def __init__(self) -> None:
        self.left = LONGEST_DOCUMENT - _EMPTY
        self.resources: dict[Statement, list[str]] = {}

    def take(self, statement: Statement, resource: str, size: int, frame: int) -> bool:
        """Adds a resource, of `size` characters with its comma, where it fits."""
        here = self.resources.get(statement)
        if here is None:
            size += frame
        if size > self.left:
            return False
        self.left -= size
        if here is None:
            self.resources[statement] = [resource]
        else:
            here.append(resource)
        return True


def compact(value: object) -> str:
    """Compact JSON, as IoT Core counts it."""
    return json.dumps(value, separators=(",", ":"))


@lru_cache(maxsize=256)
def _frame_size(effect: Effect, actions: tuple[Action, ...], condition: str) -> int:
    condition_size = len(f',"Condition":{condition}') if condition else 0
    return len(compact({"Effect": effect, "Action": actions, "Resource": []})) + condition_size + 1


def _frame(statement: Statement) -> int:
    """The characters of a statement without resources, with its comma."""
    condition = "" if statement.condition is None else compact(statement.condition)
    return _frame_size(statement.effect, statement.actions, condition)


_EMPTY = len(compact({"Version": "2012-10-17", "Statement": []}))


def pack(statements: Sequence[Statement], prefix: str) -> list[Document]:
    """Puts each resource into the first document that still has room for it.

    `prefix` is the ARN up to its last colon. Raises PolicyTooLarge past 10 documents.
    """
    pages = [_Page()]
    for statement in statements:
        frame = _frame(statement)
        for resource in [prefix + name for name in statement.resources]:
            size = len(_json_text(resource)) + 1
            if not any(page.take(statement, resource, size, frame) for page in pages):
                pages.append(_Page())
                if len(pages) > MOST_DOCUMENTS or not pages[-1].take(statement, resource, size, frame):
                    raise PolicyTooLarge(sum(len(each.resources) for each in statements))
    return [
        {
            "Version": "2012-10-17",
            "Statement": [statement.to_document(resources) for statement, resources in page.resources.items()],
        }
        for page in pages
    ]
