"""Says who can do something: the conditions under which entries allow it, and those under which entries deny it.

1. A topic is given, so an entry matches it for finitely many values of its placeholders. They are found by `meet`: an
   entry of a grant is read as its topic filter, an entry of a deny as the resource pattern that it becomes.
2. A principal can do it if the conditions and values of one *way* hold, and those of no *denial*.
3. To publish with RETAIN needs a `retain` entry, and no denial of either kind of publishing.
4. To connect, the client ID that is asked for is the value of `{client_id}`. The question is about a CONNECT without a
   Will and a persistent session; what an entry says about these is shown with it.
5. A deny with `{client_id}` denies a client without a client ID, as over HTTPS, the topics of every client ID.
6. Whether a known principal can is decided by its compiled policy and the evaluator. The ways only tell which client
   IDs to try: none, each that a way wants, and those of its own, which could evade a deny.
7. Some principal can if one with as few claims as possible can: more claims only let more denials hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from iot_policies.compiler import compile_policy
from iot_policies.entries import Action, Entry
from iot_policies.errors import PolicyError
from iot_policies.explaining import ACTIONS, Question, explain
from iot_policies.placeholders import Values, is_safe
from iot_policies.principal import Principal
from iot_policies.proofs.changed_entries import ONE_CLIENT_ID, with_client_id
from iot_policies.proofs.meaning import CLIENT_ID, reaches
from iot_policies.proofs.patterns import Pattern, Piece, Variable, levels_of, literal, variables_of
from iot_policies.proofs.smallest_principals import Words, smallest_principals
from iot_policies.proofs.unification import meet
from iot_policies.template import PolicyTemplate


class Way(NamedTuple):
    """An entry, and the values under which it is about the topic. The conditions of its block must hold, too."""

    entry: Entry
    values: tuple[tuple[str, str], ...]
    """What placeholders must have as a value, or as an element of a list: `claims.rooms` and a text, for example."""
    without_client_id: bool = False
    """Whether this is about clients without a client ID."""


class Grantee(NamedTuple):
    """How a known principal can do it."""

    entry: str
    """The entry that allows it, in words."""
    client_id: str | None
    """A client ID with which it can; None if it needs no certain one."""


@dataclass(frozen=True, slots=True)
class WhoCan:
    """The answer for one template and one topic, topic filter or client ID."""

    template: PolicyTemplate
    question: Question
    resource: str
    ways: tuple[Way, ...]
    """Any one of these allows it."""
    denials: tuple[Way, ...]
    """Any one of these denies it, whatever allows it. A deny with `connect_with` denies only what it names."""

    def example(self) -> Principal | None:
        """A principal with as few claims as possible that can; None if no principal can. Raises NotCovered."""
        words = Words([self.template])
        for way in self.ways:
            values = {Variable(name): text for name, text in way.values}
            for found in smallest_principals(words, [way.entry.block], values):
                if self.grantee(found.principal) is not None:
                    return found.principal
        return None

    def grantee(self, principal: Principal) -> Grantee | None:
        """How a principal can do it; None if it cannot."""
        for client_id in self._client_ids(principal):
            found = explain(self.template, principal, self.question, self.resource, client_id)
            if found.allowed and (self.question == "connect" or self._may_connect(principal, client_id)):
                return Grantee(found.reasons[0].removeprefix("by "), client_id)
        return None

    def _may_connect(self, principal: Principal, client_id: str | None) -> bool:
        return client_id is None or explain(self.template, principal, "connect", client_id).allowed

    def _client_ids(self, principal: Principal) -> Iterator[str | None]:
        """The client IDs to try: none if no way can hold."""
        if not any(_may_hold(way, principal) for way in self.ways):
            return
        if self.question == "connect":
            yield self.resource
            return
        wanted = [text for way in self.ways for name, text in way.values if name == CLIENT_ID.name]
        yield from dict.fromkeys((None, *wanted))
        if any(entry.effect == "Deny" and "{client_id}" in entry.text for entry in self.template.entries):
            yield from self._own_client_ids(principal)

    def _own_client_ids(self, principal: Principal) -> Iterator[str]:
        """Client IDs that a principal may use: its own ones, and a new one."""
        new = Words([self.template]).of(CLIENT_ID)
        try:
            policy = compile_policy(self.template, principal, new)
        except PolicyError:
            return
        resources = (each for statement in policy.statements for each in statement.resources)
        own = (each.removeprefix("client/") for each in resources if each.startswith("client/"))
        yield from dict.fromkeys((new, *(each.replace("*", new) for each in own)))


def _may_hold(way: Way, principal: Principal) -> bool:
    """Whether a way can hold for a principal with some client ID; True if its claims cannot be read."""
    values = Values(principal, None)
    try:
        return way.entry.block.applies(principal.claims) and all(
            (text,) in values.combinations((name,)) for name, text in way.values if name != CLIENT_ID.name
        )
    except PolicyError:
        return True


def who_can(template: PolicyTemplate, question: Question, resource: str) -> WhoCan:
    """The conditions under which a principal can do something, by which entries, and what denies it.

    `resource` is a client ID, a topic name or a topic filter. Raises NotCovered.
    """
    actions = ACTIONS[question]
    ways = [
        way
        for entry in template.entries
        if entry.effect == "Allow"
        for way in _ways(entry, template.topic_prefix, actions[-1], resource)
    ]
    denials = [
        way
        for entry in template.entries
        if entry.effect == "Deny"
        for action in actions
        for way in _ways(entry, template.topic_prefix, action, resource)
    ]
    return WhoCan(template, question, resource, (*dict.fromkeys(ways),), (*dict.fromkeys(denials),))


def _ways(entry: Entry, prefix: str, action: Action, resource: str) -> Iterator[Way]:
    text = tuple(Piece(level) for level in levels_of(resource))
    for reach in reaches(entry, prefix):
        if reach.action != action:
            continue
        for found in _solutions(with_client_id(reach).most, text):
            client_id = found.pop(ONE_CLIENT_ID.name, resource) if action == "iot:Connect" else resource
            if client_id == resource:
                yield Way(entry, (*found.items(),))
        if entry.effect == "Deny" and action != "iot:Connect" and CLIENT_ID in variables_of(reach.levels):
            for found in _solutions(reach.most, text):
                yield Way(entry, (*found.items(),), without_client_id=True)


def _solutions(pattern: Pattern, text: Pattern) -> Iterator[dict[str, str]]:
    """The values of placeholders, by name, under which a pattern matches a text."""
    for values in meet(pattern, text, every=True):
        found = {variable.name: literal(value) for variable, value in values.items()}
        if is_safe(*found.values()):
            yield found
