"""Sends bytes to clients. Nothing is acknowledged before it is stored.

1. `Outgoing` collects the bytes for one client. With its first bytes it joins the outbox.
2. The first client that joins the outbox schedules one flush, after everything that the event loop has ready. So
   packets that come at the same time share one transaction. Only after many bytes from clients, and after each
   SUBSCRIBE, the outbox is flushed at once: otherwise a full network could not slow anything down. (The bytes to send
   are not counted: that would cost a tenth of the throughput.)
3. A flush commits what changed, then sends each client its bytes.
4. If the commit fails, each client of this flush is disconnected without its bytes: they could acknowledge something
   that is lost.
5. Code that acknowledges over HTTP calls `commit` itself. A change without any bytes to send is stored with the next
   flush, at the latest when the time is checked (four times a second).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from iot_core.broker.storage import Storage, StorageError

MOST_RECEIVED = 64 * 1024
"""Bytes that clients may send before a connection flushes the outbox at once."""

_logger = logging.getLogger(__name__)


class Channel(Protocol):
    """Carries the bytes of one MQTT connection: an asyncio transport, or a WebSocket on one."""

    def write(self, chunk: bytes) -> None:
        """Sends bytes, or keeps them until it can."""

    def close(self) -> None:
        """Ends the connection after everything is sent."""

    def abort(self) -> None:
        """Ends the connection now."""

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""

    def pause_reading(self) -> None:
        """Stops reading from the network."""

    def resume_reading(self) -> None:
        """Reads from the network again."""

    def get_write_buffer_size(self) -> int:
        """How many bytes wait until they can be sent."""


class Sender(Protocol):
    """Has bytes to send after a commit."""

    def flush(self) -> None:
        """Sends what was written."""

    def abort(self) -> None:
        """Ends the connection without sending it."""


class Outbox:
    """The clients with bytes to send, until the changes behind these bytes are committed."""

    def __init__(self, storage: Storage, on_failure: Callable[[StorageError], None]) -> None:
        """`on_failure` is called if a commit fails."""
        self._storage = storage
        self._on_failure = on_failure
        self._senders: list[Sender] = []
        self.received = 0
        """Bytes that clients sent since the last flush, counted by the connections."""

    def add(self, sender: Sender) -> None:
        """Flushes a sender after everything that the event loop has ready."""
        if not self._senders:
            asyncio.get_running_loop().call_soon(self.flush)
        self._senders.append(sender)

    def flush(self) -> None:
        """Commits, then sends. If the commit fails, the senders are aborted."""
        try:  # noqa: SIM105 (`suppress` would cost each flush 0.3 microseconds)
            self.commit()
        except StorageError:
            pass

    def commit(self) -> None:
        """Commits, then sends. Raises StorageError if the commit fails; the senders are aborted then."""
        senders, self._senders, self.received = self._senders, [], 0
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
            except Exception:  # If sending to one client fails, the others must still get their bytes.
                _logger.exception("bytes could not be sent to a client")
                sender.abort()


class Outgoing:
    """The bytes for one client. It is the broker's outlet."""

    __slots__ = ("_channel", "_chunks", "_lost", "_outbox", "closed", "slow")

    def __init__(self, channel: Channel, outbox: Outbox) -> None:
        self.slow = False
        """Whether the network's write buffer is full."""
        self.closed = False
        """Whether the connection ends after everything is sent, or has ended."""
        self._channel = channel
        self._outbox = outbox
        self._chunks: list[bytes] = []
        self._lost = False

    @property
    def unsent(self) -> int:
        """How many bytes wait for the client: in the network's write buffer, and for the next flush."""
        return self._channel.get_write_buffer_size() + sum(map(len, self._chunks))

    def write(self, chunk: bytes) -> None:
        """Sends bytes with the next flush."""
        if not self._chunks:
            self._outbox.add(self)
        self._chunks.append(chunk)

    def flush(self) -> None:
        """Sends what was written, unless the network connection is lost."""
        chunks, self._chunks = self._chunks, []
        if self._lost or self._channel.is_closing():
            return
        if chunks:
            self._channel.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if self.closed:
            self._channel.close()

    def close(self) -> None:
        """Ends the connection after everything is sent."""
        if not self.closed:
            self.closed = True
            self._outbox.add(self)

    def abort(self) -> None:
        """Ends the connection without sending what was written."""
        self.closed = True
        self._chunks = []
        self._channel.abort()

    def lose(self) -> None:
        """Ends the connection because the network lost it: nothing can be sent any more."""
        self.closed = self._lost = True
