"""Messages that wait, as the storage has them: each once, and its places in queues."""

from dataclasses import dataclass

from iot_core.broker.message import Message
from iot_core.broker.stored import pack

PLACE = 256
"""Bytes that each place in a queue counts beside its message, as even that of an empty one takes memory and disk."""

Row = tuple[str | bytes | int | float | None, ...]


@dataclass(slots=True)
class _Kept:
    """Where a message is stored, and in how many queues it waits."""

    row: int
    places: int = 0


class StoredQueues:
    """Counts the places of each message, and collects what changes until it is written.

    No number of a row is used twice, so that all changes of one kind can be written together, which is faster.
    """

    def __init__(self, last_row: int) -> None:
        """`last_row` is the highest number that was used. A message has the number of its first place."""
        self.size = 0
        """Bytes of the messages, each once, and 256 for each place in a queue."""
        self._last_row = last_row
        self._kept: dict[Message, _Kept] = {}
        self._forget_changes()

    @property
    def changed(self) -> bool:
        """Whether something is to be written."""
        return bool(self._added or self._removed)

    def add(self, client_id: str | None, topic_filter: str | None, message: Message, retain: bool) -> int:
        """Keeps a message in one more queue. Gives the row of its place."""
        self._last_row = row = self._last_row + 1
        kept = self._kept.get(message)
        if kept is None:
            kept = self._keep(message, row)
            self._new.append((row, pack(message), message.expires_at))
        kept.places += 1
        self.size += PLACE
        self._added.append((row, client_id, topic_filter, kept.row, retain))
        return row

    def remove(self, row: int, message: Message) -> None:
        """Removes a message from a queue; the message itself where it is in no other one."""
        self._removed.append((row,))
        kept = self._kept[message]
        kept.places -= 1
        self.size -= PLACE
        if not kept.places:
            self._unused.append((kept.row,))
            self.size -= message.size
            del self._kept[message]

    def restore(self, message: Message, message_row: int) -> None:
        """Counts a place that is stored already, of a message in a row."""
        kept = self._kept.get(message)
        if kept is None:
            kept = self._keep(message, message_row)
        kept.places += 1
        self.size += PLACE

    def take_changes(self) -> list[tuple[str, list[Row]]]:
        """What is to be written: statements in their order, each with all its rows. It is forgotten here."""
        changes = [
            ("INSERT INTO message VALUES (?, ?, ?)", self._new),
            ("INSERT INTO queued VALUES (?, ?, ?, ?, ?)", self._added),
            ("DELETE FROM queued WHERE id = ?", self._removed),
            ("DELETE FROM message WHERE id = ?", self._unused),
        ]
        self._forget_changes()
        return [(statement, rows) for statement, rows in changes if rows]

    def _keep(self, message: Message, row: int) -> _Kept:
        self.size += message.size
        kept = self._kept[message] = _Kept(row)
        return kept

    def _forget_changes(self) -> None:
        self._new: list[Row] = []
        """Messages."""
        self._added: list[Row] = []
        """Their places."""
        self._removed: list[Row] = []
        """Places' rows."""
        self._unused: list[Row] = []
        """Messages' rows."""
