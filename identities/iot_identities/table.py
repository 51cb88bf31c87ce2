"""What a table of items does, wherever it is kept."""

from collections.abc import Iterator, Sequence
from typing import Protocol

Item = dict[str, object]
"""What is stored under one ID: str, int, bool, None, and lists and dicts of them.

Always there: `id` (str), the key. Set by the table: `revision` (int), 1 at first. Where it is there, `expires_at` (int,
seconds since 1970) is the time from when on the item counts as gone: no table gives it any more, and it is deleted some
time later.
"""


class TableUnavailable(Exception):
    """The table did not answer in time, was asked too much of, refused, or is not there.

    The text is an error's name or what SQLite says; never what is stored.
    """


class TableBusy(TableUnavailable):
    """The table is asked too much of for now; a little later it may answer."""


class ItemExists(Exception):
    """There is an item with this ID already."""


class ItemChanged(Exception):
    """The stored item is not the one that was read: somebody else wrote or deleted it."""


class Counters(Protocol):
    """Of a table, what counting takes. Each method raises TableUnavailable."""

    def count(self, id: str, *, at: int, forget_at: int, seen: int | None = None) -> int:
        """See `Table.count`."""
        ...

    def recount(self, id: str, *, counted: int, to: int, last: int, forget_at: int) -> bool:
        """See `Table.recount`."""
        ...

    def uncount(self, id: str) -> None:
        """See `Table.uncount`."""
        ...


class Table(Counters, Protocol):
    """Items by ID. Threads may share it. Each method raises TableUnavailable.

    ValueError tells of what DynamoDB has no room for (`iot_identities.item_limits`), and TypeError of what is no item.
    """

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Those of at most 100 items that are there, by ID, as they were last written: one round trip."""
        ...

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item in the place of what has its ID; with one of the options, only where that loses nothing.

        `new`: raises ItemExists where the ID is taken. `replacing`: the item as it was read; raises ItemChanged unless
        the stored one has the same `revision`. Neither is raised where just this is stored: an answer that is lost on
        its way is asked for again.
        """
        ...

    def delete(self, id: str) -> None:
        """Removes an item, where it is there."""
        ...

    def count(self, id: str, *, at: int, forget_at: int, seen: int | None = None) -> int:
        """Adds 1 to `count` of an item, from 0 where it is not there; however many do so at once. Gives the new count.

        Sets `last` to `at` and `expires_at` to `forget_at`, both in seconds since 1970. With `seen`, raises ItemChanged
        unless the count is exactly that (0: the item is not there). An answer that is lost on its way is asked for
        again: without `seen`, it may then be one too many, and never one too few; with it, it may raise ItemChanged.
        """
        ...

    def recount(self, id: str, *, counted: int, to: int, last: int, forget_at: int) -> bool:
        """Sets `count` of an item, its `last` and its `expires_at`, and gives True.

        Where the count is not `counted` any more, something was counted since: changes nothing, and gives False.
        """
        ...

    def uncount(self, id: str) -> None:
        """Takes 1 from `count` of an item, however many do so at once, where it is there and not 0."""
        ...

    def items(self, prefix: str) -> Iterator[Item]:
        """All items whose ID begins so, in no order, page by page. The whole table is read for it."""
        ...
