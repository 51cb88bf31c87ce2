"""Packs statements into as few policy documents as possible."""

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring_ascii as _json_text
from typing import NamedTuple, NotRequired, TypedDict

from iot_policies.actions import Action, Effect
from iot_policies.errors import PolicyTooLarge

MOST_DOCUMENTS = 10
LONGEST_DOCUMENT = 2048
"""Characters of compact JSON. Other characters than ASCII count as their escapes, so characters are bytes."""

ConditionBlock = Mapping[str, Mapping[str, Sequence[str]]]


class DocumentStatement(TypedDict):
    """A statement of a policy document."""

    Effect: Effect
    Action: list[Action]
    Resource: list[str]
    Condition: NotRequired[ConditionBlock]


class Document(TypedDict):
    """An IoT policy document."""

    Version: str
    Statement: list[DocumentStatement]


class Heading:
    """A statement without its resources."""

    __slots__ = ("actions", "condition", "effect", "sends", "size")

    def __init__(self, effect: Effect, actions: tuple[Action, ...], condition: ConditionBlock | None) -> None:
        self.effect = effect
        """Whether the statement allows or denies."""
        self.actions = actions
        """The actions that it allows or denies."""
        self.condition = condition
        """Its condition; None if it always applies."""
        self.sends = "iot:SendDirectMessage" in actions
        """Whether it is about direct messages."""
        self.size = len(compact(self.over([])))
        """Its characters of compact JSON. The comma after the statement is counted with its first resource."""

    def over(self, resources: list[str]) -> DocumentStatement:
        """The statement with these resources, given as ARNs."""
        statement: DocumentStatement = {"Effect": self.effect, "Action": list(self.actions), "Resource": resources}
        if self.condition is not None:
            statement["Condition"] = self.condition
        return statement


class Statement(NamedTuple):
    """What a policy says about some resources, before region and account are known."""

    heading: Heading
    resources: tuple[str, ...]
    """The part of the ARN after its last colon: `topic/a/*`."""


def compact(value: object) -> str:
    """Compact JSON, whose characters IoT Core counts."""
    return json.dumps(value, separators=(",", ":"))


_EMPTY = len(compact({"Version": "2012-10-17", "Statement": []})) - 1
"""The characters of a document without statements, minus the comma that its first statement does not need."""


def pack(statements: Sequence[Statement], prefix: str) -> list[Document]:
    """Writes statements into as few documents as possible.

    `prefix` is the ARN up to its last colon. Raises PolicyTooLarge for more than 10 documents.
    """
    size, in_full = _EMPTY, prefix.__add__
    written: list[DocumentStatement] = []
    names: list[str] = []
    for heading, its in statements:
        written.append(heading.over(list(map(in_full, its))))
        size += heading.size
        names += its
    size += len(_json_text("".join(names))) - 2
    size += len(names) * (len(_json_text(prefix)) + 1)  # With the quotes and the comma of each.
    if size <= LONGEST_DOCUMENT:
        return [{"Version": "2012-10-17", "Statement": written}]
    return _spread([(heading, list(map(in_full, its))) for heading, its in statements])


def _spread(statements: Sequence[tuple[Heading, list[str]]]) -> list[Document]:
    """Puts each resource into the first document that has room for it."""
    pages = [_Page()]
    for heading, resources in statements:
        for resource in resources:
            size = len(_json_text(resource)) + 1
            if not any(page.take(heading, resource, size) for page in pages):
                pages.append(_Page())
                if len(pages) > MOST_DOCUMENTS or not pages[-1].take(heading, resource, size):
                    raise PolicyTooLarge(sum(len(resources) for _, resources in statements))
    return [_document(page.resources.items()) for page in pages]


class _Page:
    """A document that is being filled."""

    __slots__ = ("left", "resources")

    def __init__(self) -> None:
        self.left = LONGEST_DOCUMENT - _EMPTY
        self.resources: dict[Heading, list[str]] = {}

    def take(self, heading: Heading, resource: str, size: int) -> bool:
        """Adds a resource to its statement if it fits. `size`: its characters with its comma."""
        here = self.resources.get(heading)
        if here is None:
            size += heading.size
        if size > self.left:
            return False
        self.left -= size
        if here is None:
            self.resources[heading] = [resource]
        else:
            here.append(resource)
        return True


def _document(statements: Iterable[tuple[Heading, list[str]]]) -> Document:
    return {"Version": "2012-10-17", "Statement": [heading.over(resources) for heading, resources in statements]}
