"""Evaluates policy documents as IoT Core does: may a connection use an action on a resource?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from iot_policies.documents import ParsedStatement, parse_document
from iot_policies.wildcards import VALUE, Matcher, Pattern, matcher

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
_CONNECT_ATTRIBUTES = "iot:connectattributes"


@dataclass(frozen=True, slots=True)
class Connection:
    """What IoT Core knows about a connection, for policy variables and conditions."""

    client_id: str | None = None
    source_ip: str | None = None
    thing_name: str | None = None
    thing_type: str | None = None
    thing_attributes: Mapping[str, str] = field(default_factory=dict)
    thing_attached: bool = False
    connect_attributes: frozenset[str] = frozenset()
    """`LastWill` and `PersistentConnect`, if the CONNECT asks for them."""

    def variable(self, name: str) -> str | None:
        """The value of a policy variable such as `iot:ClientId`; None if it has no value."""
        name = name.casefold()
        prefix = "iot:connection.thing."
        if name.startswith(f"{prefix}attributes[") and name.endswith("]"):
            wanted = name[len(prefix) + len("attributes[") : -1]
            return next((value for key, value in self.thing_attributes.items() if key.casefold() == wanted), None)
        return {
            "iot:clientid": self.client_id,
            "aws:sourceip": self.source_ip,
            f"{prefix}thingname": self.thing_name,
            f"{prefix}thingtypename": self.thing_type,
            f"{prefix}isattached": str(self.thing_attached).lower(),
        }.get(name)

    def fill(self, text: str) -> Pattern | None:
        """Fills the policy variables of a text; their values are never wildcards. None if one has no value."""
        if "${" not in text:  # Most texts. This runs for every connection.
            return Pattern(text, ())
        found = [_LITERALS.get(name) or self.variable(name) for name in _VARIABLE.findall(text)]
        values = tuple(value for value in found if value is not None)
        return Pattern(_VARIABLE.sub(VALUE, text), values) if len(values) == len(found) else None

    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys of this connection in lower case, with their values."""
        prefix = "iot:connection.thing."
        names = ["iot:clientid", "aws:sourceip"]
        names += [f"{prefix}{name}" for name in ("isattached", "thingname", "thingtypename")]
        names += [f"{prefix}attributes[{name}]".casefold() for name in self.thing_attributes]
        found = {name: value for name in names if (value := self.variable(name)) is not None}
        return {name: (value,) for name, value in found.items()} | {
            _CONNECT_ATTRIBUTES: tuple(sorted(self.connect_attributes))
        }


class Decision(NamedTuple):
    """Whether an action is allowed, and by which statement."""

    allowed: bool
    explicit: bool
    """True if a statement decided; False if none matched, which denies."""
    document: int | None
    """The index of the deciding document."""
    statement: int | None
    """The index of the deciding statement in its document."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A statement for one connection: variables filled, conditions met."""

    deny: bool
    actions: tuple[Matcher, ...]
    not_actions: bool
    resources: tuple[Matcher, ...]
    not_resources: bool
    document: int
    statement: int

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement applies to this action (in lower case) on this resource."""
        return any(fits(action) for fits in self.actions) != self.not_actions and (
            any(fits(resource) for fits in self.resources) != self.not_resources
        )


class Evaluator:
    """Decides by the policy documents of one connection.

    A Deny that covers a request wins over every Allow. A request that no statement covers is denied.
    """

    def __init__(
        self,
        documents: Iterable[str | Mapping[str, object] | tuple[ParsedStatement, ...]],
        connection: Connection | None = None,
    ) -> None:
        """Takes documents as JSON, as objects or parsed. Raises InvalidDocument."""
        connection = connection or Connection()
        context = connection.context()
        denies: list[_Bound] = []
        allows: list[_Bound] = []
        for number, document in enumerate(documents):
            statements = document if isinstance(document, tuple) else parse_document(document)
            for index, statement in enumerate(statements):
                bound = _bind(statement, connection, context, number, index)
                if bound is not None:
                    (denies if bound.deny else allows).append(bound)
        self._statements = (*denies, *allows)

    def decide(self, action: str, resource: str) -> Decision:
        """Decides on an action, as `iot:Publish`, on an ARN, as `arn:aws:iot:us-east-1:123456789012:topic/a`."""
        action = action.casefold()
        for bound in self._statements:
            if bound.covers(action, resource):
                return Decision(not bound.deny, True, bound.document, bound.statement)
        return Decision(False, False, None, None)

    def allows(self, action: str, resource: str) -> bool:
        """Whether `decide` allows it."""
        return self.decide(action, resource).allowed


def _bind(
    statement: ParsedStatement,
    connection: Connection,
    context: Mapping[str, tuple[str, ...]],
    document: int,
    index: int,
) -> _Bound | None:
    """Prepares a statement for a connection; None if it does not apply there.

    A resource whose variable has no value matches nothing, as in IAM; an Allow with such a NotResource is left out.
    If a condition's variable has no value, a Deny applies and an Allow does not.
    """
    deny = statement.effect == "Deny"
    for condition in statement.conditions:
        holds = condition.holds(context, connection.fill)
        if holds is False or (holds is None and not deny):
            return None
    filled = [connection.fill(text) for text in statement.resources]
    known = tuple([matcher(*pattern) for pattern in filled if pattern is not None])
    if statement.not_resources and not deny and len(known) < len(filled):
        return None
    return _Bound(
        deny,
        tuple([matcher(action.casefold()) for action in statement.actions]),
        statement.not_actions,
        known,
        statement.not_resources,
        document,
        index,
    )
