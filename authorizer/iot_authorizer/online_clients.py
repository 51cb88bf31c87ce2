"""Which clients are connected: presence events of IoT Core, kept in a table that backends read.

1. IoT Core may send presence events in any order and several times (developer guide, "Lifecycle events"). For each
   client ID, the table has the state after its latest event; an earlier one changes nothing.
2. Of two events of a client, the one with the higher `versionNumber` is later. Both events of one connection have the
   same number: it begins before it ends.
3. IoT Core sets this number back to 0 after a client was not connected for about an hour, or longer than its persistent
   session. So events whose timestamps are more than FAR_APART seconds apart are ordered by these. A persistent session
   that expires earlier can make a client count as disconnected after it has connected again.
   unmeasured (documented in part; check presence-time): the timestamp of a presence event is "an approximation of when
   the event occurred"; that it is less than two minutes wrong is assumed, because older pages of the developer guide
   say so.
4. An event can be lost. What the table says then is wrong until the client's next event, but not longer than a
   connection can last: 24 hours, or the `disconnect_after` of the template. After that, a state is forgotten. Clients
   with certificates can stay longer; `longest` says how long.
5. An event that is older than that is ignored: its connection has ended.
6. `confirm` asks IoT Core itself, at any time. It does not tell a version: events are compared with its answer by their
   timestamps only.
7. A client that may publish to `$aws/rules/RULE/…` can call the function of the rule with any topic and payload. So
   the topic must be that of the payload, and the rule must not have seen another sender than the client itself.
   unmeasured: that `clientid()` of a presence event is n/a or its client's ID, and `principal()` undefined, n/a or its
   client's principal ID (assumed). If not, the function raises InvalidEvent for each event.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iot_identities.backends import open_named
from iot_identities.changing import change_item
from iot_identities.reading import MalformedItem, flag, text, text_or_none, whole_number, whole_number_or_none
from iot_identities.table import Item, Table

if TYPE_CHECKING:
    from types_boto3_iot_data import IoTDataPlaneClient

LONGEST_CONNECTION = 86_400
"""Seconds: the most that disconnectAfterInSeconds of an authorizer can say, and the end of each signed connection."""
FAR_APART = 240
"""Seconds between two timestamps that surely are in the right order: each may be wrong by almost half of it."""
_PREFIX = "online#"
_TOPIC = "$aws/events/presence"
_NOBODY = (None, "n/a")
"""What a rule says about the sender of a message that no client has sent."""
_CONNECTED = {"connected": True, "disconnected": False}
"""The events that change the state, by their `eventType`."""
_EXPECTED = "expected a presence event of IoT Core"


class InvalidEvent(ValueError):
    """Not a presence event of IoT Core. The text names what is wrong, never a value."""


@dataclass(frozen=True, slots=True)
class ClientState:
    """The state of a client after its latest event."""

    client_id: str
    connected: bool
    since: int
    """When it connected or disconnected, in milliseconds since 1970."""
    version: int | None
    """The `versionNumber` of the connection; None if `confirm` has found the state."""
    principal: str | None = None
    """The principal ID that the authorizer answered; None for a connection that only `confirm` has found."""

    def is_later_than(self, other: "ClientState") -> bool:
        """Whether its event happened after another one of the same client."""
        gap = self.since - other.since
        if abs(gap) > FAR_APART * 1000:
            return gap > 0
        if self.version is None or other.version is None:
            return gap > 0 or (gap == 0 and self.connected is other.connected)  # If equal, it adds the version.
        return (self.version, not self.connected) > (other.version, not other.connected)


def read_event(event: Mapping[str, object]) -> ClientState | None:
    """The state that the event of a rule's function says; None for another event of a client. Raises InvalidEvent."""
    payload = event.get("payload")
    if not isinstance(payload, Mapping):
        raise InvalidEvent(f"{_EXPECTED}: payload is missing, or is not an object: pass the function's whole event")
    try:
        if (kind := text(payload, "eventType")) not in _CONNECTED:
            return None
        state = ClientState(
            client_id=text(payload, "clientId"),
            connected=_CONNECTED[kind],
            since=whole_number(payload, "timestamp"),
            version=whole_number(payload, "versionNumber"),
            principal=text(payload, "principalIdentifier"),
        )
    except MalformedItem as error:
        raise InvalidEvent(f"{_EXPECTED}: {error} is missing, or has another type") from None
    if event.get("topic") != f"{_TOPIC}/{kind}/{state.client_id}":
        raise InvalidEvent(f"{_EXPECTED}: its topic is not that of its client")
    senders = ((event.get("client_id"), state.client_id), (event.get("principal"), state.principal))
    if any(sender not in (*_NOBODY, own) for sender, own in senders):
        raise InvalidEvent(f"{_EXPECTED}: another client has published it")
    return state


class OnlineClients:
    """The table of clients that are connected, or were a short time ago.

    ```python
    clients = OnlineClients("online")
    clients.record(event)  # in the function of a rule
    clients.is_online("ann")  # in a backend
    ```
    """

    def __init__(
        self,
        table: str | Path | Table,
        *,
        longest: int = LONGEST_CONNECTION,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`table` is the name or the ARN of a table in DynamoDB, or a file; a text with a slash is a file, too. It
        can also be opened already.

        `longest` is how long a connection can last, in seconds: `disconnect_after` of the template. `clock` returns
        seconds since 1970. Threads may share an instance. Raises FileNotFoundError, TableUnavailable without a region,
        and ModuleNotFoundError without botocore.
        """
        self._table = open_named(table) if isinstance(table, (str, Path)) else table
        self._longest = longest
        self._clock = clock

    def record(self, event: Mapping[str, object]) -> None:
        """Stores the state that a presence event says, if it is the client's latest one.

        `event` is that of the rule's function: it has the topic and the sender, too.
        Raises InvalidEvent, MalformedItem, ItemKeepsChanging and TableUnavailable.
        """
        found = read_event(event)
        if found is not None and self._forgotten_at(found) > self._clock():
            change_item(self._table, _PREFIX + found.client_id, partial(self._later, found))

    def state(self, client_id: str) -> ClientState | None:
        """The state of a client; None if it is not known. Raises MalformedItem and TableUnavailable."""
        item = self._table.read([_PREFIX + client_id]).get(_PREFIX + client_id)
        return None if item is None else _state(item)

    def is_online(self, client_id: str) -> bool:
        """Whether a client is connected, as far as the table knows. Raises as `state` does."""
        found = self.state(client_id)
        return found is not None and found.connected

    def online(self, prefix: str = "") -> Iterator[ClientState]:
        """All clients that are connected and whose client IDs begin with a prefix, in no order.

        Reads the whole table. Raises as `state` does.
        """
        return (found for found in map(_state, self._table.items(_PREFIX + prefix)) if found.connected)

    def confirm(self, client_id: str, iot: "IoTDataPlaneClient") -> bool:
        """Asks IoT Core whether a client is connected, corrects the table, and returns the answer.

        `iot` is a client of boto3, `boto3.client("iot-data")`, which may call GetConnection. Raises what it raises, and
        as `record` does.
        """

        answers: list[ClientState] = []

        def corrected(item: Item | None) -> Item | None:
            found = self._ask(client_id, iot)
            answers.append(found)
            before = None if item is None else _state(item)
            return None if _agrees(before, found) else self._item(_after(before, found))

        change_item(self._table, _PREFIX + client_id, corrected)
        return answers[-1].connected

    def _ask(self, client_id: str, iot: "IoTDataPlaneClient") -> ClientState:
        """What IoT Core says about a client. It forgets when a client has disconnected."""
        now = round(self._clock() * 1000)
        try:
            answer = iot.get_connection(clientId=client_id)
        except iot.exceptions.ResourceNotFoundException:
            return ClientState(client_id, connected=False, since=now, version=None)
        connected = answer["connected"]
        since = answer["connectedSince"] if connected else answer.get("disconnectedSince", now)
        return ClientState(client_id, connected=connected, since=since, version=None)

    def _later(self, found: ClientState, item: Item | None) -> Item | None:
        return self._item(found) if item is None or found.is_later_than(_state(item)) else None

    def _item(self, state: ClientState) -> Item:
        return {
            "id": _PREFIX + state.client_id,
            "connected": state.connected,
            "since": state.since,
            "version": state.version,
            "principal": state.principal,
            "expires_at": self._forgotten_at(state),
        }

    def _forgotten_at(self, state: ClientState) -> int:
        """When the connection has ended in any case, in seconds since 1970."""
        return state.since // 1000 + self._longest + FAR_APART


def _state(item: Item) -> ClientState:
    return ClientState(
        client_id=text(item, "id").removeprefix(_PREFIX),
        connected=flag(item, "connected"),
        since=whole_number(item, "since"),
        version=whole_number_or_none(item, "version"),
        principal=text_or_none(item, "principal"),
    )


def _agrees(before: ClientState | None, found: ClientState) -> bool:
    """Whether the table is right about a client that IoT Core has been asked about."""
    if before is None or not before.connected:
        return not found.connected
    return found.connected and found.since <= before.since


def _after(before: ClientState | None, found: ClientState) -> ClientState:
    """What the table says next. An end has the principal of its connection, and is not earlier than that began."""
    if before is None or found.connected:
        return found
    return replace(found, since=max(found.since, before.since), principal=before.principal)
