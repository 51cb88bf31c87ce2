"""Proves that a template lets a client publish and receive what an ACL file does, or finds topics that differ.

1. The policy is the real one: the documents' statements, compiled for this client and this client's claims.
2. Mosquitto's rules (`acl_meaning.py`) and the resources of the policy are read by one automaton over all topics, of
   any length. If no word of it is allowed by one of the two only, they allow the same. Otherwise the search finds a
   shortest topic, and goes on without the topics of the rule that decides about it.
3. To write needs iot:Publish and iot:RetainPublish; to read needs iot:Subscribe on the topic, and iot:Receive.
4. Which filters a client may subscribe to is compared apart: mosquitto accepts all of them.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from iot_authorizer_cli.commands.convert.acl_file import AclRule, Use
from iot_authorizer_cli.commands.convert.acl_meaning import USES, AclClient, matching, permits
from iot_policies import Principal
from iot_policies.account_region import LONGEST_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.errors import NothingGranted, PolicyError
from iot_policies.proofs.automata import Automaton, Groups, Word, readable, shortest, shortest_filter
from iot_policies.proofs.languages import Resource, resource_pattern, resources_of
from iot_policies.proofs.patterns import Pattern, Piece
from iot_policies.template import PolicyTemplate

_ACTIONS: dict[Use, tuple[Action, Action]] = {
    "write": ("iot:Publish", "iot:RetainPublish"),
    "read": ("iot:Receive", "iot:Subscribe"),
}
_MOST = 20
"""How many differences of one client are sought, each for reading and for writing."""
_ANYTHING: Pattern = (Piece((), open_end=True, loops=True),)


class ComparedClient(NamedTuple):
    """A client as both see it."""

    rules: AclClient
    principal: Principal
    client_id: str


class AclDifference(NamedTuple):
    """What one of the two allows and the other one does not."""

    kind: Literal["lost", "too much", "no policy", "more"]
    """`more`: there are more than _MOST, and the others are not sought."""
    use: Use | None
    """None for a client that gets no policy."""
    topic: str
    """For no policy, the reason code or why the user cannot be one; for more, empty."""
    rule: AclRule | None
    """What decides in mosquitto; None if no rule matches."""
    is_denied: bool = False
    """Whether a deny of the template denies it."""


class ClientComparison:
    """Compares the policy of one client with the rules of an ACL file. Raises NotCovered."""

    def __init__(self, template: PolicyTemplate, client: ComparedClient) -> None:
        self._client = client
        self._problem: str | None = None
        resources: tuple[Resource, ...] = ()
        try:
            policy = compile_policy(template, client.principal, client.client_id)
            policy.documents(LONGEST_PLACE)
            resources = resources_of(policy.statements)
        except NothingGranted:
            pass
        except PolicyError as error:
            self._problem = error.reason
        self._groups: dict[str, set[Pattern]] = {**client.rules.groups()}
        for each in resources:
            if each.action != "iot:Connect":
                self._groups.setdefault(f"{each.effect} {each.action}", set()).add(resource_pattern(each.text))
        self._automaton = Automaton(self._groups)

    def differences(self) -> Iterator[AclDifference]:
        """The differences, each with a shortest topic; none if both allow the same."""
        if self._problem is not None:
            yield AclDifference("no policy", None, self._problem, None)
            return
        for use in USES:
            yield from self._of(use)

    def _of(self, use: Use) -> Iterator[AclDifference]:
        told: list[AclRule] = []
        while (word := self._first(use, told)) is not None:
            if len(told) == _MOST:
                yield AclDifference("more", use, "", None)
                return
            found = self._automaton.groups_of(word)
            kind: Literal["lost", "too much"] = "lost" if permits(found, use) else "too much"
            rule = self._client.rules.deciding(word, use)
            yield AclDifference(kind, use, readable(word, self._automaton.texts), rule, _denies(found, use))
            if rule is None:
                return
            told.append(rule)

    def refused_filter(self) -> tuple[str, str] | None:
        """A shortest filter that the policy refuses, and a topic of it that both let the client receive."""
        filters = Automaton(
            {
                "any": [_ANYTHING],
                **{name: self._groups.get(name, set()) for name in ("Allow iot:Subscribe", "Deny iot:Subscribe")},
            }
        )

        def is_refused(found: Groups, received: Groups) -> bool:
            is_received = permits(received, "read") and _allows(received, "iot:Receive")
            return is_received and not _allows(found, "iot:Subscribe")

        found = shortest_filter(filters, is_refused, self._automaton)
        if found is None:
            return None
        topic_filter, topic = (readable(word, self._automaton.texts) for word in found)
        return topic_filter, topic

    def _first(self, use: Use, told: list[AclRule]) -> Word | None:
        one, other = _ACTIONS[use]
        told_patterns = {pattern for rule in told for pattern in matching(rule.topic_filter)}

        def differs(found: Groups) -> bool:
            if "told" in found:
                return False
            if permits(found, use):
                return not (_allows(found, one) and _allows(found, other))
            return _allows(found, one)

        return shortest(Automaton({**self._groups, "told": told_patterns}), differs)


def _allows(found: Groups, action: Action) -> bool:
    return f"Allow {action}" in found and f"Deny {action}" not in found


def _denies(found: Groups, use: Use) -> bool:
    return any(f"Allow {action}" in found and f"Deny {action}" in found for action in _ACTIONS[use])
