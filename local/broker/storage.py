"""What survives: retained messages, persistent sessions and their queues, in SQLite."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from local.broker.message import Message
from local.mqtt import Decoder, Publish, Subscription, Version, encode

_SCHEMA = """
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, message BLOB, expires_at REAL, modified INTEGER);
CREATE TABLE IF NOT EXISTS session (
    client_id TEXT PRIMARY KEY, expiry_interval INTEGER, principal_id TEXT, disconnected_at REAL);
CREATE TABLE IF NOT EXISTS subscription (
    client_id TEXT, topic_filter TEXT, qos INTEGER, no_local INTEGER, retain_as_published INTEGER,
    PRIMARY KEY (client_id, topic_filter));
CREATE TABLE IF NOT EXISTS queued (
    id INTEGER PRIMARY KEY, client_id TEXT, message BLOB, retain INTEGER, expires_at REAL);
CREATE INDEX IF NOT EXISTS queued_by_client ON queued (client_id, id);
"""
_FORMAT = 1

Value = str | bytes | int | float | None


class StoredSession(NamedTuple):
    """A persistent session as it was left."""

    client_id: str
    expiry_interval: int
    principal_id: str
    disconnected_at: float | None
    """Seconds since 1970; None where the process was killed while the client was connected."""
    subscriptions: tuple[Subscription, ...]


class StoredDelivery(NamedTuple):
    """A message in the queue of a session."""

    row: int
    client_id: str
    message: Message
    retain: bool


class StorageError(Exception):
    """The file can't be opened, or not be written. Its text is one line."""


class Storage:
    """Collects changes and writes them together: what is not committed must not be acknowledged.

    A process that is killed loses nothing that was committed; SQLite's WAL sees to that (SQLite, "Write-Ahead
    Logging").
    """

    def __init__(self, path: Path | str) -> None:
        """`path` is a file, or `:memory:`. Raises StorageError, also where another process uses the file."""
        self._changes: list[tuple[str, tuple[Value, ...]]] = []
        try:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
            self._open()
        except sqlite3.Error as error:
            busy = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"
            why = "another process uses this data folder" if busy else f"can't be used: {error}"
            raise StorageError(f"{path}: {why}") from None

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
        values = (message.topic, _packed(message), message.expires_at, modified)
        self._change("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", *values)

    def forget_retained(self, topic: str) -> None:
        """Removes a retained message."""
        self._change("DELETE FROM retained WHERE topic = ?", topic)

    def keep_session(
        self, client_id: str, expiry_interval: int, principal_id: str, disconnected_at: float | None
    ) -> None:
        """Keeps a session; `disconnected_at` in seconds since 1970, None while it is connected."""
        self._change(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)",
            client_id,
            expiry_interval,
            principal_id,
            disconnected_at,
        )

    def forget_session(self, client_id: str) -> None:
        """Removes a session with all that belongs to it."""
        for table in ("session", "subscription", "queued"):
            self._change(f"DELETE FROM {table} WHERE client_id = ?", client_id)  # noqa: S608 (a name from above)

    def keep_subscription(self, client_id: str, subscription: Subscription) -> None:
        """Keeps a subscription of a session."""
        options = (subscription.qos, subscription.no_local, subscription.retain_as_published)
        self._change(
            "INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?)", client_id, subscription.topic_filter, *options
        )

    def forget_subscription(self, client_id: str, topic_filter: str) -> None:
        """Removes a subscription."""
        self._change("DELETE FROM subscription WHERE client_id = ? AND topic_filter = ?", client_id, topic_filter)

    def enqueue(self, client_id: str, message: Message, retain: bool) -> int:
        """Keeps a message until it is acknowledged. Gives what `dequeue` takes."""
        self._row += 1
        values = (self._row, client_id, _packed(message), retain, message.expires_at)
        self._change("INSERT INTO queued VALUES (?, ?, ?, ?, ?)", *values)
        return self._row

    def dequeue(self, row: int) -> None:
        """Removes a message from its queue."""
        self._change("DELETE FROM queued WHERE id = ?", row)

    def retained(self) -> Iterator[tuple[Message, int]]:
        """All retained messages, each with the time in ms when it was published."""
        for packed, expires_at, modified in self._database.execute(
            "SELECT message, expires_at, modified FROM retained"
        ):
            yield _unpacked(packed, expires_at), modified

    def sessions(self) -> Iterator[StoredSession]:
        """All sessions."""
        subscriptions: dict[str, list[Subscription]] = {}
        for client_id, topic_filter, qos, no_local, rap in self._database.execute("SELECT * FROM subscription"):
            found = Subscription(topic_filter, qos, bool(no_local), bool(rap))
            subscriptions.setdefault(client_id, []).append(found)
        for client_id, *rest in self._database.execute("SELECT * FROM session"):
            expiry_interval, principal_id, disconnected_at = rest
            yield StoredSession(
                client_id, expiry_interval, principal_id, disconnected_at, tuple(subscriptions.get(client_id, ()))
            )

    def queued(self) -> Iterator[StoredDelivery]:
        """All messages that wait, in their order."""
        for row, client_id, packed, retain, expires_at in self._database.execute("SELECT * FROM queued ORDER BY id"):
            yield StoredDelivery(row, client_id, _unpacked(packed, expires_at), bool(retain))

    def _change(self, statement: str, *values: Value) -> None:
        self._changes.append((statement, values))


def _packed(message: Message) -> bytes:
    """A message as a PUBLISH of MQTT 5, which holds all that belongs to it."""
    publish = Publish(message.topic, message.payload, 0, message.retain, False, None, message.properties)
    return encode(publish, Version.MQTT_5)


def _unpacked(packed: bytes, expires_at: float | None) -> Message:
    decoder = Decoder(len(packed))
    decoder.version = Version.MQTT_5
    decoder.receive(packed)
    publish = decoder.next()
    if not isinstance(publish, Publish):
        raise StorageError("the data folder holds what no message is")
    return Message(publish.topic, publish.payload, 1, publish.retain, publish.properties, expires_at)
