"""Client IDs and topics to try: what a principal may do, and what it may not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypedDict

from iot_authorizer_cli.examples.presets import presets, sample
from iot_policies import PolicyError, PolicyTemplate, Principal
from iot_policies.entries import Entry
from iot_policies.evaluator import Connection, Evaluator
from iot_policies.grants import Key
from iot_policies.packing import Document
from iot_policies.placeholders import Values, as_format, placeholder_names, split_template
from iot_policies.topics import HASH, PLUS, matches

_MOST = 4
"""Of what is allowed, and of what is not."""
_EACH = 2
"""Ways to fill one entry that are shown."""
_SOMEBODY, _SOMETHING = "somebody", "something"
_CLIENT = "client-1"


class Suggestion(TypedDict):
    """A topic or a topic filter, and whether the principal may use it."""

    text: str
    allowed: bool


class Suggestions(TypedDict):
    """What to try as one principal, what is allowed first."""

    client_id: str | None
    """A client ID that is granted; a `*` at its end stands for anything."""
    publish: list[Suggestion]
    """Topics; in front those that the first filter receives, then those that another one does."""
    subscribe: list[Suggestion]
    """Topic filters; in front those that receive both what the principal publishes and what others do."""


def suggestions(
    template: PolicyTemplate, principal: Principal, client_id: str | None, documents: Sequence[Document], prefix: str
) -> Suggestions:
    """What to try with these documents. `prefix` is that of their ARNs, up to the last colon."""
    samples = {name: sample(name) for entry in template.entries for name in _claims(entry.text)}
    claims = {**samples, **principal.claims}
    own = _Filling(template.entries, Values(Principal(principal.name, claims), client_id or _CLIENT))
    other = _Filling(template.entries, Values(Principal(_SOMEBODY, claims), _SOMEBODY))
    evaluator = Evaluator(documents, Connection(client_id=client_id))
    topics = {
        text: evaluator.allows("iot:Publish", f"{prefix}topic/{text}") for text in (*own.topics(), *other.topics())
    }
    filters = {
        text: evaluator.allows("iot:Subscribe", f"{prefix}topicfilter/{text}")
        for text in (*own.filters(), *other.filters())
    }
    published = [topic for topic in topics if topics[topic]]
    by_others = list(_published_by_others(template, principal))
    subscribe = _chosen(filters, lambda each: _receives(each, published) + _receives(each, by_others))
    heard_by = [each["text"] for each in subscribe if each["allowed"]]
    return Suggestions(
        client_id=_client_id(template, principal),
        publish=_chosen(topics, lambda topic: 2 * _arrives(topic, heard_by[:1]) + _arrives(topic, heard_by)),
        subscribe=subscribe,
    )


def _chosen(allowed: Mapping[str, bool], rank: Callable[[str], int]) -> list[Suggestion]:
    texts = sorted(allowed, key=rank, reverse=True)
    yes = [Suggestion(text=text, allowed=True) for text in texts if allowed[text]]
    no = [Suggestion(text=text, allowed=False) for text in texts if not allowed[text]]
    return [*yes[:_MOST], *no[:_MOST]]


def _receives(topic_filter: str, topics: Iterable[str]) -> bool:
    return any(matches(topic_filter, topic) for topic in topics)


def _arrives(topic: str, topic_filters: Iterable[str]) -> bool:
    return any(matches(each, topic) for each in topic_filters)


def _published_by_others(template: PolicyTemplate, principal: Principal) -> Iterator[str]:
    """The topics of the template's other kinds of principals, as far as no deny says otherwise."""
    for preset in presets(template):
        other = Principal(preset["principal"], preset["claims"])
        if other.name != principal.name:
            yield from _Filling(list(template.applicable(other)), Values(other, _CLIENT)).topics()


def client_ids(template: PolicyTemplate, principal: Principal) -> list[str]:
    """Client IDs that are granted, as far as no deny says otherwise; a `*` at the end of one stands for anything."""
    entries = [entry for entry in template.applicable(principal) if entry.effect == "Allow"]
    return list(_Filling(entries, Values(principal, _CLIENT)).texts(("connect",)))


def _client_id(template: PolicyTemplate, principal: Principal) -> str | None:
    """A client ID that is granted, preferably one of many."""
    found = client_ids(template, principal)
    return next((text for text in found if text.endswith("*")), found[0] if found else None)


def _claims(text: str) -> list[str]:
    return [name.removeprefix("claims.") for name in placeholder_names(text) if name.startswith("claims.")]


@dataclass(frozen=True, slots=True)
class _Filling:
    """Entries, filled with the values of one principal."""

    entries: Sequence[Entry]
    values: Values

    def topics(self) -> Iterator[str]:
        """Topics to publish to: the entries' wildcards are filled, too."""
        for text in self.texts(("publish", "retain")):
            levels = text.split("/")
            yield "/".join(self._level(levels, index) for index in range(len(levels)))

    def filters(self) -> Iterator[str]:
        """Topic filters to subscribe to."""
        return self.texts(("subscribe",))

    def texts(self, keys: Sequence[Key]) -> Iterator[str]:
        """The grants' entries under some keys."""
        for entry in self.entries:
            if entry.effect == "Allow" and entry.key in keys:
                yield from self._filled(entry.text)

    def _filled(self, text: str) -> list[str]:
        names = placeholder_names(text)
        try:
            found = islice(self.values.combinations(names), _EACH)
        except PolicyError:
            return []
        return [as_format(text, names).format(*combination) for combination in found]

    def _level(self, levels: Sequence[str], index: int) -> str:
        """A level, where it is a wildcard with what other entries have below the same name."""
        if levels[index] not in (PLUS, HASH):
            return levels[index]
        for entry in self.entries if index else ():
            others = split_template(entry.text)
            if len(others) > index and others[index - 1] == levels[index - 1] and "{" in others[index]:
                return next(iter(self._filled(others[index])), _SOMETHING)
        return _SOMEBODY if levels[index] == PLUS else _SOMETHING
