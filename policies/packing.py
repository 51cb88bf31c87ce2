"""Statements into policy documents, as few as fit."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json_text
from typing import NamedTuple, NotRequired, TypedDict

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


class Statement(NamedTuple):
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
        self.resources: dict[int, list[str]] = {}
        """By the index of their statement."""

    def take(self, index: int, resource: str, size: int, frame: int) -> bool:
        """Adds a resource, of `size` characters with its comma, to a statement of `frame`, where it fits."""
        here = self.resources.get(index)
        if here is None:
            size += frame
        if size > self.left:
            return False
        self.left -= size
        if here is None:
            self.resources[index] = [resource]
        else:
            here.append(resource)
        return True


def compact(value: object) -> str:
    """Compact JSON, as IoT Core counts it."""
    return json.dumps(value, separators=(",", ":"))


@lru_cache(maxsize=256)
def _frame_size(effect: Effect, actions: tuple[Action, ...], condition: str) -> int:
    condition_size = len(f',"Condition":{condition}') if condition else 0
    return len(compact({"Effect": effect, "Action": actions, "Resource": []})) + condition_size


def _frame(statement: Statement) -> int:
    """The characters of a statement without resources; its first resource's comma counts as its own."""
    condition = "" if statement.condition is None else compact(statement.condition)
    return _frame_size(statement.effect, statement.actions, condition)


_EMPTY = len(compact({"Version": "2012-10-17", "Statement": []})) - 1
"""The characters of a document without statements, less the comma that its first statement does not need."""


def pack(statements: Sequence[Statement], prefix: str) -> list[Document]:
    """Puts each resource into the first document that still has room for it.

    `prefix` is the ARN up to its last colon. Raises PolicyTooLarge past 10 documents.
    """
    written = [[prefix + name for name in statement.resources] for statement in statements]
    if _EMPTY + sum(map(_frame, statements)) + sum(map(_sizes, written)) <= LONGEST_DOCUMENT:
        return [_document(zip(statements, written, strict=True))]
    pages = [_Page()]
    for index, resources in enumerate(written):
        frame = _frame(statements[index])
        for resource in resources:
            size = _size(resource)
            if not any(page.take(index, resource, size, frame) for page in pages):
                pages.append(_Page())
                if len(pages) > MOST_DOCUMENTS or not pages[-1].take(index, resource, size, frame):
                    raise PolicyTooLarge(sum(len(each.resources) for each in statements))
    return [_document((statements[index], found) for index, found in page.resources.items()) for page in pages]


def _size(resource: str) -> int:
    """The characters of a resource, with its comma."""
    return len(_json_text(resource)) + 1


def _sizes(resources: list[str]) -> int:
    """The same for many, counted in one go: each has two quotes and a comma."""
    return len(_json_text("".join(resources))) - 2 + 3 * len(resources)


def _document(statements: Iterable[tuple[Statement, list[str]]]) -> Document:
    return {
        "Version": "2012-10-17",
        "Statement": [statement.to_document(resources) for statement, resources in statements],
    }
