"""What is sent to one client."""

from iot_core.edge.arrival import Channel
from iot_core.edge.outbox import Outbox


class Outgoing:
    """The way to a client, on which nothing is sent before it is committed."""

    __slots__ = ("_channel", "_chunks", "_lost", "_outbox", "closed", "slow")

    def __init__(self, channel: Channel, outbox: Outbox) -> None:
        self.slow = False
        """Whether more waits to be sent than a client may have waiting."""
        self.closed = False
        """Whether it ends once all is sent, or has ended."""
        self._channel = channel
        self._outbox = outbox
        self._chunks: list[bytes] = []
        self._lost = False

    def write(self, chunk: bytes) -> None:
        """Sends bytes at the next flush."""
        if not self._chunks:
            self._outbox.add(self)
        self._chunks.append(chunk)

    def flush(self) -> None:
        """Sends what was written, unless the network has lost the client already."""
        chunks = self._chunks
        if self._lost or self._channel.is_closing():
            self._chunks = []
            return
        if chunks:
            self._chunks = []
            self._channel.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if self.closed:
            self._channel.close()

    def close(self) -> None:
        """Ends the connection once all is sent."""
        if not self.closed:
            self.closed = True
            self._outbox.add(self)

    def abort(self) -> None:
        """Ends the connection without sending what was written."""
        self.closed = True
        self._chunks = []
        self._channel.abort()

    def lose(self) -> None:
        """The connection is gone: nothing can be sent any more."""
        self.closed = self._lost = True
