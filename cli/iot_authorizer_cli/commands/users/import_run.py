"""Writes many users, in portions that each thread hashes and then stores.

1. Existing users are skipped before anything is hashed, so a repeated import continues.
2. The table stores each user only if no other writer has added or changed it since it was read.
3. A user is counted after it is stored. Where a table stores many users in one transaction, an import that is
   interrupted has stored and counted all of them or none.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from threading import Event, Lock, Semaphore
from typing import TypeVar

from iot_authorizer_cli.commands.users.csv_file import Row
from iot_authorizer_cli.commands.users.password_file import PasswordFile
from iot_identities.item_limits import MOST_IDS
from iot_identities.passwords import PasswordDigest, hash_digest, hash_password
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table, TableBusy, TableUnavailable
from iot_identities.user import StoredPassword, User, from_item, to_item, user_id

Answer = TypeVar("Answer")

_THREADS = os.cpu_count() or 1
"""How many threads hash and write."""
_PAUSES = tuple(0.05 * 2**attempt for attempt in range(8))
"""Seconds to wait before a busy table is asked again: 13 in all."""


@dataclass(eq=False)
class ImportRun:
    """One import, with its progress."""

    table: Table
    rows: Sequence[Row]
    _: KW_ONLY
    replacing: bool
    """Whether existing users are written, too."""
    made: PasswordFile | None = None
    """Generates passwords for users without one."""
    pause: Callable[[float], object] | None = None
    """Waits for so many seconds; by default until the import ends, too."""
    added: int = 0
    """New users."""
    replaced: int = 0
    """Existing users that were written."""
    skipped: int = 0
    """Existing users that were not changed."""
    overtaken: list[str] = field(default_factory=list)
    """Skipped users that another writer added or changed meanwhile."""
    without_password: int = 0
    """New users without a password."""
    _ended: Event = field(default_factory=Event, init=False)
    _writing: Semaphore = field(default_factory=partial(Semaphore, _THREADS), init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @property
    def done(self) -> int:
        """How many lines are done."""
        return self.added + self.replaced + self.skipped

    def count(self) -> None:
        """Counts what a run would do. Raises TableUnavailable."""
        for rows in self._portions():
            there = len(self._read(rows))
            self.added += len(rows) - there
            if self.replacing:
                self.replaced += there
            else:
                self.skipped += there

    def run(self, tell: Callable[[int], None]) -> None:
        """Writes the users, and tells how many are done. Users that were written before an error stay.

        Raises TableUnavailable and OSError.
        """
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hash")  # argon2 lets go of the GIL.
        try:
            for rows in self._portions():
                there = self._read(rows)
                wanted = [row for row in rows if self.replacing or user_id(row.user.name) not in there]
                self.skipped += len(rows) - len(wanted)
                tell(self.done)
                write = partial(self._write_all, there=there, tell=tell)
                ready = self._with_passwords(wanted, there)
                for _ in threads.map(write, [ready[first::_THREADS] for first in range(_THREADS)]):
                    pass
        finally:
            self._ended.set()
            threads.shutdown(cancel_futures=True)
            # Ctrl-C while a thread starts: the executor does not know that thread, which may write already.
            for _ in range(_THREADS):
                self._writing.acquire()
            self._writing.release(_THREADS)

    def _portions(self) -> list[Sequence[Row]]:
        return [self.rows[start : start + MOST_IDS] for start in range(0, len(self.rows), MOST_IDS)]

    def _read(self, rows: Sequence[Row]) -> dict[str, Item]:
        return self._patiently(lambda: self.table.read([user_id(row.user.name) for row in rows]))

    def _with_passwords(self, rows: Sequence[Row], there: dict[str, Item]) -> list[Row]:
        if self.made is None:
            return list(rows)
        lacking = [row.user.name for row in rows if not row.has_password]
        made = self.made.passwords_of(name for name in lacking if not _passwords(there.get(user_id(name))))
        return [
            replace(row, password=made[row.user.name], generated=True) if row.user.name in made else row for row in rows
        ]

    def _write_all(self, rows: Sequence[Row], there: dict[str, Item], tell: Callable[[int], None]) -> None:
        """Hashes the passwords of some users, then writes these users."""
        writes: list[tuple[Item, Item | None]] = []
        for row in rows:
            if self._ended.is_set():
                return
            before = there.get(user_id(row.user.name))
            writes.append((_item(row, before), before))
        done = 0
        with self._writing:
            while done < len(rows) and not self._ended.is_set():
                done += self._write_some(rows[done:], writes[done:], tell)

    def _write_some(
        self, rows: Sequence[Row], writes: Sequence[tuple[Item, Item | None]], tell: Callable[[int], None]
    ) -> int:
        """Writes the first users, counts them and returns how many they are."""
        try:
            stored = self._patiently(lambda: self.table.write_some(writes))
        except TableUnavailable:
            self._ended.set()
            raise
        with self._lock:
            for row, (_, before), is_stored in zip(rows, writes, stored, strict=False):
                if not is_stored:
                    self.skipped += 1
                    self.overtaken.append(row.user.name)
                elif before is None:
                    self.added += 1
                    self.without_password += not row.has_password
                else:
                    self.replaced += 1
            tell(self.done)
        return len(stored)

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        for pause in _PAUSES:
            try:
                return ask()
            except TableBusy:
                if self._ended.is_set():
                    raise
                (self.pause or self._ended.wait)(pause)
        return ask()


def _user(item: Item | None) -> User | None:
    """The user of an item; None for a malformed one, which is written again."""
    try:
        return None if item is None else from_item(item)
    except MalformedItem:
        return None


def _passwords(item: Item | None) -> Sequence[StoredPassword]:
    user = _user(item)
    return () if user is None else user.passwords


def _item(row: Row, before: Item | None) -> Item:
    """The item with the password hashed, which takes 18 ms."""
    if row.password is not None:
        given = row.password
        encoded = hash_digest(given) if isinstance(given, PasswordDigest) else hash_password(given)
        password = StoredPassword(encoded, created_at=row.user.created_at, generated=row.generated)
        row = replace(row, user=replace(row.user, passwords=(password,)))
    user = _user(before)
    return to_item(row.user if user is None else row.over(user))
