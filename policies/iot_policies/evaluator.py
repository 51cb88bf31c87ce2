"""Evaluates policy documents as IoT Core does: may a connection use an action on a resource?

It knows no actions: those that IoT Core has for HTTPS requests, such as iot:SendDirectMessage, are like all others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from iot_policies.conditions import Undecidable
from iot_policies.connection import Connection, Facts, fill, with_stars
from iot_policies.documents import ParsedStatement, parse_document
from iot_policies.wildcards import Matcher, Pattern, matcher


@dataclass(slots=True)
class _Bound:
    """A statement for one connection: variables filled, conditions met.

    Its matchers are made for the first question that needs them: most clients use few actions.
    """

    statement: ParsedStatement
    resources: tuple[str | Pattern, ...]
    """If none has a variable, it is the tuple of the statement: no connection needs memory for it."""
    _action_matchers: tuple[Matcher, ...] | None = None
    _resource_matchers: tuple[Matcher, ...] | None = None

    @property
    def deny(self) -> bool:
        """Whether the statement denies."""
        return self.statement.effect == "Deny"

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement applies to this action (in lower case) on this resource."""
        if self._action_matchers is None:
            self._action_matchers = tuple([matcher(each.casefold()) for each in self.statement.actions])
        if any(fits(action) for fits in self._action_matchers) == self.statement.not_actions:
            return False
        if self._resource_matchers is None:
            patterns = [(each,) if isinstance(each, str) else each for each in self.resources]
            self._resource_matchers = tuple([matcher(*each) for each in patterns])
        return any(fits(resource) for fits in self._resource_matchers) != self.statement.not_resources


class Evaluator:
    """Decides by the policy documents of one connection.

    A Deny that covers a request wins over every Allow. A request that no statement covers is denied. For a signed
    request, `connection` is a SignedConnection and the documents are IAM policies (`iam.py`).
    """

    def __init__(
        self,
        documents: Iterable[str | Mapping[str, object] | tuple[ParsedStatement, ...]],
        connection: Connection | None = None,
        *,
        within: Iterable[Iterable[str | Mapping[str, object] | tuple[ParsedStatement, ...]]] = (),
    ) -> None:
        """Takes documents as JSON, as objects or parsed. Raises InvalidDocument.

        `within` has more lists of documents. Each of them must allow a request, too: session policies limit a role's.
        """
        facts = (connection or Connection()).facts()
        self.doubts: tuple[str, ...] = ()
        """Conditions and resources that could not be decided, each with its place.

        A Deny applies then, and an Allow does not.
        """
        denies: list[_Bound] = []
        allows: list[_Bound] = []
        for number, document in enumerate(documents):
            statements = document if isinstance(document, tuple) else parse_document(document)
            for index, statement in enumerate(statements):
                applies, doubt = _applies(statement, facts) if statement.conditions else (True, "")
                bound = None
                if applies:
                    bound, unknown = _bind(statement, facts)
                    doubt = doubt or unknown
                if doubt:
                    self.doubts += (f"policyDocuments[{number}].Statement[{index}]: {doubt}",)
                if bound is not None:
                    (denies if bound.deny else allows).append(bound)
        self._statements = (*denies, *allows)
        self._limits = tuple(Evaluator(each, connection) for each in within)
        for limit in self._limits:
            self.doubts += limit.doubts

    def allows(self, action: str, resource: str) -> bool:
        """Whether an action such as `iot:Publish` is allowed on an ARN such as `arn:aws:iot:REGION:ACCOUNT:topic/a`."""
        action = action.casefold()
        for bound in self._statements:
            if bound.covers(action, resource):
                return not bound.deny and all(limit.allows(action, resource) for limit in self._limits)
        return False


def _applies(statement: ParsedStatement, facts: Facts) -> tuple[bool, str]:
    """Whether the conditions of a statement are met, and what about them could not be decided."""
    doubt = ""
    for condition in statement.conditions:
        try:
            if not condition.holds(facts):
                return False, ""
        except Undecidable as error:
            doubt = doubt or str(error)
    if not doubt:
        return True, ""
    if statement.effect == "Deny":
        return True, f"{doubt}, so this Deny applies"
    return False, f"{doubt}, so this Allow does not apply"


def _bind(statement: ParsedStatement, facts: Facts) -> tuple[_Bound | None, str]:
    """Prepares a statement whose conditions are met; None if it does not apply. The text is what is in doubt.

    A resource whose variable has no value matches nothing, as in IAM; an Allow with such a NotResource is left out. An
    unknown variable could have any value: a Deny of a resource with it denies all of them.
    """
    deny, doubt = statement.effect == "Deny", ""
    known: tuple[str | Pattern, ...] = statement.resources
    if [text for text in statement.resources if "${" in text]:
        filled = [fill(text, facts) for text in statement.resources]
        if None in filled:
            doubt = _unknown(statement, facts)
            if deny and doubt and not statement.not_resources:
                filled = [fill(with_stars(text, facts), facts) for text in statement.resources]
        known = tuple([pattern for pattern in filled if pattern is not None])
        if statement.not_resources and not deny and len(known) < len(filled):
            return None, doubt
    return _Bound(statement, known), doubt


def _unknown(statement: ParsedStatement, facts: Facts) -> str:
    """Says which resource has an unknown policy variable, and what follows; empty if none has."""
    found = next((text for text in statement.resources if with_stars(text, facts) != text), None)
    follows = "applies to every value of it" if statement.effect == "Deny" else "does not apply to it"
    return f"{found} has an unknown policy variable, so this {statement.effect} {follows}" if found else ""
