"""Writes what a policy says about direct messages: their receivers are resources, their topics are a condition.

- The resource of iot:SendDirectMessage is the receiver, `client/ID`. The topic is the condition key `iot:Topic`
  (developer guide, "Direct messaging policy examples").
- A statement allows each of its receivers each of its topics. So receivers share a statement only if they have the same
  topics, and nothing is allowed that no entry says.
- Each statement has the condition, also for all topics: without a topic, an Allow does not apply.
- A document's size limits a condition too, so many topics need several statements.
- unmeasured (documented for IAM; check direct-topic): that `StringLike` reads `*` in a topic as everywhere else, also
  across slashes (assumed: IAM's meaning).
"""

from collections.abc import Iterable, Iterator, Sequence

from iot_policies.packing import Heading, Statement, compact
from iot_policies.topics import TO

CONDITION_KEY = "iot:Topic"
_MOST_CHARACTERS = 800
"""Characters of the topics of one statement, if it has several: less than half a document, which ARNs need as well."""


def with_topics(statements: Iterable[Statement]) -> list[Statement]:
    """Statements, with one or several instead of each whose resources are direct messages, `client/ID<TAB>TOPIC`."""
    found: list[Statement] = []
    for statement in statements:
        if statement.heading.sends:
            found += _with_topics(statement)
        else:
            found.append(statement)
    return found


def _with_topics(statement: Statement) -> Iterator[Statement]:
    topics_of: dict[str, list[str]] = {}
    for resource in statement.resources:
        receiver, _, topic = resource.partition(TO)
        topics_of.setdefault(receiver, []).append(topic)
    receivers_of: dict[tuple[str, ...], list[str]] = {}
    for receiver, its in topics_of.items():
        receivers_of.setdefault(tuple(its), []).append(receiver)
    effect, actions = statement.heading.effect, statement.heading.actions
    for topics, receivers in receivers_of.items():
        for part in _parts(topics):
            yield Statement(Heading(effect, actions, {"StringLike": {CONDITION_KEY: part}}), tuple(receivers))


def _parts(topics: Sequence[str]) -> Iterator[list[str]]:
    """The topics in lists that fit into a document."""
    part: list[str] = []
    for topic in topics:
        if part and len(compact([*part, topic])) > _MOST_CHARACTERS:
            yield part
            part = []
        part.append(topic)
    yield part
