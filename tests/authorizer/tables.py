"""An authorizer with a table of identities."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher

from iot_authorizer.table_passwords import TablePasswords
from iot_identities import revocations
from iot_identities.guessing import GuessingLimits
from iot_identities.revocations import Revocation
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item, TableUnavailable
from iot_identities.user import StoredPassword, User, to_item

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = 1_800_000_000
"""The first time of the clock, in seconds since 1970."""


def stored(password: str, *, generated: bool = False, expires_at: int | None = None) -> StoredPassword:
    """A password as the table has it."""
    return StoredPassword(QUICK.hash(password), NOW, expires_at, generated)


class Failing(SqliteTable):
    """A table that fails after `answers` calls."""

    answers = 0
    code = "ProvisionedThroughputExceededException"

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        self._answer()
        return super().read(ids)

    def extend(self, id: str, *, now: int, by: int, most: int, seen: bool) -> bool:
        self._answer()
        return super().extend(id, now=now, by=by, most=most, seen=seen)

    def shorten(self, id: str, *, by: int) -> None:
        self._answer()
        super().shorten(id, by=by)

    def keep(self, id: str, *, until: int) -> None:
        self._answer()
        super().keep(id, until=until)

    def _answer(self) -> None:
        if self.answers == 0:
            raise TableUnavailable(self.code)
        self.answers -= 1


@dataclass
class Identities:
    """A table of identities with a clock."""

    path: Path
    now: float = NOW
    seconds: float = 0
    """The time of a monotonic clock."""
    table: SqliteTable = field(init=False)

    def __post_init__(self) -> None:
        self.table = SqliteTable(self.path, clock=lambda: self.now)

    def failing(self, answers: int = 0) -> Failing:
        """The same table, which fails after so many calls."""
        found = Failing(self.path, clock=lambda: self.now)
        found.answers = answers
        return found

    def add(self, name: str, *passwords: str | StoredPassword, **attributes: object) -> None:
        """Adds a user."""
        found = tuple(stored(each) if isinstance(each, str) else each for each in passwords)
        self.table.write(to_item(User(name, found, **attributes)))  # type: ignore[arg-type]

    def revoke(self, revocation: Revocation) -> None:
        """Adds a revocation."""
        self.table.write(revocations.to_item(revocation))

    def passwords(self, table: SqliteTable | None = None) -> TablePasswords:
        """The verifier of its passwords."""
        return TablePasswords(table or self.table, GuessingLimits(), clock=lambda: self.now)
