"""Finds in the feed why IoT Core refused what a client asked for, or ended its connection.

IoT Core does not tell a client of MQTT 3.1.1 why. The rules:
1. The reason is the last decision that is newer than the call, is about this client and denies an action of the call.
2. If there is none, the connection ended. If a refused refresh ended it (`AUTH_ERROR`), that decision is the reason.
3. Otherwise the reason is the `presence` record: it has the disconnect reason, and the rule that the client broke.
4. The end of a connection is the first one after its beginning.

So nothing that happened to another connection with the same client ID is the reason, and no decision that
`IotCoreUnderTest.allows` made between two calls.
"""

from collections.abc import Callable, Collection

from iot_core.broker.session import DisconnectReason
from iot_core.feed import Feed, Record, shortened
from iot_core.lifecycle import Lifecycle


class ConnectionRecords:
    """The records of one connection. Call it from the thread of the client, not from the event loop."""

    def __init__(self, core: Lifecycle, feed: Feed, client_id: str) -> None:
        self._core = core
        self._feed = feed
        self._client_id = shortened(client_id)
        self._connected = 0
        """The ID of the record of its beginning."""
        self._called = feed.last_id
        """The ID of the last record before the last call."""
        self._end: Record | None = None
        """The reason of its end, once a call has found it."""

    def begin_call(self) -> None:
        """The client is going to send something: only later records are about it."""
        self._called = self._feed.last_id

    def connected(self) -> None:
        """IoT Core has accepted the connection."""
        found = self._find(lambda record: record["kind"] == "presence" and record["event"] == "connected", self._called)
        self._connected = found[-1]["id"] if found else self._called

    def refusal(self, actions: Collection[str]) -> Record:
        """The record that says why the last call failed; `actions` are those that it needs. Empty if there is none."""
        if self._end is not None:
            return self._end
        denied = self._find(lambda record: _denies(record, actions), self._called)
        return denied[-1] if denied else {}

    def end(self, actions: Collection[str]) -> Record:
        """The record that says why the connection ended, perhaps by the last call. Empty if there is none."""
        if self._end is None:
            self._end = self.refusal(actions) or self._end_of_connection()
        return self._end

    def _end_of_connection(self) -> Record:
        found = self._find(lambda record: _ends(record) or _denies(record, ("refresh",)), self._connected)
        end = next((each for each in found if _ends(each)), None)
        if end is None:
            return {}
        by_refresh = end["disconnect_reason"] == DisconnectReason.AUTH_ERROR
        return next((each for each in found if by_refresh and each["id"] == end["id"] - 1), end)

    def _find(self, wanted: Callable[[Record], bool], after: int) -> list[Record]:
        """The wanted records about this client after the one with the ID `after`, oldest first, explained."""

        def fits(record: Record) -> bool:
            return record["id"] > after and record.get("client_id", "") == self._client_id and wanted(record)

        return self._core.call(lambda: [record for record in self._feed.recent(fits) if fits(record)])


def _denies(record: Record, actions: Collection[str]) -> bool:
    return record["kind"] == "decision" and not record["allowed"] and record["action"] in actions


def _ends(record: Record) -> bool:
    return record["kind"] == "presence" and record["event"] == "disconnected"
