"""Changes one item of a table. Two writers at the same time do not lose each other's changes.

1. A change reads the item, and writes it only if the stored one still has the same revision. Otherwise another writer
   was faster, and the change begins again with what that one wrote.
2. So the function that makes the change may be called several times, each time with the item as it is now.
3. Each time that a change begins again, another one has succeeded. After MOST_ATTEMPTS, something is wrong.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from iot_identities.table import Item, ItemChanged, ItemExists, Table

MOST_ATTEMPTS = 20
Changed = TypeVar("Changed", Item, Item | None)


class ItemKeepsChanging(Exception):
    """Other writers changed the item at each attempt."""


def change_item(
    table: Table, id: str, how: Callable[[Item | None], Changed], *, part: Sequence[str] | None = None
) -> Changed:
    """Stores what `how` returns for an item, and returns it.

    `how` gets None for a missing item. If it returns None, nothing is stored. With `part`, only
    these attributes of the item are read and written, unless it is missing. Raises ItemKeepsChanging, and what `how`
    and the table raise.
    """
    for _ in range(MOST_ATTEMPTS):
        before = table.read([id]).get(id) if part is None else table.read_part(id, part)
        after = how(before)
        if after is None:
            return after
        try:
            if before is None:
                table.write(after, new=True)
            elif part is None:
                table.write(after, replacing=before)
            else:
                table.write_part(after, replacing=before)
        except (ItemChanged, ItemExists):
            continue
        return after
    raise ItemKeepsChanging(id)
