"""The plain port and the TLS port, each for MQTT, WebSocket and HTTP."""

import asyncio
import errno
import ssl
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

from uvicorn import Config
from uvicorn.server import ServerState

from iot_core.edge.connections import Connections
from iot_core.edge.guard import Guard
from iot_core.edge.handshake import tell_failures
from iot_core.edge.http_connection import HttpConnection
from iot_core.edge.proxy import Tunnel
from iot_core.edge.sniffer import Sniffer
from iot_core.reasons import IotCoreReason

_PATIENCE = 1.0
"""Seconds in which connections may take what was sent to them, at the end."""


class _Ending(Protocol):
    def abort(self) -> None: ...


class Ports:
    """Listens, and hands each connection to who speaks its protocol."""

    def __init__(self, connections: Connections, application: Guard, own_host: str) -> None:
        """`application` answers HTTP; `own_host` is what this machine reaches the TLS port by."""
        self.connections = connections
        self.guard = application
        self.undecided: set[Sniffer] = set()
        """Connections that have not said yet what they are."""
        self.server_names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        """What clients called us in their TLS handshakes."""
        # What a client says of who it is (X-Forwarded-For) counts for nothing: it would be its source IP in policies.
        self._config = Config(
            application, http="h11", ws="none", lifespan="off", proxy_headers=False, log_config=None, access_log=False
        )
        self._config.load()
        self._state = ServerState()
        self._tunnels: set[Tunnel] = set()
        self._own_host = own_host
        self._tls_port = 0
        self._servers: list[asyncio.Server] = []

    async def listen(self, host: str, port: int, tls_port: int, context: ssl.SSLContext) -> tuple[int, int]:
        """Listens on both ports, 0 for any that is free. Gives the real ones.

        Raises OSError, which names the option of the command line.
        """
        context.sni_callback = self._note_server_name
        tell_failures(context, partial(self.connections.decisions.refused_bytes, "", IotCoreReason.TLS_FAILED))
        loop = asyncio.get_running_loop()
        for option, number, tls in (("--port", port, None), ("--tls-port", tls_port, context)):
            patience = self.connections.limits.connect_timeout if tls is not None else None
            try:
                server = await loop.create_server(
                    lambda: Sniffer(self), host, number, ssl=tls, backlog=2048, ssl_handshake_timeout=patience
                )
            except OSError as error:
                await self.close()
                raise OSError(error.errno, f"port {number} of {host}{_reason(error, option, number)}") from None
            self._servers.append(server)
        plain, secure = (server.sockets[0].getsockname()[1] for server in self._servers)
        self._tls_port = secure
        return plain, secure

    def http_connection(self, server_name: str | None) -> HttpConnection:
        """A protocol for one HTTP connection, with the TLS handshake's server name."""
        return HttpConnection(self._config, self._state, server_name)

    def tunnel(self, transport: asyncio.Transport, early: bytes) -> Tunnel:
        """A protocol that leads a connection to the TLS port; `early` is what the client sent already."""
        tunnel = Tunnel(transport, self._own_host, self._tls_port, early, self._tunnels.discard)
        self._tunnels.add(tunnel)
        return tunnel

    def check_time(self) -> None:
        """Ends connections that never said what they are or want. To be called several times a second."""
        now = self.connections.now()
        for sniffer in list(self.undecided):
            sniffer.check_time(now)
        for connection in self._http_connections():
            connection.check_time(now)

    async def close(self) -> None:
        """Listens no more, and ends all connections."""
        for server in self._servers:
            server.close()
        for undecided in list(self.undecided):
            undecided.abort()
        await self.connections.close()
        for connection in self._http_connections():
            connection.transport.close()
        await self._wait_for_ends()

    async def _wait_for_ends(self) -> None:
        """Waits until all are told and gone, for a while."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while (self._state.tasks or self._open()) and loop.time() < deadline:
            await asyncio.sleep(0.005)
        for connection in self._open():
            connection.abort()
        await asyncio.sleep(0)  # Requests learn first that their client is gone.
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    def _open(self) -> list[_Ending]:
        http = (connection.transport for connection in self._http_connections())
        return [*self.undecided, *self._tunnels, *self.connections, *http]

    def _http_connections(self) -> list[HttpConnection]:
        return [each for each in self._state.connections if isinstance(each, HttpConnection)]

    def _note_server_name(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            self.server_names[tls] = name


def _reason(error: OSError, option: str, port: int) -> str:
    """What keeps us from a port, and what helps."""
    found = (error.strerror or str(error)).lower()
    if error.errno == errno.EADDRINUSE:
        return f" is in use: is `iot-authorizer dev` running already? {option} names another port"
    if error.errno == errno.EACCES:  # Linux, Documentation/networking/ip-sysctl.rst.
        allowed = f"`sudo sysctl net.ipv4.ip_unprivileged_port_start={port}` allows it on Linux"
        return f": {found}: below 1024 it needs root or CAP_NET_BIND_SERVICE ({allowed}); {option} names another port"
    return f": {found}"
