"""What a client may be told to do, so that the template allows it: a client ID, a topic, a topic filter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iot_authorizer_cli.examples.presets import presets
from iot_authorizer_cli.examples.suggestions import Suggestion, Suggestions, client_ids, suggestions
from iot_policies import PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.explaining import Question, explain
from iot_policies.topics import matches

_ANYTHING = "example"
"""For the `*` at the end of a client ID."""
_REGION, _ACCOUNT = "us-east-1", "123456789012"


class Proposal(NamedTuple):
    """A client that publishes and subscribes."""

    client_ids: tuple[str, ...]
    """Of its connections: the first one subscribes, the last one publishes; none for HTTPS.

    Fewer than the client has, where no more are granted.
    """
    topic: str
    """What it publishes to."""
    topic_filter: str
    """What it subscribes to."""

    @property
    def hears_itself(self) -> bool:
        """Whether what it publishes comes back to it."""
        return matches(self.topic_filter, self.topic)


def one_connection(name: str) -> tuple[str, ...]:
    """The client IDs of a client with one connection."""
    return (name,)


class Example(NamedTuple):
    """A principal of the template's, and something that it may do."""

    principal: Principal
    proposal: Proposal


def example(template: PolicyTemplate) -> Example | None:
    """Somebody who may connect, publish and subscribe, one who hears itself first; None where a template has nobody."""
    found: list[Example] = []
    for preset in presets(template):
        principal = Principal(preset["principal"], preset["claims"])
        proposal = propose(template, principal)
        if _Search(template, principal).allows_all(proposal):
            found.append(Example(principal, proposal))
    return next((each for each in found if each.proposal.hears_itself), found[0] if found else None)


def propose(
    template: PolicyTemplate,
    principal: Principal,
    connections: Callable[[str], tuple[str, ...]] = one_connection,
    *,
    client_id: str | None = None,
    topic: str | None = None,
    topic_filter: str | None = None,
) -> Proposal:
    """What the template allows a principal, or what it grants to others where it allows nothing. What is given stays.

    `connections` makes the client IDs of a client's connections from one name.
    """
    search = _Search(template, principal)
    ids = search.granted_ids(connections) if client_id is None else search.own_ids(client_id, connections)
    subscriber, publisher = (ids[0], ids[-1]) if ids else (None, None)
    topics = search.topics(publisher) if topic is None else [topic]
    filters = search.filters(subscriber) if topic_filter is None else [topic_filter]
    for each in topics:
        # A topic is a filter, too: where that is allowed, nothing but what is published arrives.
        own = [each] if topic_filter is None and search.allows("subscribe", each, subscriber) else []
        heard = next((one for one in (*own, *filters) if matches(one, each)), None)
        if heard is not None:
            return Proposal(ids, each, heard)
    return Proposal(ids, topics[0], [*filters, topics[0]][0])


@dataclass(frozen=True, slots=True)
class _Search:
    """What a template allows a principal."""

    template: PolicyTemplate
    principal: Principal

    def allows(self, question: Question, resource: str, client_id: str | None = None) -> bool:
        return explain(self.template, self.principal, question, resource, client_id).allowed

    def allows_all(self, proposal: Proposal) -> bool:
        client_id = proposal.client_ids[0]
        return (
            self.allows("connect", client_id)
            and self.allows("publish", proposal.topic, client_id)
            and self.allows("subscribe", proposal.topic_filter, client_id)
        )

    def granted_ids(self, connections: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        """Those that are granted, with the principal's own name first; one alone where no more are; else its name's."""
        name, patterns = self.principal.name, client_ids(self.template, self.principal)
        granted = [text.replace("*", _ANYTHING) for text in patterns]
        for each in (name, *(text.removesuffix("/*") for text in patterns), *granted):
            if all(self.allows("connect", client_id) for client_id in connections(each)):
                return connections(each)
        allowed = [each for each in dict.fromkeys(granted) if self.allows("connect", each)]
        needed = len(connections(name))
        return tuple(allowed[:needed]) or connections(name)

    def own_ids(self, client_id: str, connections: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        """Those that are made from one; that one alone where it is granted, and what is made from it is not."""
        made = connections(client_id)
        if all(self.allows("connect", each) for each in made) or not self.allows("connect", client_id):
            return made
        return (client_id,)

    def topics(self, client_id: str | None) -> Sequence[str]:
        """To publish to: those that are allowed, or else those that others may; there is always one."""
        found = self._suggestions(client_id)["publish"]
        return _allowed(found) or [each["text"] for each in found] or [f"rooms/lobby/say/{self.principal.name}"]

    def filters(self, client_id: str | None) -> Sequence[str]:
        """To subscribe to: those that are allowed."""
        return _allowed(self._suggestions(client_id)["subscribe"])

    def _suggestions(self, client_id: str | None) -> Suggestions:
        try:
            policy = compile_policy(self.template, self.principal, client_id)
            documents = policy.documents(region=_REGION, account=_ACCOUNT)
        except PolicyError:
            documents = []
        prefix = f"arn:aws:iot:{_REGION}:{_ACCOUNT}:"
        return suggestions(self.template, self.principal, client_id, documents, prefix)


def _allowed(found: Sequence[Suggestion]) -> list[str]:
    return [each["text"] for each in found if each["allowed"]]
