"""The interface of tables of identities; DynamoDB and SQLite implement it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

Item = dict[str, object]
"""What a table stores under one ID: str, int, bool, None, and lists and dicts of them.

`id` (str) is the key. The table sets `revision` (int), which starts at 1. `expires_at` (int, seconds since 1970) is
optional: from that time on, no table returns the item, and it is deleted some time later.
"""


class TableUnavailable(Exception):
    """The table did not answer in time, throttled or denied the request, or does not exist.

    The text is an error code or SQLite's message, never stored data.
    """


class TableBusy(TableUnavailable):
    """The table throttled the request; it may answer a little later."""


class ItemExists(Exception):
    """An item with this ID exists already."""


class ItemChanged(Exception):
    """The stored item is not the one that was read: it was written or deleted meanwhile."""


class Counters(Protocol):
    """The methods of a table that count. Each raises TableUnavailable."""

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
    """Items by ID. Threads may share a table. Each method raises TableUnavailable.

    ValueError means that DynamoDB's limits are exceeded (`iot_identities.item_limits`), TypeError that it is no item.
    """

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Reads at most 100 items in one round trip, as they were last written. Missing items are left out."""
        ...

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item under its ID and replaces what is there. The options guard against losing data.

        `new`: raises ItemExists if the ID is taken. `replacing`: the item as it was read; raises ItemChanged unless the
        stored one has the same `revision`. Neither is raised if the stored item is equal to this one: a request whose
        answer was lost is sent again.
        """
        ...

    def delete(self, id: str) -> None:
        """Removes an item if it exists."""
        ...

    def count(self, id: str, *, at: int, forget_at: int, seen: int | None = None) -> int:
        """Adds 1 to an item's `count`, atomically, and returns the new count. A missing item counts as 0.

        Sets `last` to `at` and `expires_at` to `forget_at`, both in seconds since 1970. With `seen`, raises ItemChanged
        unless the count is exactly that (0: the item is missing). A request whose answer was lost is sent again:
        without `seen`, the count can then be one too high but never too low; with `seen`, ItemChanged can be raised.
        """
        ...

    def recount(self, id: str, *, counted: int, to: int, last: int, forget_at: int) -> bool:
        """Sets an item's `count`, `last` and `expires_at` and returns True.

        Changes nothing and returns False if the count is no longer `counted`.
        """
        ...

    def uncount(self, id: str) -> None:
        """Subtracts 1 from an item's `count`, atomically, if the item exists and its count is not 0."""
        ...

    def items(self, prefix: str) -> Iterator[Item]:
        """All items whose ID has this prefix, in no order, page by page. Reads the whole table."""
        ...
