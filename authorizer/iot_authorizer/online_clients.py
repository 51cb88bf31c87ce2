"""Which clients are connected: presence events of IoT Core, kept in a table that backends read.

1. IoT Core may send presence events in any order and several times (developer guide, "Lifecycle events"). For each
   client ID, the table has the state after its latest event; an earlier one changes nothing.
2. Of two events of a client, the one with the higher `versionNumber` is later. Both events of one connection have the
   same number: it begins before it ends.
3. IoT Core sets this number back to 0 after a client was not connected for about an hour, or longer than its persistent
   session. So events whose timestamps are more than FAR_APART seconds apart are ordered by these. A persistent session
   that expires earlier can make a client count as disconnected after it has connected again.
   unmeasured: the timestamp of a presence event is "an approximation of when the event occurred"; that it is less than
   two minutes wrong is assumed.
4. An event can be lost. What the table says then is wrong until the client's next event, but not longer than a
   connection can last: 24 hours, or the `disconnect_after` of the template. After that, a state is forgotten. `confirm`
   asks IoT Core itself, at any time. Clients with certificates can stay longer; `longest` says how long.
5. An event that is older than that is ignored: its connection has ended.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iot_identities.backends import open_named
from iot_identities.changing import change_item
from iot_identities.reading import MalformedItem, flag, text, text_or_none, whole_number
from iot_identities.table import Item, Table

if TYPE_CHECKING:
    from types_boto3_iot_data import IoTDataPlaneClient

LONGEST_CONNECTION = 86_400
"""Seconds: the most that disconnectAfterInSeconds of an authorizer can say, and the end of each signed connection."""
FAR_APART = 240
"""Seconds between two timestamps that surely are in the right order: each may be wrong by almost half of it."""
_PREFIX = "online#"
_CONNECTED = {"connected": True, "disconnected": False}
"""The events that change the state, by their `eventType`."""


class InvalidEvent(ValueError):
    """Not a presence event of IoT Core. The text names what is wrong, never a value."""


@dataclass(frozen=True, slots=True)
class ClientState:
    """The state of a client after its latest event."""

    client_id: str
    connected: bool
    since: int
    """When it connected or disconnected, in milliseconds since 1970."""
    version: int
    """The `versionNumber` of the connection."""
    principal: str | None = None
    """The principal ID that the authorizer answered; None if only `confirm` has found the client."""

    def is_later_than(self, other: "ClientState") -> bool:
        """Whether its event happened after another one of the same client."""
        gap = self.since - other.since
        if abs(gap) > FAR_APART * 1000:
            return gap > 0
        return (self.version, not self.connected) > (other.version, not other.connected)


def read_event(event: Mapping[str, object]) -> ClientState | None:
    """The state that a presence event says; None for another event of a client. Raises InvalidEvent."""
    try:
        if (kind := text(event, "eventType")) not in _CONNECTED:
            return None
        return ClientState(
            client_id=text(event, "clientId"),
            connected=_CONNECTED[kind],
            since=whole_number(event, "timestamp"),
            version=whole_number(event, "versionNumber"),
            principal=text(event, "principalIdentifier"),
        )
    except MalformedItem as error:
        raise InvalidEvent(f"expected a presence event of IoT Core: {error} is missing, or has another type") from None


class OnlineClients:
    """The table of clients that are connected, or were a short time ago.

    ```python
    clients = OnlineClients("online")
    clients.record(event["payload"])  # in the function of a rule
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

        answers: list[int | None] = []

        def corrected(item: Item | None) -> Item | None:
            answers.append(_connected_since(client_id, iot))
            return self._corrected(client_id, None if item is None else _state(item), answers[-1])

        change_item(self._table, _PREFIX + client_id, corrected)
        return answers[-1] is not None

    def _corrected(self, client_id: str, before: ClientState | None, since: int | None) -> Item | None:
        """The item after IoT Core has said since when a client is connected; None if the stored one is right."""
        was_connected = before is not None and before.connected
        version, principal = (0, None) if before is None else (before.version, before.principal)
        if since is None:
            now = round(self._clock() * 1000)
            return self._item(ClientState(client_id, False, now, version, principal)) if was_connected else None
        is_known = was_connected and before is not None and since - before.since <= FAR_APART * 1000
        return None if is_known else self._item(ClientState(client_id, True, since, version, principal))

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
        version=whole_number(item, "version"),
        principal=text_or_none(item, "principal"),
    )


def _connected_since(client_id: str, iot: "IoTDataPlaneClient") -> int | None:
    """When a client connected, in milliseconds since 1970; None if it is not connected."""
    try:
        answer = iot.get_connection(clientId=client_id)
    except iot.exceptions.ResourceNotFoundException:
        return None
    return answer["connectedSince"] if answer["connected"] else None
