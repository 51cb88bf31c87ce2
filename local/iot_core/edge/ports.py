"""The plain port and the TLS port; each serves MQTT, MQTT over WebSocket, and HTTP.

1. Each new connection begins as a `ProtocolSniffer`, which hands it over to its protocol.
2. Connections that show no protocol in time, and HTTP requests that take too long, are ended.
3. At the end, the ports close first, then the MQTT connections end with a DISCONNECT. Clients have a moment to read
   what was sent to them; then everything that is still open is aborted.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from iot_core.core import IotCore
from iot_core.edge.host_check import HostNames
from iot_core.edge.sniffing import Protocols, ProtocolSniffer
from iot_core.edge.tls import ServerTls
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:  # It is loaded for the first HTTP request.
    from iot_core.edge.http_connection import HttpServer

_PATIENCE = 1.0
"""Seconds that clients have, at the end, to read what was sent to them."""


class _Open(Protocol):
    def abort(self) -> None: ...


class PortUnavailable(OSError):
    """A port that the server cannot listen on."""

    def __init__(self, error: OSError, host: str, number: int, *, tls: bool) -> None:
        super().__init__(error.errno, f"port {number} of {host}: {(error.strerror or str(error)).lower()}")
        self.host = host
        self.number = number
        self.tls = tls
        """Whether it is the TLS port."""


class Ports:
    """Listens, and ends connections that take too long."""

    def __init__(
        self,
        core: IotCore,
        host_names: HostNames,
        load_http: "Callable[[], HttpServer]",
        tls: ServerTls,
        own_host: str,
    ) -> None:
        """`load_http` makes the HTTP server for its first request; at `own_host` this machine reaches the TLS port."""
        self._core = core
        self._protocols = Protocols(core, host_names, load_http, tls, (own_host, 0))
        self._servers: list[asyncio.Server] = []
        tls.on_failure(partial(core.decisions.refused_bytes, "", IotCoreReason.TLS_FAILED))

    @property
    def connection_count(self) -> int:
        """How many connections are open, of all protocols."""
        return len(self._open())

    async def listen(self, host: str, port: int, tls_port: int) -> tuple[int, int]:
        """Listens on both ports, and returns their numbers; 0 is any free port. Raises PortUnavailable."""
        loop = asyncio.get_running_loop()
        for number, tls in ((port, None), (tls_port, self._protocols.tls.context)):
            patience = self._core.limits.connect_timeout if tls is not None else None
            try:
                server = await loop.create_server(
                    partial(ProtocolSniffer, self._protocols),
                    host,
                    number,
                    ssl=tls,
                    backlog=2048,
                    ssl_handshake_timeout=patience,
                )
            except OSError as error:
                await self.close()
                raise PortUnavailable(error, host, number, tls=tls is not None) from None
            self._servers.append(server)
        plain, secure = (server.sockets[0].getsockname()[1] for server in self._servers)
        own_host, _ = self._protocols.tls_address
        self._protocols.tls_address = own_host, secure
        return plain, secure

    def check_time(self) -> None:
        """Ends connections that show no protocol in time, and HTTP requests that take too long."""
        now = self._core.clock()
        for connection in list(self._protocols.unknown):
            connection.check_time(now)
        for request in self._protocols.http_connections():
            request.check_time(now)

    async def close(self) -> None:
        """Stops listening, and ends all connections."""
        for server in self._servers:
            server.close()
        for unknown in list(self._protocols.unknown):
            unknown.abort()
        await self._core.connections.close()
        for connection in self._protocols.http_connections():
            connection.transport.close()
        await self._wait_for_ends()

    async def _wait_for_ends(self) -> None:
        """Waits for a short time until all connections are closed, then aborts the others."""
        loop = asyncio.get_running_loop()
        protocols, deadline = self._protocols, loop.time() + _PATIENCE
        while (protocols.http_requests() or self._open()) and loop.time() < deadline:
            await asyncio.sleep(0.005)
        for connection in self._open():
            connection.abort()
        await asyncio.sleep(0)  # Requests must first notice that their client has left.
        requests = protocols.http_requests()
        for task in requests:
            task.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    def _open(self) -> Sequence[_Open]:
        protocols = self._protocols
        http = (connection.transport for connection in protocols.http_connections())
        return [*protocols.unknown, *protocols.tunnels, *self._core.connections, *http]
