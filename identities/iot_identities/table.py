"""The interface of tables of identities; DynamoDB and SQLite implement it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

Item = dict[str, object]
"""What a table stores under one ID: str, int, bool, None, and lists and dicts of them.

`id` (str) is the key. `write` sets `revision` (int): of a new item the time, in microseconds since 1970, and with each
change the next number. `expires_at` (int, seconds since 1970) is optional: from that time on, no table returns the
item, and it is deleted some time later.
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


class Table(Protocol):
    """Items by ID. Threads may share a table. Each method raises TableUnavailable.

    ValueError means that DynamoDB's limits are exceeded (`iot_identities.item_limits`), TypeError that it is no item.
    """

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Reads at most 100 items in one round trip, as they were last written. Missing items are left out."""
        ...

    def read_part(self, id: str, names: Sequence[str]) -> Item | None:
        """Reads some attributes of an item, and `id`, `revision` and `expires_at`; None for a missing item."""
        ...

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item under its ID and replaces what is there. The options guard against losing data.

        `new`: raises ItemExists if the ID is taken. `replacing`: the item as it was read; raises ItemChanged unless the
        stored one has the same `revision`. Neither is raised if the stored item is equal to this one (if it is new,
        with any revision): a request whose answer was lost is sent again.
        """
        ...

    def write_some(self, writes: Sequence[tuple[Item, Item | None]]) -> Sequence[bool]:
        """Stores the first of some items, and as many of the next ones as the table can in the same transaction.

        Each item comes with the one that it replaces, as it was read; None for a new item. Returns for each item that
        was tried, in their order, whether it is stored now: it is not if `write` would raise ItemExists or ItemChanged.
        """
        ...

    def write_part(self, changes: Item, *, replacing: Item) -> None:
        """Changes the attributes of an item that `changes` has, beside its `id`. The others stay.

        `replacing`: the item, or its part, as it was read. Raises ItemChanged as `write` does.
        """
        ...

    def delete(self, id: str) -> None:
        """Removes an item if it exists."""
        ...

    def extend(self, id: str, *, now: int, by: int, most: int, seen: bool) -> bool:
        """Moves an item's `expires_at` by `by` seconds, atomically, and returns True. A missing item begins at `now`.

        Changes nothing and returns False if it would then be later than `most` seconds after `now`. `seen` says whether
        the item was found when it was read: if it is wrong, DynamoDB needs a second request, or the answer is False. A
        request whose answer was lost is sent again: the item can then be extended twice.
        """
        ...

    def shorten(self, id: str, *, by: int) -> None:
        """Takes `by` seconds off an item's `expires_at`, atomically, if the item exists.

        A request whose answer was lost is sent again: the item can then be shortened twice.
        """
        ...

    def keep(self, id: str, *, until: int) -> None:
        """Sets an item's `expires_at`, in seconds since 1970. A missing item is made."""
        ...

    def within(self, seconds: float) -> "Table":
        """The same table, for one decision: its calls together take at most 1.4 s (DynamoDB) longer than `seconds`."""
        ...

    def items(self, prefix: str) -> Iterator[Item]:
        """All items whose ID has this prefix, in no order, page by page. Reads the whole table."""
        ...
