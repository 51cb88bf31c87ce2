"""Finds topics that tell guests of a Cognito identity pool the identity IDs of other guests.

An identity ID is all that Cognito asks a guest for: with it, any client can act as that guest (`cognito_role.py`).

1. An ID is in a topic if a guest may publish there and `{principal}` is in the entry. It is also in the topics of
   presence and subscription events of a client whose client ID has it.
2. Two guests with the claims that all guests have are compared. There is a finding if one may subscribe to a topic that
   has the other's ID. Denies count. Direct messages do not: the sender names who gets its ID.
"""

import uuid
from collections.abc import Iterator
from typing import NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry
from iot_policies.evaluator import Evaluator
from iot_policies.findings import Finding, warning
from iot_policies.placeholders import Values, placeholder_names
from iot_policies.principal import Claims, Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, Levels, lead

_EVENTS = tuple(
    ("$aws", "events", kind, event)
    for kind, events in (
        ("presence", ("connected", "disconnected")),
        ("subscriptions", ("subscribed", "unsubscribed")),
    )
    for event in events
)
"""The topics of events about a client, whose client ID follows (developer guide, "Lifecycle events")."""
_ANY = "any"


class _Guest:
    """One of two guests that are compared."""

    def __init__(self, template: PolicyTemplate, claims: Claims) -> None:
        self.identity = f"us-east-1:{uuid.uuid4()}"
        principal = Principal(self.identity, claims)
        self._values = Values(principal, None)
        self._allowed = [entry for entry in template.applicable(principal) if entry.effect == "Allow"]
        self._evaluator = Evaluator(map(dict, compile_policy(template, principal).documents(EXAMPLE_PLACE)))

    def may(self, action: Action, resource: str) -> bool:
        """Whether the guest may use an action on a resource."""
        return self._evaluator.allows(action, EXAMPLE_PLACE.arn_prefix("iot") + resource)

    def filters(self, action: Action) -> Iterator[tuple[Entry, Levels]]:
        """What the guest's entries say about an action, filled."""
        for entry in self._allowed:
            for rule in entry.rules:
                if rule.action == action:
                    for values in self._values.combinations(rule.names):
                        yield entry, tuple(level.format(*values) for level in rule.level_formats)


class _Told(NamedTuple):
    """Topics that have a guest's ID."""

    entry: Entry
    levels: Levels
    is_published: bool
    """Whether the guest publishes there, and not IoT Core."""


def identity_findings(template: PolicyTemplate, claims: Claims | None = None) -> Iterator[Finding]:
    """The entries that let a guest read the identity IDs of others, each once.

    `claims` are those that all guests have. Raises as `compile_policy` does.
    """
    reader, other = (_Guest(template, claims or {}) for _ in range(2))
    told = list(_told(other))
    for entry in dict.fromkeys(entry for entry, _ in reader.filters("iot:Subscribe")):
        for each in told:
            topic = next(_read(reader, entry, other, each), None)
            if topic is not None:
                shown = topic.replace(other.identity, "{principal}")
                message = f"tells each guest the identity IDs of others, in the topic {shown} of {each.entry}"
                advice = "with one, a client can act as that guest: use another name there, or deny subscribing to it"
                yield warning(entry, f"{message}: {advice}")
                break


def _told(guest: _Guest) -> Iterator[_Told]:
    """All topics with the guest's ID."""
    for entry, levels in guest.filters("iot:Publish"):
        if "principal" in placeholder_names(entry.text):
            yield _Told(entry, levels, True)
    for entry, (client_id,) in guest.filters("iot:Connect"):
        if "principal" in placeholder_names(entry.text):
            levels = tuple(client_id.replace("*", _ANY).split("/"))
            yield from (_Told(entry, (*event, *levels), False) for event in _EVENTS)


def _read(reader: _Guest, entry: Entry, other: _Guest, told: _Told) -> Iterator[str]:
    """Topics with the other guest's ID that the reader gets by subscribing as an entry says."""
    for subscribed, levels in reader.filters("iot:Subscribe"):
        found = _common(levels[lead(levels) :], told.levels) if subscribed is entry else None
        topic = "/".join(found or ())
        if (
            other.identity in topic
            and reader.may("iot:Subscribe", f"topicfilter/{'/'.join(levels)}")
            and reader.may("iot:Receive", f"topic/{topic}")
            and (not told.is_published or other.may("iot:Publish", f"topic/{topic}"))
        ):
            yield topic


def _common(one: Levels, other: Levels) -> Levels | None:
    """A topic that both filters match; None if there is none."""
    found: list[str] = []
    for index in range(max(len(one), len(other))):
        rests = one[index:], other[index:]
        if not all(rests):
            return None
        for rest, others in (rests, rests[::-1]):
            if rest[0] == HASH:
                return _topic((*found, *others), one)
        (mine, *_), (others_level, *_) = rests
        if PLUS not in (mine, others_level) and mine != others_level:
            return None
        found.append(others_level if mine == PLUS else mine)
    return _topic(tuple(found), one)


def _topic(levels: Levels, subscribed: Levels) -> Levels | None:
    """A topic of a filter; None if the subscription begins with a wildcard, which reaches no reserved topic."""
    if subscribed[0] in (PLUS, HASH) and levels[0].startswith("$"):
        return None
    return tuple(_ANY if level in (PLUS, HASH) else level for level in levels)
