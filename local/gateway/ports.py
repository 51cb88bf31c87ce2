"""The plain port and the TLS port, each for MQTT, WebSocket and HTTP."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from local.gateway.connections import Connections
from local.gateway.sniffer import Sniffer

AsgiApplication = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


class Ports:
    """Listens, and hands each connection to who speaks its protocol."""

    def __init__(self, connections: Connections, application: AsgiApplication) -> None:
        """`application` answers HTTP. Its `scope["state"]["server_name"]` is the TLS handshake's, None on plain."""
        self.connections = connections
        self.undecided: set[Sniffer] = set()
        """Connections that have not said yet what they are."""
        self.server_names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        """What clients called us in their TLS handshakes."""
        self.tls_address = ("127.0.0.1", 0)
        """Where the proxy leads."""
        self._config = Config(application, ws="none", lifespan="off", log_config=None, access_log=False)
        self._config.load()
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []

    async def listen(self, host: str, port: int, tls_port: int, context: ssl.SSLContext) -> tuple[int, int]:
        """Listens on both ports, 0 for any that is free. Gives the real ones. Raises OSError."""
        context.sni_callback = self._note_server_name
        loop = asyncio.get_running_loop()
        for number, tls in ((port, None), (tls_port, context)):
            try:
                server = await loop.create_server(lambda: Sniffer(self), host, number, ssl=tls, backlog=2048)
            except OSError as error:
                await self.close()
                raise OSError(error.errno, f"port {number} of {host}: {_reason(error)}") from None
            self._servers.append(server)
        plain, secure = (server.sockets[0].getsockname()[1] for server in self._servers)
        local_host = "127.0.0.1" if host in ("0.0.0.0", "") else "::1" if host == "::" else host  # noqa: S104
        self.tls_address = (local_host, secure)
        return plain, secure

    def http_protocol(self, server_name: str | None) -> H11Protocol:
        """A protocol for one HTTP connection."""
        return H11Protocol(self._config, self._state, {"server_name": server_name}, asyncio.get_running_loop())

    def check_time(self) -> None:
        """Ends connections that never said what they are. To be called several times a second."""
        now = self.connections.now()
        for sniffer in list(self.undecided):
            sniffer.check_time(now)

    async def close(self) -> None:
        """Listens no more, and ends HTTP connections."""
        for server in self._servers:
            server.close()
        for protocol in list(self._state.connections):
            protocol.shutdown()
        for task in list(self._state.tasks):
            task.cancel()

    def _note_server_name(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            self.server_names[tls] = name


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
