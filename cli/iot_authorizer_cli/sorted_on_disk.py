"""Sorts more than fits into memory: rows by their names, in a temporary file that SQLite deletes."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self


class SortedRows:
    """Rows of texts in the order of their names. Memory does not grow with their number."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE row (name BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Deletes the file."""
        self._database.close()

    def add(self, name: str, row: Sequence[str]) -> None:
        """Adds a row, or replaces the one of that name."""
        key = name.encode("utf-8", "surrogatepass")  # These bytes sort as the characters do.
        self._database.execute("INSERT OR REPLACE INTO row VALUES (?, ?)", (key, json.dumps(row)))

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM row").fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Sequence[str]]:
        """Iterates over the rows in order, as often as needed."""
        for (value,) in self._database.execute("SELECT value FROM row ORDER BY name"):
            yield json.loads(value)
