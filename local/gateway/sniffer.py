"""Tells apart what comes to a port: MQTT, WebSocket, other HTTP."""

import asyncio
import re
import ssl
from typing import TYPE_CHECKING, cast

from local.broker.client import Origin
from local.event import HttpContext, TlsContext
from local.gateway.arrival import Arrival, Channel
from local.gateway.connection import MqttConnection
from local.gateway.proxy import Tunnel
from local.gateway.websocket import MqttOverWebSocket

if TYPE_CHECKING:
    from local.gateway.ports import Ports

_MQTT_ALPN = ("mqtt", "x-amzn-mqtt-ca")
_CONNECT_BYTE = 0x10
_LONGEST_HEAD = 64 * 1024
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)


class Sniffer(asyncio.Protocol):
    """Reads as much as tells what a connection is, then hands it over."""

    def __init__(self, ports: "Ports") -> None:
        self._ports = ports
        self._buffer = b""
        self._transport: asyncio.Transport
        self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it.
        self._deadline = self._ports.connections.now() + self._ports.connections.limits.connect_timeout
        self._ports.undecided.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The connection ended before it said what it is."""
        self._ports.undecided.discard(self)

    def check_time(self, now: float) -> None:
        """Ends a connection that says nothing, or too little; `now` in seconds."""
        if now >= self._deadline:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Takes bytes until it is clear what they are."""
        self._buffer += data
        if self._alpn() in _MQTT_ALPN or (self._alpn() is None and self._buffer[0] == _CONNECT_BYTE):
            self._transport.set_write_buffer_limits(high=self._ports.connections.limits.queued_bytes)
            self._hand_over(MqttConnection(self._ports.connections, self._transport, self._arrival()))
            return
        if not 0x41 <= self._buffer[0] <= 0x5A:  # No method of HTTP begins so.
            self._transport.abort()
            return
        head, end, early = self._buffer.partition(b"\r\n\r\n")
        if not end:
            if len(self._buffer) > _LONGEST_HEAD:
                self._transport.abort()
        elif head.startswith(b"CONNECT "):
            self._tunnel(early)
        elif _UPGRADE.search(head + b"\r\n"):
            self._hand_over(MqttOverWebSocket(self._transport, self._admit))
        else:
            protocol = self._ports.http_protocol(self._server_name())
            protocol.connection_made(self._transport)
            self._hand_over(protocol)

    def _tunnel(self, early: bytes) -> None:
        self._buffer = b""
        self._hand_over(Tunnel(self._transport, *self._ports.tls_address, early))

    def _admit(self, channel: Channel, http: HttpContext) -> MqttConnection:
        return MqttConnection(self._ports.connections, channel, self._arrival(http))

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        self._ports.undecided.discard(self)
        self._transport.set_protocol(protocol)
        buffer, self._buffer = self._buffer, b""
        if buffer:
            protocol.data_received(buffer)

    def _ssl_object(self) -> ssl.SSLObject | None:
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    def _alpn(self) -> str | None:
        tls = self._ssl_object()
        return tls.selected_alpn_protocol() if tls is not None else None

    def _server_name(self) -> str | None:
        tls = self._ssl_object()
        return self._ports.server_names.get(tls) if tls is not None else None

    def _arrival(self, http: HttpContext | None = None) -> Arrival:
        source, target = (self._transport.get_extra_info(name)[:2] for name in ("peername", "sockname"))
        tls = TlsContext.model_construct(server_name=self._server_name()) if self._ssl_object() is not None else None
        return Arrival(Origin(source, target), http, tls)
