"""Bytes on their way out: nothing is acknowledged before it is stored."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from iot_core.broker.storage import Storage, StorageError

_logger = logging.getLogger(__name__)


class Sender(Protocol):
    """A connection with bytes to send."""

    def flush(self) -> None:
        """Sends what was written."""
        ...

    def abort(self) -> None:
        """Ends the connection without sending any of it."""
        ...


class Outbox:
    """Collects the connections that have something to send, until the changes behind it are committed."""

    def __init__(self, storage: Storage, on_failure: Callable[[StorageError], None]) -> None:
        self._storage = storage
        self._on_failure = on_failure
        self._senders: list[Sender] = []
        self._scheduled = False

    def add(self, sender: Sender) -> None:
        """A connection has something to send: at the next flush, or else in the loop's next turn."""
        self._senders.append(sender)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_scheduled)

    def flush(self) -> None:
        """Commits, then sends. Where nothing can be stored, those who wait are ended unanswered."""
        with contextlib.suppress(StorageError):
            self.commit()

    def commit(self) -> None:
        """The same, for who acknowledges by other means. Raises StorageError where nothing can be stored."""
        senders, self._senders = self._senders, []
        if self._storage.changed:
            try:
                self._storage.commit()
            except StorageError as error:
                for sender in senders:
                    sender.abort()
                self._on_failure(error)
                raise
        for sender in senders:
            try:
                sender.flush()
            except Exception:  # One that can't be sent to must not cost the others what they are sent.
                _logger.exception("a connection can't be sent to")
                sender.abort()

    def _flush_scheduled(self) -> None:
        self._scheduled = False
        self.flush()
