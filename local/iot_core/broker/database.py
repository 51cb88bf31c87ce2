"""The SQLite file of what survives: its tables, and how it is opened."""

import contextlib
import sqlite3
from pathlib import Path

from iot_core.broker.stored import StorageError

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
"""What is queued waits for a client, or else for a shared subscription, which its topic filter names. It names its
message, which is there once, however many it waits for."""
_FORMAT = 2
_LEFT_BEHIND = (
    "DELETE FROM subscription WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM will WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM queued WHERE client_id NOT IN (SELECT client_id FROM session)",
    "DELETE FROM queued WHERE message NOT IN (SELECT id FROM message)",
    "DELETE FROM message WHERE id NOT IN (SELECT message FROM queued)",
)
"""Removes, in this order, what stayed alone where a transaction before or after could not be written."""


def open_database(path: Path | str) -> sqlite3.Connection:
    """Opens a file, or `:memory:`, for this process alone. Raises StorageError, also where another process uses it.

    A new file is its owner's alone to read and write.
    """
    if path != ":memory:":
        with contextlib.suppress(OSError):  # SQLite says what is wrong.
            Path(path).touch(mode=0o600)  # The WAL gets the same mode (SQLite, os_unix.c, findCreateFileMode).
    try:
        database = sqlite3.connect(path, isolation_level=None, timeout=0)
    except sqlite3.Error as error:
        raise _can_not_be_used(path, error) from None
    try:
        _prepare(database)
    except sqlite3.Error as error:
        database.close()
        raise _can_not_be_used(path, error) from None
    return database


def _prepare(database: sqlite3.Connection) -> None:
    execute = database.execute
    execute("PRAGMA locking_mode = EXCLUSIVE")
    execute("PRAGMA journal_mode = WAL")
    execute("PRAGMA synchronous = NORMAL")
    (found,) = execute("PRAGMA user_version").fetchone()
    if found not in (0, _FORMAT):
        raise sqlite3.DatabaseError(
            f"it is of format {found}, and this version writes {_FORMAT}; remove it to begin anew: nothing but the "
            "sessions, queues and retained messages of this machine is in it"
        )
    database.executescript(_SCHEMA)
    execute(f"PRAGMA user_version = {_FORMAT}")
    for statement in _LEFT_BEHIND:
        execute(statement)


def _can_not_be_used(path: Path | str, error: sqlite3.Error) -> StorageError:
    busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    running = "another process uses this data folder: is `iot-authorizer dev` running already?"
    why = running if busy else f"can't be used: {error}"
    return StorageError(f"{path}: {why}")
