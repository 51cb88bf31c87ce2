"""What happens, for those who watch: decisions, presence, reloads."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

Record = Mapping[str, object]
"""A JSON object with `id` (from 1), `time` (ms since 1970), `kind`, and what belongs to its kind."""

_LONGEST = 256
"""Characters of a text in a record: strangers choose some of them."""
_KEPT = 500
"""Records that are kept, and at most as many wait for a follower that is slow: it misses the oldest."""

Explain = Callable[[], Sequence[str]]
"""Gives the reasons of a decision, the deciding template entry first."""

_logger = logging.getLogger(__name__)


class _Entry:
    """A record whose explanation is looked for when it is first read."""

    __slots__ = ("_explain", "record")

    def __init__(self, record: dict[str, object], explain: Explain | None) -> None:
        self.record = record
        self._explain = explain

    def read(self) -> Record:
        """The record."""
        explain, self._explain = self._explain, None
        if explain is not None:
            try:
                self.record["explanation"] = list(explain())
            except Exception:  # A record without its reasons is better than none.
                _logger.exception("a decision could not be explained")
        return self.record


class Feed:
    """Keeps the last records and hands each new one to every follower."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._entries: deque[_Entry] = deque(maxlen=_KEPT)
        self._followers: set[asyncio.Queue[_Entry]] = set()
        self._count = 0

    def add(self, kind: str, explain: Explain | None = None, **fields: object) -> None:
        """Adds a record; fields that are None or empty are left out, and long texts cut.

        `explain` gives the record's `explanation`. It is asked once somebody reads the record, if ever.
        """
        self._count += 1
        record = {"id": self._count, "time": round(self._clock() * 1000), "kind": kind} | {
            name: _shortened(value) for name, value in fields.items() if value is not None and value not in ("", ())
        }
        entry = _Entry(record, explain)
        self._entries.append(entry)
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(entry)

    def recent(self) -> Iterator[Record]:
        """The last records, oldest first; each is explained when it is taken."""
        return map(_Entry.read, tuple(self._entries))

    async def follow(self, explained: Callable[[Record], bool] = lambda _: True) -> AsyncIterator[Record]:
        """Each record from now on, explained where `explained` says so: that takes about a millisecond."""
        queue: asyncio.Queue[_Entry] = asyncio.Queue(_KEPT)
        self._followers.add(queue)
        try:
            while True:
                entry = await queue.get()
                yield entry.read() if explained(entry.record) else entry.record
        finally:
            self._followers.discard(queue)


def _shortened(value: object) -> object:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value
