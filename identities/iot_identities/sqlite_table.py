"""A table in an SQLite file, for development. Threads and processes may share it."""

import contextlib
import json
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from iot_identities.item_limits import (
    ALWAYS_READ,
    check_id,
    check_ids,
    check_prefix,
    is_same,
    revision_of,
    to_store,
    was_written,
)
from iot_identities.table import Item, ItemChanged, ItemExists, TableUnavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (id TEXT PRIMARY KEY, item TEXT NOT NULL, expires_at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_by_end ON item (expires_at) WHERE expires_at IS NOT NULL;
"""
_FORMAT = 1
_PAGE = 200
"""Items that `items` reads at once."""
_LATEST = 2**63 - 1
"""SQLite's largest integer."""
_IS_THERE = "(expires_at IS NULL OR expires_at > ?)"


class SqliteTable:
    """Implements `iot_identities.table.Table`. Opens its file with the first call, and again after a failure."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, *, patience: float = 1.0) -> None:
        """`patience`: seconds to wait while another process writes."""
        self._path = path
        self._clock = clock
        self._patience = patience
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Reads items."""
        ids = check_ids(ids)
        places = ", ".join("?" * len(ids))
        with self._open() as database:
            statement = f"SELECT id, item FROM item WHERE id IN ({places}) AND {_IS_THERE}"  # noqa: S608 (no value)
            return {id: _item(text) for id, text in database.execute(statement, (*ids, self._now()))}

    def read_part(self, id: str, names: Sequence[str]) -> Item | None:
        """Reads some attributes."""
        item = self.read([id]).get(id)
        return None if item is None else {name: item[name] for name in (*ALWAYS_READ, *names) if name in item}

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item."""
        stored = to_store(item, now=self._clock(), replacing=replacing, new=new)
        with self._change() as database:
            is_stored = _write(database, stored, replacing, new=new)
        if not is_stored:
            raise ItemExists if new else ItemChanged

    def write_some(self, writes: Sequence[tuple[Item, Item | None]]) -> Sequence[bool]:
        """Stores all items, in one transaction."""
        now = self._clock()
        ready = [
            (to_store(item, now=now, replacing=replacing, new=replacing is None), replacing)
            for item, replacing in writes
        ]
        with self._change() as database:
            return [_write(database, stored, replacing, new=replacing is None) for stored, replacing in ready]

    def write_part(self, changes: Item, *, replacing: Item) -> None:
        """Changes some attributes, in a transaction."""
        part = to_store(changes, now=self._clock(), replacing=replacing)
        with self._change() as database:
            before = _find(database, changes["id"])
            if before is not None and revision_of(before) == revision_of(replacing):
                _put(database, to_store({**before, **changes}, now=self._clock(), replacing=before))
            elif before is None or not is_same({name: before.get(name) for name in part}, part):
                raise ItemChanged

    def delete(self, id: str) -> None:
        """Removes an item."""
        with self._change() as database:
            database.execute("DELETE FROM item WHERE id = ?", (check_id(id),))

    def extend(self, id: str, *, now: int, by: int, most: int, seen: bool) -> bool:  # noqa: ARG002 (for DynamoDB)
        """Moves `expires_at`, in a transaction."""
        with self._change() as database:
            before = _find(database, check_id(id)) or {"id": id}
            end = max(_end_of(before), now) + by
            if end > now + most:
                return False
            _put(database, {**before, "expires_at": end})
            return True

    def shorten(self, id: str, *, by: int) -> None:
        """Moves `expires_at` back, in a transaction."""
        with self._change() as database:
            before = _find(database, check_id(id))
            if before is not None:
                _put(database, {**before, "expires_at": _end_of(before) - by})

    def keep(self, id: str, *, until: int) -> None:
        """Sets `expires_at`, in a transaction."""
        with self._change() as database:
            before = _find(database, check_id(id)) or {"id": id}
            _put(database, {**before, "expires_at": until})

    def within(self, seconds: float) -> "SqliteTable":  # noqa: ARG002 (for DynamoDB)
        """The table itself: a decision writes at most four times and waits at most `patience` for each."""
        return self

    def items(self, prefix: str) -> Iterator[Item]:
        """All items with this prefix."""
        page = self._page(">=", check_prefix(prefix))
        while page:
            for id, item in page:
                if not id.startswith(prefix):
                    return
                yield item
            page = self._page(">", page[-1][0])

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _page(self, comparison: str, id: str) -> list[tuple[str, Item]]:
        statement = f"SELECT id, item FROM item WHERE id {comparison} ? AND {_IS_THERE} ORDER BY id LIMIT {_PAGE}"  # noqa: S608
        with self._open() as database:
            return [(id, _item(text)) for id, text in database.execute(statement, (id, self._now()))]

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """An exclusive transaction, in which expired items are deleted first."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                database.execute("DELETE FROM item WHERE expires_at <= ?", (self._now(),))
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._database is None:
                    self._database = _open_database(self._path, self._patience)
                    weakref.finalize(self, self._database.close)
                yield self._database
            except sqlite3.Error as error:
                raise TableUnavailable(f"{self._path}: {error}") from None

    def _now(self) -> int:
        return int(self._clock())


def _open_database(path: Path, patience: float) -> sqlite3.Connection:
    with contextlib.suppress(OSError):  # SQLite reports what is wrong.
        path.touch(mode=0o600)  # The WAL gets the same mode (SQLite, os_unix.c, findCreateFileMode).
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            raise sqlite3.DatabaseError("other users can read or write it: run chmod 600")
    database = sqlite3.connect(path, isolation_level=None, timeout=patience, check_same_thread=False)
    try:
        _prepare_in_time(database, patience)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _prepare_in_time(database: sqlite3.Connection, patience: float) -> None:
    """Tries again while another process opens the same new file: SQLite does not wait for the switch to WAL mode."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return _prepare(database)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(0.005)


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (found,) = database.execute("PRAGMA user_version").fetchone()
    if found not in (0, _FORMAT):
        raise sqlite3.DatabaseError(f"expected format {_FORMAT}, found {found}: another version wrote the file")
    if found == 0:
        database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")


def _find(database: sqlite3.Connection, id: object) -> Item | None:
    row = database.execute("SELECT item FROM item WHERE id = ?", (id,)).fetchone()
    return None if row is None else _item(row[0])


def _write(database: sqlite3.Connection, stored: Item, replacing: Item | None, *, new: bool) -> bool:
    """Whether the item is stored now: by this call, or by an earlier one whose answer was lost."""
    before = _find(database, stored["id"])
    is_taken = new and before is not None
    is_another = replacing is not None and (before is None or revision_of(before) != revision_of(replacing))
    if is_taken or is_another:
        return was_written(before, stored, new=new)
    _put(database, stored)
    return True


def _put(database: sqlite3.Connection, item: Item) -> None:
    expires_at = item.get("expires_at")
    if isinstance(expires_at, int):
        expires_at = max(-_LATEST, min(expires_at, _LATEST))
    values = (item["id"], json.dumps(item, ensure_ascii=False), expires_at)
    database.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", values)


def _item(text: str) -> Item:
    try:
        item = json.loads(text)
    except ValueError:
        item = None
    if not isinstance(item, dict):
        raise sqlite3.DataError("an item is not a JSON object")
    return item


def _end_of(item: Item) -> int:
    end = item.get("expires_at", 0)
    if isinstance(end, bool) or not isinstance(end, int):
        raise sqlite3.DataError("expires_at is not a number")
    return end
