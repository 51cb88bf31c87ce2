"""The SQLite file behind the storage: its tables, its opening, and how it writes messages."""

import contextlib
import sqlite3
from pathlib import Path

from iot_core.broker.message import Message
from iot_core.mqtt import Decoder, MqttError, Publish, Version, Will, encode

_SCHEMA = """
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, message BLOB, expires_at REAL, modified INTEGER);
CREATE TABLE IF NOT EXISTS session (
    client_id TEXT PRIMARY KEY, version INTEGER, expiry_interval INTEGER, principal_id TEXT, disconnected_at REAL,
    disconnect_reason TEXT);
CREATE TABLE IF NOT EXISTS subscription (
    client_id TEXT, topic_filter TEXT, qos INTEGER, no_local INTEGER, retain_as_published INTEGER,
    PRIMARY KEY (client_id, topic_filter));
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, message BLOB, expires_at REAL);
CREATE TABLE IF NOT EXISTS queued (
    id INTEGER PRIMARY KEY, client_id TEXT, topic_filter TEXT, message INTEGER, retain INTEGER);
CREATE INDEX IF NOT EXISTS queued_by_client ON queued (client_id);
CREATE TABLE IF NOT EXISTS will (client_id TEXT PRIMARY KEY, will BLOB, due REAL);
"""
"""A row of `queued` is one place of a message in a queue: that of a client, or that of the shared subscription with its
topic filter. It refers to a row of `message`, which holds each message once, however many queues it is in."""
_FORMAT = 3
_ORPHANS = (
    "DELETE FROM subscription WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM will WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM queued WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM queued WHERE message NOT IN (SELECT id FROM message)",
    "DELETE FROM message WHERE id NOT IN (SELECT message FROM queued)",
)
"""Delete, in this order, rows whose counterpart is missing because one transaction failed and another did not."""


class StorageError(OSError):
    """The file can't be opened, read or written. Its text is one line."""


def open_database(path: Path | str) -> sqlite3.Connection:
    """Opens a file or `:memory:` for this process only. Raises StorageError, also if another process uses the file.

    Only the owner of a new file can read and write it.
    """
    if path != ":memory:":
        with contextlib.suppress(OSError):  # SQLite says what is wrong.
            Path(path).touch(mode=0o600)  # The WAL gets the same mode (SQLite, os_unix.c, findCreateFileMode).
    try:
        database = sqlite3.connect(path, isolation_level=None, timeout=0)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    try:
        _prepare(database)
    except sqlite3.Error as error:
        database.close()
        raise _unusable(path, error) from None
    return database


def pack(message: Message | Will) -> bytes:
    """Writes a message or a Will as a PUBLISH of MQTT 5.

    The caller stores when a message expires, and when a Will is due. The Will's properties must not have its delay.
    """
    packet_id = 1 if message.qos else None
    publish = Publish(message.topic, message.payload, message.qos, message.retain, False, packet_id, message.properties)
    return encode(publish, Version.MQTT_5)


def unpack(packed: bytes, expires_at: float | None) -> Message:
    """Reads a message. Raises StorageError."""
    publish = _publish(packed)
    return Message(publish.topic, publish.payload, publish.qos, publish.retain, publish.properties, expires_at)


def unpack_will(packed: bytes) -> Will:
    """Reads a Will. Raises StorageError."""
    publish = _publish(packed)
    return Will(publish.topic, publish.payload, publish.qos, publish.retain, publish.properties)


def _publish(packed: bytes) -> Publish:
    decoder = Decoder(len(packed), Version.MQTT_5)
    decoder.receive(packed)
    try:
        publish = decoder.next()
    except MqttError:
        publish = None
    if not isinstance(publish, Publish):
        raise StorageError("the data folder holds a message that can't be read")
    return publish


def _prepare(database: sqlite3.Connection) -> None:
    execute = database.execute
    execute("PRAGMA locking_mode = EXCLUSIVE")
    execute("PRAGMA journal_mode = WAL")
    execute("PRAGMA synchronous = NORMAL")
    (found,) = execute("PRAGMA user_version").fetchone()
    if found not in (0, _FORMAT):
        raise sqlite3.DatabaseError(
            f"it has format {found}, and this version writes {_FORMAT}. Remove the file: it holds only "
            "the sessions, queues and retained messages of this machine"
        )
    database.executescript(_SCHEMA)
    execute(f"PRAGMA user_version = {_FORMAT}")
    for statement in _ORPHANS:
        execute(statement)


def _unusable(path: Path | str, error: sqlite3.Error) -> StorageError:
    busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    if busy:
        return StorageError(f"{path}: another process uses this data folder: is `iot-authorizer dev` running already?")
    return StorageError(f"{path}: can't be used: {error}")
