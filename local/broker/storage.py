"""What survives: retained messages, persistent sessions and their queues, in SQLite."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.broker.message import Message
from local.broker.stored import StorageError, StoredDelivery, StoredSession, pack, unpack
from local.mqtt import Subscription, Version

__all__ = ["Storage", "StorageError"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, message BLOB, expires_at REAL, modified INTEGER);
CREATE TABLE IF NOT EXISTS session (
    client_id TEXT PRIMARY KEY, version INTEGER, expiry_interval INTEGER, principal_id TEXT, disconnected_at REAL,
    disconnect_reason TEXT);
CREATE TABLE IF NOT EXISTS subscription (
    client_id TEXT, topic_filter TEXT, qos INTEGER, no_local INTEGER, retain_as_published INTEGER,
    PRIMARY KEY (client_id, topic_filter));
CREATE TABLE IF NOT EXISTS queued (
    id INTEGER PRIMARY KEY, client_id TEXT, topic_filter TEXT, message BLOB, retain INTEGER, expires_at REAL);
CREATE INDEX IF NOT EXISTS queued_by_client ON queued (client_id);
"""
"""A queued message waits for a client, or else for a shared subscription, which its topic filter names."""
_FORMAT = 1

Value = str | bytes | int | float | None


class Storage:
    """Collects changes and writes them together: what is not committed must not be acknowledged.

    A process that is killed loses nothing that was committed; SQLite's WAL sees to that (SQLite, "Write-Ahead
    Logging").
    """

    def __init__(self, path: Path | str) -> None:
        """`path` is a file, or `:memory:`. Raises StorageError, also where another process uses the file.

        A new file is its owner's alone to read and write.
        """
        self._changes: list[tuple[str, tuple[Value, ...]]] = []
        if path != ":memory:":
            with contextlib.suppress(OSError):  # SQLite says what is wrong.
                Path(path).touch(mode=0o600)  # The WAL gets the same mode (SQLite, os_unix.c, findCreateFileMode).
        try:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        except sqlite3.Error as error:
            raise _can_not_be_used(path, error) from None
        try:
            self._open()
        except sqlite3.Error as error:
            self._database.close()
            raise _can_not_be_used(path, error) from None

    def _open(self) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        (found,) = execute("PRAGMA user_version").fetchone()
        if found not in (0, _FORMAT):
            raise sqlite3.DatabaseError(f"it is of format {found}, and this version writes {_FORMAT}")
        self._database.executescript(_SCHEMA)
        execute(f"PRAGMA user_version = {_FORMAT}")
        # Left by a session whose own row could not be written.
        for table in ("subscription", "queued"):
            execute(f"DELETE FROM {table} WHERE client_id NOT IN (SELECT client_id FROM session)")  # noqa: S608
        (last,) = execute("SELECT COALESCE(MAX(id), 0) FROM queued").fetchone()
        self._row = int(last)

    @property
    def changed(self) -> bool:
        """Whether something waits for `commit`."""
        return bool(self._changes)

    def commit(self) -> None:
        """Writes all that changed, in one transaction. Raises StorageError; what changed is then forgotten."""
        changes, self._changes = self._changes, []
        if not changes:
            return
        execute = self._database.execute
        try:
            execute("BEGIN")
            for statement, values in changes:
                execute(statement, values)
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
        """Removes a session with all that belongs to it."""
        for table in ("session", "subscription", "queued"):
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
        return self._enqueue(client_id, None, message, retain)

    def enqueue_shared(self, topic_filter: str, message: Message) -> int:
        """Keeps a message until a member of a shared subscription comes. Gives what `dequeue` takes."""
        return self._enqueue(None, topic_filter, message, False)

    def dequeue(self, row: int) -> None:
        """Removes a message from its queue."""
        self._change("DELETE FROM queued WHERE id = ?", (row,))

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

    def queued(self) -> Iterator[StoredDelivery]:
        """All messages that wait for clients, in their order. Raises StorageError."""
        return self._deliveries("client_id")

    def queued_shared(self) -> Iterator[StoredDelivery]:
        """All messages that wait for shared subscriptions, in their order. Raises StorageError."""
        return self._deliveries("topic_filter")

    def _deliveries(self, column: str) -> Iterator[StoredDelivery]:
        rows = f"SELECT id, {column}, message, expires_at, retain FROM queued WHERE {column} NOTNULL ORDER BY id"  # noqa: S608
        messages: dict[tuple[bytes, float | None], Message] = {}
        for row, waiting_for, packed, expires_at, retain in self._read(rows):
            # What was one message for many is one object again, and takes its memory once.
            key = hashlib.sha256(packed).digest(), expires_at
            if key not in messages:
                messages[key] = unpack(packed, expires_at)
            yield StoredDelivery(row, waiting_for, messages[key], bool(retain))

    def _enqueue(self, client_id: str | None, topic_filter: str | None, message: Message, retain: bool) -> int:
        self._row += 1
        values = (self._row, client_id, topic_filter, pack(message), retain, message.expires_at)
        self._change("INSERT INTO queued VALUES (?, ?, ?, ?, ?, ?)", values)
        return self._row

    def _read(self, statement: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise StorageError(f"the data folder can't be read: {error}") from None

    def _change(self, statement: str, values: tuple[Value, ...]) -> None:
        self._changes.append((statement, values))


def _can_not_be_used(path: Path | str, error: sqlite3.Error) -> StorageError:
    busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    why = "another process uses this data folder" if busy else f"can't be used: {error}"
    return StorageError(f"{path}: {why}")
