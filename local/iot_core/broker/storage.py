"""Stores what survives the process: retained messages, persistent sessions, their queues and delayed Wills.

The rules:
- Changes are collected and written in one transaction by `commit`. Nothing may be acknowledged before that.
- A process that is killed loses nothing that was committed (SQLite, "Write-Ahead Logging").
- If a commit fails, its changes are dropped, and what waits for it must not be acknowledged.
- A message is stored once, however many queues it is in. It is deleted with its last place in a queue.
- Rows get rising numbers and no number is used twice. So all changes of one kind can be written together, which is
  faster.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from iot_core.broker.database import StorageError, open_database, pack, unpack, unpack_will
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message, properties_size
from iot_core.mqtt import Subscription, Version, Will

__all__ = ["PLACE", "Storage", "StorageError", "StoredDelivery", "StoredSession", "StoredWill"]

PLACE = 256
"""Bytes that each place in a queue, and each Will, counts more: even an empty one takes memory and disk."""

_Row = tuple[str | bytes | int | float | None, ...]


class StoredSession(NamedTuple):
    """A persistent session."""

    client_id: str
    version: Version
    expiry_interval: int
    principal_id: str
    disconnected_at: float | None
    """Seconds since 1970. None if the client was connected when the process ended."""
    disconnect_reason: str | None


class StoredDelivery(NamedTuple):
    """A message in the queue of a client or of a shared subscription."""

    row: int
    client_id: str | None
    shared: str | None
    """The filter of the shared subscription, if it is in the queue of one."""
    message: Message
    retain: bool


class StoredWill(NamedTuple):
    """A Will that is still delayed."""

    client_id: str
    will: Will
    """Without its delay."""
    due: float
    """Seconds since 1970."""


@dataclass(slots=True)
class _Kept:
    """A message's row, and the number of queues that it is in."""

    row: int
    places: int = 0


@dataclass(slots=True)
class _QueueChanges:
    """Rows to insert and delete, by statement."""

    messages: list[_Row] = field(default_factory=list)
    places: list[_Row] = field(default_factory=list)
    removed_places: list[_Row] = field(default_factory=list)
    removed_messages: list[_Row] = field(default_factory=list)

    def statements(self) -> Iterator[tuple[str, list[_Row]]]:
        """Returns the statements in the order in which they must be executed."""
        yield "INSERT INTO message VALUES (?, ?, ?)", self.messages
        yield "INSERT INTO queued VALUES (?, ?, ?, ?, ?)", self.places
        yield "DELETE FROM queued WHERE id = ?", self.removed_places
        yield "DELETE FROM message WHERE id = ?", self.removed_messages


class Storage:
    """The stored state, and the changes that wait for a commit."""

    def __init__(self, path: Path | str) -> None:
        """Opens a file, or `:memory:`. Raises StorageError, also if another process uses the file."""
        self._path = path
        self.database = open_database(path)
        """The SQLite connection. Only tests use it from outside."""
        self.waiting_bytes = 0
        """Bytes of all messages in queues, each once, and of all delayed Wills. Each place and each Will adds 256."""
        self.changed = False
        """Whether changes wait for a commit."""
        last = "SELECT MAX((SELECT COALESCE(MAX(id), 0) FROM queued), (SELECT COALESCE(MAX(id), 0) FROM message))"
        self._last_row: int = self.database.execute(last).fetchone()[0]
        self._changes: list[tuple[str, _Row]] = []
        self._queue_changes = _QueueChanges()
        self._kept: dict[Message, _Kept] = {}
        self._will_sizes: dict[str, int] = {}

    def has_room(self, limits: Limits) -> bool:
        """Whether another message, or another Will, may wait."""
        return self.waiting_bytes < limits.stored_bytes

    def commit(self) -> None:
        """Writes all changes in one transaction. Raises StorageError if it fails, and drops the changes."""
        if not self.changed:
            return
        self.changed = False
        changes, self._changes = self._changes, []
        queue_changes, self._queue_changes = self._queue_changes, _QueueChanges()
        execute = self.database.execute
        try:
            execute("BEGIN")
            for statement, values in changes:
                execute(statement, values)
            for statement, rows in queue_changes.statements():
                if rows:
                    self.database.executemany(statement, rows)
            execute("COMMIT")
        except sqlite3.Error as error:
            if self.database.in_transaction:
                execute("ROLLBACK")
            raise StorageError(f"{self._path}: can't be written: {error}") from None

    def close(self) -> None:
        """Commits and closes. Raises StorageError."""
        try:
            self.commit()
        finally:
            self.database.close()

    def retain(self, message: Message, modified: int) -> None:
        """Stores a topic's retained message. `modified` in ms since 1970."""
        values = (message.topic, pack(message), message.expires_at, modified)
        self._change("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", values)

    def forget_retained(self, topic: str) -> None:
        """Deletes a topic's retained message."""
        self._change("DELETE FROM retained WHERE topic = ?", (topic,))

    def keep_session(self, session: StoredSession) -> None:
        """Stores a session."""
        self._change("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)", session)

    def forget_session(self, client_id: str) -> None:
        """Deletes a session with its subscriptions. The caller dequeues its messages and forgets its Will."""
        for table in ("session", "subscription", "queued", "will"):
            self._change(f"DELETE FROM {table} WHERE client_id = ?", (client_id,))  # noqa: S608 (a name from above)

    def keep_subscription(self, client_id: str, subscription: Subscription) -> None:
        """Stores a subscription of a session."""
        options = (subscription.qos, subscription.no_local, subscription.retain_as_published)
        values = (client_id, subscription.topic_filter, *options)
        self._change("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?)", values)

    def forget_subscription(self, client_id: str, topic_filter: str) -> None:
        """Deletes a subscription."""
        self._change("DELETE FROM subscription WHERE client_id = ? AND topic_filter = ?", (client_id, topic_filter))

    def enqueue(self, client_id: str, message: Message, retain: bool) -> int:
        """Stores a message in the queue of a client. Returns the row for `dequeue`."""
        return self._enqueue(client_id, None, message, retain)

    def enqueue_shared(self, topic_filter: str, message: Message) -> int:
        """Stores a message in the queue of a shared subscription. Returns the row for `dequeue`."""
        return self._enqueue(None, topic_filter, message, False)

    def dequeue(self, row: int, message: Message) -> None:
        """Deletes a message's place in a queue. The message is deleted with its last place."""
        self.changed = True
        self._queue_changes.removed_places.append((row,))
        kept = self._kept[message]
        kept.places -= 1
        self.waiting_bytes -= PLACE
        if not kept.places:
            self._queue_changes.removed_messages.append((kept.row,))
            self.waiting_bytes -= message.size
            del self._kept[message]

    def keep_will(self, client_id: str, will: Will, due: float) -> None:
        """Stores the delayed Will of a session, without its delay. `due` in seconds since 1970."""
        self._count_will(client_id, will)
        self._change("INSERT OR REPLACE INTO will VALUES (?, ?, ?)", (client_id, pack(will), due))

    def forget_will(self, client_id: str) -> None:
        """Deletes a Will."""
        self.waiting_bytes -= self._will_sizes.pop(client_id, 0)
        self._change("DELETE FROM will WHERE client_id = ?", (client_id,))

    def retained(self) -> Iterator[tuple[Message, int]]:
        """Reads all retained messages, each with its time in ms since 1970. Raises StorageError."""
        for packed, expires_at, modified in self._read("SELECT message, expires_at, modified FROM retained"):
            yield unpack(packed, expires_at), modified

    def sessions(self) -> Iterator[StoredSession]:
        """Reads all sessions. Raises StorageError."""
        columns = "client_id, version, expiry_interval, principal_id, disconnected_at, disconnect_reason"
        for client_id, version, *rest in self._read(f"SELECT {columns} FROM session"):  # noqa: S608
            yield StoredSession(client_id, Version(version), *rest)

    def subscriptions(self) -> Iterator[tuple[str, Subscription]]:
        """Reads all subscriptions, each with its client ID. Raises StorageError."""
        columns = "client_id, topic_filter, qos, no_local, retain_as_published"
        for client_id, topic_filter, qos, *options in self._read(f"SELECT {columns} FROM subscription"):  # noqa: S608
            yield client_id, Subscription(topic_filter, qos, *map(bool, options))

    def wills(self) -> Iterator[StoredWill]:
        """Reads all delayed Wills. Call this once, at the start. Raises StorageError."""
        for client_id, packed, due in self._read("SELECT client_id, will, due FROM will"):
            will = unpack_will(packed)
            self._count_will(client_id, will)
            yield StoredWill(client_id, will, due)

    def queued(self) -> Iterator[StoredDelivery]:
        """Reads all queues in their order. Call this once, at the start. Raises StorageError.

        A message in several queues is one object.
        """
        packed = self._read("SELECT id, message, expires_at FROM message")
        messages = {row: unpack(message, expires_at) for row, message, expires_at in packed}
        places = "SELECT id, client_id, topic_filter, message, retain FROM queued ORDER BY id"
        for row, client_id, topic_filter, message_row, retain in self._read(places):
            message = messages[message_row]
            self._count(message, message_row)
            yield StoredDelivery(row, client_id, topic_filter, message, bool(retain))

    def _enqueue(self, client_id: str | None, topic_filter: str | None, message: Message, retain: bool) -> int:
        """A message gets the number of its first place."""
        self.changed = True
        self._last_row = row = self._last_row + 1
        if message not in self._kept:
            self._queue_changes.messages.append((row, pack(message), message.expires_at))
        message_row = self._count(message, row)
        self._queue_changes.places.append((row, client_id, topic_filter, message_row, retain))
        return row

    def _count(self, message: Message, row: int) -> int:
        """Counts another place of a message. Returns the message's row, which is `row` if this is its first place."""
        kept = self._kept.get(message)
        if kept is None:
            kept = self._kept[message] = _Kept(row)
            self.waiting_bytes += message.size
        kept.places += 1
        self.waiting_bytes += PLACE
        return kept.row

    def _count_will(self, client_id: str, will: Will) -> None:
        self.waiting_bytes -= self._will_sizes.get(client_id, 0)
        self._will_sizes[client_id] = len(will.payload) + properties_size(will.properties) + PLACE
        self.waiting_bytes += self._will_sizes[client_id]

    def _read(self, statement: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self.database.execute(statement)
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: can't be read: {error}") from None

    def _change(self, statement: str, values: _Row) -> None:
        self.changed = True
        self._changes.append((statement, values))
