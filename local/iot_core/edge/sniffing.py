"""Finds out which protocol a new connection speaks, and hands the connection over.

1. On the TLS port, ALPN can say it: `mqtt` is MQTT, `http/1.1` is HTTP. A connection that IoT Core would authorize only
   by a client certificate, such as one with `x-amzn-mqtt-ca`, is refused: no authorizer must decide about it.
2. Without ALPN, a first byte of 0x10 is the CONNECT of MQTT. 0x16 is a TLS handshake on the wrong port.
3. An uppercase letter begins an HTTP request. Its head is read: CONNECT is for the proxy, `Upgrade: websocket` for MQTT
   over WebSocket, everything else for the HTTP application.
4. A connection that does not show its protocol before the connect timeout is closed.
"""

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from iot_core.authorizers.event import HttpContext, TlsContext
from iot_core.broker.client import Origin
from iot_core.core import IotCore
from iot_core.edge.client_authorization import NetworkContext
from iot_core.edge.connection import MqttConnection
from iot_core.edge.host_check import HostNames
from iot_core.edge.outbox import Channel
from iot_core.edge.proxy import Tunnel
from iot_core.edge.tls import ServerTls, not_for_authorizers
from iot_core.edge.websocket import MqttOverWebSocket
from iot_core.iam.access_keys import IamPrincipal
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:  # It is loaded for the first HTTP request.
    from iot_core.edge.http_connection import HttpConnection, HttpServer

_CONNECT_BYTE = 0x10
_TLS_BYTE = 0x16
"""Begins a TLS handshake (RFC 8446, section 5.1)."""
_LONGEST_HEAD = 32 * 1024
"""Bytes of an HTTP request without its body."""
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Protocols:
    """The protocols of one server, and its connections that are neither MQTT nor HTTP."""

    core: IotCore
    host_names: HostNames
    load_http: "Callable[[], HttpServer]"
    """Makes the HTTP server when the first HTTP request arrives."""
    tls: ServerTls
    tls_address: tuple[str, int]
    """The address at which this machine reaches the TLS port."""
    unknown: "set[ProtocolSniffer]" = field(default_factory=set)
    """Connections that have not shown their protocol."""
    tunnels: set[Tunnel] = field(default_factory=set)
    """Connections through the proxy."""
    _http: "HttpServer | None" = None

    @property
    def http(self) -> "HttpServer":
        """The HTTP server."""
        if self._http is None:
            self._http = self.load_http()
        return self._http

    def http_connections(self) -> "Sequence[HttpConnection]":
        """The open HTTP connections."""
        return () if self._http is None else self._http.connections()

    def http_requests(self) -> "Sequence[asyncio.Task[None]]":
        """The HTTP requests that are being answered."""
        return () if self._http is None else tuple(self._http.requests)


class ProtocolSniffer(asyncio.Protocol):
    """Reads from a new connection until its protocol is known."""

    def __init__(self, protocols: Protocols) -> None:
        self._protocols = protocols
        self._core = protocols.core
        self._received = bytearray()
        self._transport: asyncio.Transport
        self._tls: ssl.SSLObject | None = None
        self._origin: Origin
        self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection begins."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it.
        tls = transport.get_extra_info("ssl_object")
        self._tls = tls if isinstance(tls, ssl.SSLObject) else None
        self._origin = Origin(self._address("peername"), self._address("sockname"))
        self._deadline = self._core.clock() + self._core.limits.connect_timeout
        self._protocols.unknown.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The connection is lost before its protocol is known."""
        self._protocols.unknown.discard(self)

    def check_time(self, now: float) -> None:
        """Ends the connection if it has not shown its protocol in time; `now` in seconds."""
        if now >= self._deadline:
            self._refuse(IotCoreReason.CONNECT_TIMEOUT)

    def abort(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Takes bytes until the protocol is known."""
        searched = max(0, len(self._received) - 3)
        self._received += data
        first = self._received[0]
        alpn = self._tls.selected_alpn_protocol() if self._tls is not None else None
        if self._tls is not None and (
            problem := not_for_authorizers(alpn, self._origin.target[1], mqtt=alpn == "mqtt" or first == _CONNECT_BYTE)
        ):
            self._refuse(IotCoreReason.ALPN_NOT_ALLOWED, problem)
        elif alpn == "mqtt" or (alpn is None and first == _CONNECT_BYTE):
            self._hand_over(self._begin_mqtt(self._transport, None))
        elif first == _TLS_BYTE:
            self._refuse(IotCoreReason.NOT_MQTT, "a TLS handshake: use the TLS port")
        elif not 0x41 <= first <= 0x5A:  # HTTP's methods begin with an uppercase letter.
            self._refuse(IotCoreReason.NOT_MQTT, "neither MQTT nor HTTP")
        elif (end := self._received.find(b"\r\n\r\n", searched)) >= 0:
            self._hand_over_http(bytes(self._received[: end + 2]), end + 4)
        elif len(self._received) > _LONGEST_HEAD:
            self._transport.write(_TOO_LONG)
            detail = f"an HTTP request with a head of more than {_LONGEST_HEAD} bytes"
            self._refuse(IotCoreReason.NOT_MQTT, detail)

    def _hand_over_http(self, head: bytes, end: int) -> None:
        """`head` ends with the last header's CRLF; the bytes after the head begin at `end`."""
        if head.startswith(b"CONNECT "):
            self._hand_over_to_proxy(end)
        elif _UPGRADE.search(head):
            knows = partial(self._protocols.host_names.know, tls=self._tls is not None)
            verify = self._core.signatures.verify_upgrade
            self._hand_over(MqttOverWebSocket(self._transport, self._begin_mqtt, self._refused_upgrade, knows, verify))
        else:
            protocol = self._protocols.http.connection(self._server_name())
            protocol.connection_made(self._transport)
            self._hand_over(protocol)

    def _hand_over_to_proxy(self, end: int) -> None:
        if not self.is_local:  # Through the proxy, each client would have this machine's address.
            self._transport.write(_FORBIDDEN)
            self._refuse(IotCoreReason.NOT_MQTT, "only this machine can use the proxy")
            return
        early = bytes(self._received[end:])
        self._received.clear()
        self._hand_over(Tunnel(self._transport, self._protocols.tls_address, early, self._protocols.tunnels))

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        self._protocols.unknown.discard(self)
        self._transport.set_protocol(protocol)
        if self._received:
            protocol.data_received(bytes(self._received))

    def _begin_mqtt(
        self, channel: Channel, http: HttpContext | None, signed_by: IamPrincipal | None = None
    ) -> MqttConnection:
        # As many bytes wait in the write buffer of a slow client as in its queue.
        self._transport.set_write_buffer_limits(high=self._core.limits.queued_bytes)
        tls = None if self._tls is None else TlsContext.model_construct(server_name=self._server_name())
        network = NetworkContext(self._origin, http, tls, signed_by)
        return MqttConnection(self._core.connections.endpoint, channel, network, self._deadline)

    def _refused_upgrade(self, reason: IotCoreReason, detail: str) -> None:
        self._core.decisions.refused_bytes(self._origin.source[0], reason, detail)

    def _refuse(self, reason: IotCoreReason, detail: str = "") -> None:
        self._protocols.unknown.discard(self)
        self._core.decisions.refused_bytes(self._origin.source[0], reason, detail)
        self._transport.close()

    def _address(self, end: str) -> tuple[str, int]:
        """The address of one end of the connection; empty if the client has left already."""
        try:
            found = self._transport.get_extra_info(end)
        except OSError:
            found = None
        return (found[0], found[1]) if found else ("", 0)

    @property
    def is_local(self) -> bool:
        """Whether the client is on this machine."""
        try:
            return ipaddress.ip_address(self._origin.source[0]).is_loopback
        except ValueError:
            return False

    def _server_name(self) -> str | None:
        return None if self._tls is None else self._protocols.tls.server_name(self._tls)
