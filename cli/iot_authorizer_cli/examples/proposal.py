"""Proposes what a client does: client IDs, a topic and a topic filter that the template allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iot_authorizer_cli.examples.suggestions import Suggestion, client_ids, presets, suggestions, why_refused_always
from iot_policies import PolicyTemplate, Principal
from iot_policies.explaining import Question, explain
from iot_policies.topics import matches

_ANYTHING = "example"
"""Replaces the `*` at the end of a client ID."""


class Proposal(NamedTuple):
    """A client that publishes and subscribes."""

    client_ids: tuple[str, ...]
    """The client IDs of its connections: the first one subscribes, the last one publishes. Empty for HTTPS.

    If the template does not grant as many as the client has connections, there are fewer.
    """
    topic: str
    """The topic that it publishes to."""
    topic_filter: str
    """The topic filter that it subscribes to."""

    @property
    def hears_itself(self) -> bool:
        """Whether it receives its own messages."""
        return matches(self.topic_filter, self.topic)


def one_connection(name: str) -> tuple[str, ...]:
    """Returns the client ID of a client with one connection."""
    return (name,)


class Example(NamedTuple):
    """An example principal, and a proposal that its policy allows."""

    principal: Principal
    proposal: Proposal


def example(template: PolicyTemplate, first: Principal | None = None) -> Example | None:
    """Finds a principal that may connect, publish and subscribe: `first`, or one that receives its own messages.

    Returns None if the template has no such principal.
    """
    if first is not None and (own := example_of(template, first)) is not None:
        return own
    principals = [Principal(preset["principal"], preset["claims"]) for preset in presets(template)]
    found = [each for each in (example_of(template, principal) for principal in principals) if each is not None]
    return next((each for each in found if each.proposal.hears_itself), found[0] if found else None)


def example_of(template: PolicyTemplate, principal: Principal) -> Example | None:
    """What a principal does that may connect, publish and subscribe; None if the template does not allow it all."""
    proposal = propose(template, principal)
    return Example(principal, proposal) if _Search(template, principal).allows_all(proposal) else None


def propose(
    template: PolicyTemplate,
    principal: Principal,
    connections: Callable[[str], tuple[str, ...]] = one_connection,
    *,
    client_id: str | None = None,
    topic: str | None = None,
    topic_filter: str | None = None,
    hears_others: bool = False,
) -> Proposal:
    """Proposes what the template allows a principal, or what it grants to others if it allows the principal nothing.

    `connections` makes the client IDs of a client's connections from one name. A client ID, topic or topic filter that
    is given is part of the proposal as it is. `hears_others` prefers a filter that the template grants to the topic
    itself, with which the client would receive only its own messages.
    """
    search = _Search(template, principal)
    ids = search.granted_ids(connections) if client_id is None else search.own_ids(client_id, connections)
    subscriber, publisher = (ids[0], ids[-1]) if ids else (None, None)
    topics = search.topics(publisher) if topic is None else [topic]
    filters = search.filters(subscriber) if topic_filter is None else [topic_filter]
    for each in topics:
        # A topic is also a filter. If it is allowed, the client receives only what it publishes.
        own = [each] if topic_filter is None and search.allows("subscribe", each, subscriber) else []
        heard = next(
            (one for one in ((*filters, *own) if hears_others else (*own, *filters)) if matches(one, each)), None
        )
        if heard is not None:
            return Proposal(ids, each, heard)
    return Proposal(ids, topics[0], [*filters, topics[0]][0])


@dataclass(frozen=True, slots=True)
class _Search:
    """Searches what a template allows a principal."""

    template: PolicyTemplate
    principal: Principal

    def allows(self, question: Question, resource: str, client_id: str | None = None) -> bool:
        if why_refused_always(question, resource) is not None:
            return False
        return explain(self.template, self.principal, question, resource, client_id).allowed

    def allows_all(self, proposal: Proposal) -> bool:
        client_id = proposal.client_ids[0]
        return (
            self.allows("connect", client_id)
            and self.allows("publish", proposal.topic, client_id)
            and self.allows("subscribe", proposal.topic_filter, client_id)
        )

    def granted_ids(self, connections: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        """The granted client IDs, those made from the principal's name first; the name's if none is granted."""
        name, patterns = self.principal.name, client_ids(self.template, self.principal)
        granted = [text.replace("*", _ANYTHING) for text in patterns]
        for each in (name, *(text.removesuffix("/*") for text in patterns), *granted):
            if all(self.allows("connect", client_id) for client_id in connections(each)):
                return connections(each)
        allowed = [each for each in dict.fromkeys(granted) if self.allows("connect", each)]
        needed = len(connections(name))
        return tuple(allowed[:needed]) or connections(name)

    def own_ids(self, client_id: str, connections: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        """The client IDs made from a given one; only the given one if it is granted and the others are not."""
        made = connections(client_id)
        if all(self.allows("connect", each) for each in made) or not self.allows("connect", client_id):
            return made
        return (client_id,)

    def topics(self, client_id: str | None) -> Sequence[str]:
        """Topics to publish to: the allowed ones, or else those of others; never empty."""
        found = suggestions(self.template, self.principal, client_id)["publish"]
        return _allowed(found) or [each["text"] for each in found] or [f"rooms/lobby/say/{self.principal.name}"]

    def filters(self, client_id: str | None) -> Sequence[str]:
        """The allowed topic filters to subscribe to."""
        return _allowed(suggestions(self.template, self.principal, client_id)["subscribe"])


def _allowed(found: Sequence[Suggestion]) -> list[str]:
    return [each["text"] for each in found if each["allowed"]]
