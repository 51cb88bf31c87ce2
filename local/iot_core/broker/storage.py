"""What survives: retained messages, persistent sessions, their queues and delayed Wills, in SQLite."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iot_core.broker.database import open_database
from iot_core.broker.message import Message
from iot_core.broker.stored import StorageError, StoredDelivery, StoredSession, StoredWill, pack, unpack, unpack_will
from iot_core.broker.stored_queues import Row, StoredQueues
from iot_core.mqtt import Subscription, Version, Will

__all__ = ["Storage", "StorageError"]


class Storage:
    """Collects changes and writes them together: what is not committed must not be acknowledged.

    A process that is killed loses nothing that was committed; SQLite's WAL sees to that (SQLite, "Write-Ahead
    Logging").
    """

    def __init__(self, path: Path | str) -> None:
        """`path` is a file, or `:memory:`. Raises StorageError, also where another process uses the file."""
        self._changes: list[tuple[str, Row]] = []
        self._database = open_database(path)
        last = "SELECT MAX((SELECT COALESCE(MAX(id), 0) FROM queued), (SELECT COALESCE(MAX(id), 0) FROM message))"
        self._queues = StoredQueues(*self._database.execute(last).fetchone())

    @property
    def changed(self) -> bool:
        """Whether something waits for `commit`."""
        return bool(self._changes) or self._queues.changed

    @property
    def queued_bytes(self) -> int:
        """Of all messages that wait, each once, and 256 for each place in a queue."""
        return self._queues.size

    def commit(self) -> None:
        """Writes all that changed, in one transaction. Raises StorageError; what changed is then forgotten."""
        if not self.changed:
            return
        changes, self._changes = self._changes, []
        queues = self._queues.take_changes()
        execute = self._database.execute
        try:
            execute("BEGIN")
            for statement, values in changes:
                execute(statement, values)
            for statement, rows in queues:
                self._database.executemany(statement, rows)
            execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                execute("ROLLBACK")
            raise StorageError(f"the data folder can't be written: {error}") from None

    def close(self) -> None:
        """Commits and closes. Raises StorageError."""
        try:
            self.commit()
        finally:
            self._database.close()

    def retain(self, message: Message, modified: int) -> None:
        """Keeps a retained message in the place of the one before; `modified` in ms since 1970."""
        values = (message.topic, pack(message), message.expires_at, modified)
        self._change("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", values)

    def forget_retained(self, topic: str) -> None:
        """Removes a retained message."""
        self._change("DELETE FROM retained WHERE topic = ?", (topic,))

    def keep_session(self, session: StoredSession) -> None:
        """Keeps a session in the place of the one before."""
        self._change("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)", session)

    def forget_session(self, client_id: str) -> None:
        """Removes a session with all that belongs to it. What waits for it is to be dequeued, one by one."""
        for table in ("session", "subscription", "queued", "will"):
            self._change(f"DELETE FROM {table} WHERE client_id = ?", (client_id,))  # noqa: S608 (a name from above)

    def keep_subscription(self, client_id: str, subscription: Subscription) -> None:
        """Keeps a subscription of a session."""
        options = (subscription.qos, subscription.no_local, subscription.retain_as_published)
        values = (client_id, subscription.topic_filter, *options)
        self._change("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?)", values)

    def forget_subscription(self, client_id: str, topic_filter: str) -> None:
        """Removes a subscription."""
        self._change("DELETE FROM subscription WHERE client_id = ? AND topic_filter = ?", (client_id, topic_filter))

    def enqueue(self, client_id: str, message: Message, retain: bool) -> int:
        """Keeps a message until a client acknowledges it. Gives what `dequeue` takes."""
        return self._queues.add(client_id, None, message, retain)

    def enqueue_shared(self, topic_filter: str, message: Message) -> int:
        """Keeps a message until a member of a shared subscription comes. Gives what `dequeue` takes."""
        return self._queues.add(None, topic_filter, message, False)

    def dequeue(self, row: int, message: Message) -> None:
        """Removes a message from its queue; the message itself where it is in no other one."""
        self._queues.remove(row, message)

    def keep_will(self, client_id: str, will: Will, due: float) -> None:
        """Keeps the delayed Will of a session; without its delay, and `due` in seconds since 1970."""
        self._change("INSERT OR REPLACE INTO will VALUES (?, ?, ?)", (client_id, pack(will), due))

    def forget_will(self, client_id: str) -> None:
        """Removes a Will."""
        self._change("DELETE FROM will WHERE client_id = ?", (client_id,))

    def retained(self) -> Iterator[tuple[Message, int]]:
        """All retained messages, each with the time in ms when it was published. Raises StorageError."""
        for packed, expires_at, modified in self._read("SELECT message, expires_at, modified FROM retained"):
            yield unpack(packed, expires_at), modified

    def sessions(self) -> Iterator[StoredSession]:
        """All sessions. Raises StorageError."""
        columns = "client_id, version, expiry_interval, principal_id, disconnected_at, disconnect_reason"
        for client_id, version, *rest in self._read(f"SELECT {columns} FROM session"):  # noqa: S608
            yield StoredSession(client_id, Version(version), *rest)

    def subscriptions(self) -> Iterator[tuple[str, Subscription]]:
        """All subscriptions of sessions, each with its client ID. Raises StorageError."""
        columns = "client_id, topic_filter, qos, no_local, retain_as_published"
        for client_id, topic_filter, qos, *options in self._read(f"SELECT {columns} FROM subscription"):  # noqa: S608
            yield client_id, Subscription(topic_filter, qos, *map(bool, options))

    def wills(self) -> Iterator[StoredWill]:
        """All delayed Wills. Raises StorageError."""
        for client_id, packed, due in self._read("SELECT client_id, will, due FROM will"):
            yield StoredWill(client_id, unpack_will(packed), due)

    def queued(self) -> Iterator[StoredDelivery]:
        """All messages that wait, in their order; to be called once, before more are queued. Raises StorageError.

        What is one message for many is one object.
        """
        packed = self._read("SELECT id, message, expires_at FROM message")
        messages = {row: unpack(message, expires_at) for row, message, expires_at in packed}
        places = "SELECT id, client_id, topic_filter, message, retain FROM queued ORDER BY id"
        for row, client_id, topic_filter, message_row, retain in self._read(places):
            message = messages[message_row]
            self._queues.restore(message, message_row)
            yield StoredDelivery(row, client_id, topic_filter, message, bool(retain))

    def _read(self, statement: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise StorageError(f"the data folder can't be read: {error}") from None

    def _change(self, statement: str, values: Row) -> None:
        self._changes.append((statement, values))
