"""Writing many users: those that are there are passed over before anything is hashed, so it goes on where it ended."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from identities.item_limits import MOST_IDS
from identities.passwords import hash_password
from identities.table import Item, Table
from identities.user import StoredPassword, to_item, user_id
from local.users.csv_file import Row

_BATCH = 25
"""Users that are hashed and written together: half a second on one core, and one BatchWriteItem."""


class ImportRun:
    """One import, and how far it came."""

    def __init__(self, table: Table, rows: Sequence[Row], *, replacing: bool, writing: bool = True) -> None:
        """`replacing`: users that are there are written too. Without `writing`, all is counted and nothing written."""
        self._table = table
        self._rows = rows
        self._replacing = replacing
        self._writing = writing
        self.added = 0
        """Users that were not there."""
        self.replaced = 0
        """Users that were there, and were written again."""
        self.left_alone = 0
        """Users that were there, and still are as they were."""

    @property
    def done(self) -> int:
        """Of all lines, how many are."""
        return self.added + self.replaced + self.left_alone

    def run(self, tell: Callable[[int], None]) -> None:
        """Writes, and tells how many are done. Raises TableUnavailable; what is written by then stays."""
        threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash")  # argon2 lets go of the GIL.
        try:
            for start in range(0, len(self._rows), MOST_IDS):
                self._run_some(self._rows[start : start + MOST_IDS], threads, tell)
        finally:
            threads.shutdown(cancel_futures=True)

    def _run_some(self, rows: Sequence[Row], threads: ThreadPoolExecutor, tell: Callable[[int], None]) -> None:
        there = self._table.read([user_id(row.user.name) for row in rows])
        wanted = [row for row in rows if self._replacing or user_id(row.user.name) not in there]
        self.left_alone += len(rows) - len(wanted)
        tell(self.done)
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            if self._writing:
                self._table.write_many(list(threads.map(_item, batch)))
            replaced = sum(user_id(row.user.name) in there for row in batch)
            self.replaced += replaced
            self.added += len(batch) - replaced
            tell(self.done)


def _item(row: Row) -> Item:
    """The item, with the password hashed: 18 ms."""
    if row.password is None:
        return to_item(row.user)
    password = StoredPassword(hash_password(row.password), created_at=row.user.created_at)
    return to_item(replace(row.user, passwords=(password,)))
