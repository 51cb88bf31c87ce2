"""Every topic and every filter over a small alphabet, and which of them a policy or a template's entry reaches."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product

from tests.policies.reference import (
    FRESH,
    Document,
    filter_within,
    statements,
    texts,
    topic_matches,
    unshared,
    wildcard_matches,
)

REGION, ACCOUNT = "r", "1"
PREFIX = f"arn:aws:iot:{REGION}:{ACCOUNT}:"


def _texts_of(alphabet: Iterable[str], depth: int) -> Iterator[str]:
    for levels in product(tuple(alphabet), repeat=depth):
        yield "/".join(levels)


def _every_topic() -> Iterator[str]:
    for depth in (1, 2, 3, 4):
        yield from _texts_of(("a", "b", "", "$x", FRESH), depth)
    yield from _texts_of(("a", FRESH), 5)
    yield from (f"$x/{rest}" for rest in _texts_of(("a", FRESH), 4))


def _every_filter() -> Iterator[str]:
    plain = [*_plain_filters()]
    yield from plain
    yield from ("$share/g/" + each for each in plain if each.count("/") < 2)
    yield from ("$share/h/a", "$share/h/#", "$share/+/a", "$share/g", "+/g/a")


def _plain_filters() -> Iterator[str]:
    yield "#"
    for depth in (1, 2, 3):
        for text in _texts_of(("a", "b", "+", "$x", "", FRESH), depth):
            yield from (text, f"{text}/#")
    for text in _texts_of(("a", "+"), 4):
        yield from (text, f"{text}/#")


TOPICS = tuple(text for text in _every_topic() if text)
FILTERS = tuple(text for text in _every_filter() if text)
CLIENT_IDS = ("a", "b", "c", "a/b", "b/a/c", "x", "x/", "x/a", "x/a/b", FRESH)
_PROBES = {"topic": TOPICS, "topicfilter": FILTERS, "client": CLIENT_IDS}
Messages = frozenset[tuple[str, str]]
"""Direct messages: receivers and topics."""


@cache
def topics_of(topic_filter: str) -> frozenset[str]:
    """The probed topics that a filter matches, shared or not."""
    return frozenset(topic for topic in TOPICS if topic_matches(unshared(topic_filter)[1], topic))


@cache
def filters_within(topic_filter: str) -> frozenset[str]:
    """The probed filters that a filter contains."""
    return frozenset(each for each in FILTERS if filter_within(topic_filter, each))


def topics_of_any(topic_filters: Iterable[str]) -> frozenset[str]:
    """The probed topics that at least one of some filters matches."""
    return frozenset[str]().union(*map(topics_of, topic_filters))


def filters_within_one(topic_filters: Iterable[str]) -> frozenset[str]:
    """The probed filters that at least one of some filters contains."""
    return frozenset[str]().union(*map(filters_within, topic_filters))


def messages_of(entries: Iterable[tuple[str, str]]) -> Messages:
    """The probed direct messages that entries, each a receiver and a topic filter, match."""
    return frozenset(
        (client_id, topic)
        for receiver, topic_filter in entries
        for client_id in CLIENT_IDS
        if client_id == receiver or (receiver.endswith("*") and client_id.startswith(receiver[:-1]))
        for topic in topics_of(topic_filter)
    )


def permitted_messages(documents: Iterable[Document]) -> Messages:
    """The probed direct messages that a policy allows."""
    reached: dict[object, set[tuple[str, str]]] = {"Allow": set(), "Deny": set()}
    for statement in statements(documents):
        if any(wildcard_matches(text, "iot:SendDirectMessage") for text in texts(statement["Action"])):
            found = [resource for resource in texts(statement["Resource"]) if resource.startswith(f"{PREFIX}client/")]
            clients = frozenset[str]().union(*map(_covered, found))
            reached[statement["Effect"]].update(product(clients, _topics_of_condition(statement)))
    return frozenset(reached["Allow"] - reached["Deny"])


def _topics_of_condition(statement: Mapping[str, object]) -> frozenset[str]:
    """The probed topics for which a statement applies to a direct message.

    An Allow must name them. A Deny may name none, or be about connect attributes, which a direct message does not have.
    """
    condition = statement.get("Condition")
    if condition is None:
        assert statement["Effect"] == "Deny"
        return frozenset(TOPICS)
    assert isinstance(condition, dict)
    if [*condition] == ["StringLike"]:
        return frozenset[str]().union(*map(_topics_like, texts(condition["StringLike"]["iot:Topic"])))
    assert (statement["Effect"], [*condition]) == ("Deny", ["ForAnyValue:StringEquals"])
    return frozenset()


@cache
def _topics_like(pattern: str) -> frozenset[str]:
    return frozenset(topic for topic in TOPICS if wildcard_matches(pattern, topic))


@cache
def _covered(pattern: str) -> frozenset[str]:
    assert pattern.startswith(PREFIX)
    kind, _, rest = pattern.removeprefix(PREFIX).partition("/")
    return frozenset(each for each in _PROBES[kind] if wildcard_matches(rest, each))


def permitted(documents: Iterable[Document], action: str) -> frozenset[str]:
    """The probed topics, or for `iot:Subscribe` filters, for which a policy allows an action.

    The statements about this action have no conditions.
    """
    kind = f"{PREFIX}topicfilter/" if action == "iot:Subscribe" else f"{PREFIX}topic/"
    reached: dict[object, set[str]] = {"Allow": set(), "Deny": set()}
    for statement in statements(documents):
        if any(wildcard_matches(text, action) for text in texts(statement["Action"])):
            found = [resource for resource in texts(statement["Resource"]) if resource.startswith(kind)]
            reached[statement["Effect"]].update(*map(_covered, found))
    return frozenset(reached["Allow"] - reached["Deny"])
