"""Effects: what the parts of the broker return, for the broker to settle.

No part calls the broker. A part that has more to tell than its result returns effects:
- a `Publication`: a message that the broker must publish,
- a `Dropped`: a message that a session missed, perhaps because its client is so slow that the broker must end it,
- a `Report`: a record for the feed,
- a `RuleInput`: a message for topic rules.
"""

from collections.abc import Mapping
from typing import NamedTuple

from iot_core.broker.message import Message
from iot_core.broker.session import Session
from iot_core.reasons import IotCoreReason


class Publication(NamedTuple):
    """A message to publish."""

    message: Message
    publisher: Session | None = None
    """The session of the client that publishes it. None for IoT Core itself and for HTTP clients."""
    principal_id: str | None = None
    """The principal ID of an HTTP client."""
    hops: int = 0
    """How many rules have republished it."""


class Dropped(NamedTuple):
    """A message that a session missed, or that its client was not allowed to publish."""

    session: Session
    reason: IotCoreReason
    too_slow: bool = False
    """Whether the session's client lets so much pile up that its connection must end."""


class Report(NamedTuple):
    """A record for the feed."""

    kind: str
    fields: Mapping[str, object]


class RuleInput(NamedTuple):
    """A message for topic rules."""

    rules: tuple[str, ...]
    """The names of the rules."""
    topic: str
    """With basic ingest, without the prefix `$aws/rules/NAME/`."""
    payload: bytes
    client_id: str | None
    """None for a message that did not come from an MQTT client."""
    principal_id: str | None
    """None for IoT Core itself."""
    hops: int = 0
    """How many rules have republished it."""


Effect = Publication | Dropped | Report | RuleInput


def drop_report(reason: IotCoreReason, *, count: int = 1, **fields: object) -> Report:
    """Returns the report of `count` dropped messages."""
    return Report("dropped", {**fields, "reason": reason, "count": count})
