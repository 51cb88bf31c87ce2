"""An HTTP CONNECT proxy that connects each client to this server's TLS port, and ignores the host that it names.

AWS's Python SDK always connects its MQTT 3.1.1 client to port 443; through a proxy it reaches another port.
"""

import asyncio


class _Far(asyncio.Protocol):
    """The connection to the TLS port."""

    def __init__(self, near: asyncio.Transport) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        self._near.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        self._near.close()

    def pause_writing(self) -> None:
        self._near.pause_reading()

    def resume_writing(self) -> None:
        self._near.resume_reading()


class Tunnel(asyncio.Protocol):
    """Carries bytes between a client and the TLS port."""

    def __init__(
        self, transport: asyncio.Transport, address: tuple[str, int], early: bytes, tunnels: "set[Tunnel]"
    ) -> None:
        """`address` is the TLS port's, `early` what the client sent after its request.

        `tunnels` holds the open tunnels.
        """
        self._near = transport
        self._far: asyncio.Transport | None = None
        self._early = early
        self._tunnels = tunnels
        tunnels.add(self)
        transport.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(self._open(*address))

    def data_received(self, data: bytes) -> None:
        """Passes a client's bytes on."""
        if self._far is not None:
            self._far.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The client's connection is lost."""
        self._opening.cancel()
        if self._far is not None:
            self._far.close()
        self._tunnels.discard(self)

    def pause_writing(self) -> None:
        """The client's write buffer is full."""
        if self._far is not None:
            self._far.pause_reading()

    def resume_writing(self) -> None:
        """The client's write buffer has room again."""
        if self._far is not None:
            self._far.resume_reading()

    def abort(self) -> None:
        """Ends the tunnel now."""
        self._near.abort()

    async def _open(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._far, _ = await loop.create_connection(lambda: _Far(self._near), host, port)
        except OSError:
            self._near.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            self._near.close()
            return
        self._near.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self._early:
            self._far.write(self._early)
        self._near.resume_reading()
