"""Tells apart what comes to a port: MQTT, WebSocket, other HTTP."""

import asyncio
import ipaddress
import re
import ssl
from typing import TYPE_CHECKING, cast

from iot_core.authorizers.event import HttpContext, TlsContext
from iot_core.broker.client import Origin
from iot_core.edge.arrival import Arrival, Channel
from iot_core.edge.connection import MqttConnection
from iot_core.edge.websocket import MqttOverWebSocket
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.edge.ports import Ports

_MQTT_ALPN = ("mqtt", "x-amzn-mqtt-ca")
_CONNECT_BYTE = 0x10
_TLS_BYTE = 0x16
"""Begins a TLS handshake (RFC 8446, section 5.1)."""
_LONGEST_HEAD = 32 * 1024
"""Bytes of an HTTP request without its body."""
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Sniffer(asyncio.Protocol):
    """Reads as much as tells what a connection is, then hands it over."""

    def __init__(self, ports: "Ports") -> None:
        self._ports = ports
        self._received = bytearray()
        self._transport: asyncio.Transport
        self._origin: Origin
        self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it.
        source, target = self._address("peername"), self._address("sockname")
        self._origin = Origin(source, target)
        connections = self._ports.connections
        self._deadline = connections.now() + connections.limits.connect_timeout
        self._ports.undecided.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The connection ended before it said what it is."""
        self._ports.undecided.discard(self)

    def check_time(self, now: float) -> None:
        """Ends a connection that says nothing, or too little; `now` in seconds."""
        if now >= self._deadline:
            self._refuse(IotCoreReason.CONNECT_TIMEOUT)

    def abort(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Takes bytes until it is clear what they are."""
        searched = max(0, len(self._received) - 3)
        self._received += data
        first, alpn = self._received[0], self._alpn()
        if alpn in _MQTT_ALPN or (alpn is None and first == _CONNECT_BYTE):
            self._give_room()
            self._hand_over(MqttConnection(self._ports.connections, self._transport, self._arrival()))
        elif first == _TLS_BYTE:
            self._refuse(IotCoreReason.NOT_MQTT, "a TLS handshake: that is for the TLS port")
        elif not 0x41 <= first <= 0x5A:  # No method of HTTP begins so.
            self._refuse(IotCoreReason.NOT_MQTT, "neither MQTT nor HTTP")
        elif (end := self._received.find(b"\r\n\r\n", searched)) >= 0:
            self._hand_over_http(bytes(self._received[: end + 2]), end + 4)
        elif len(self._received) > _LONGEST_HEAD:
            self._transport.write(_TOO_LONG)
            self._refuse(IotCoreReason.NOT_MQTT, f"an HTTP request with a head of more than {_LONGEST_HEAD} bytes")

    def _hand_over_http(self, head: bytes, end: int) -> None:
        """`head` ends with its last header's CRLF; what comes with the request begins at `end`."""
        if head.startswith(b"CONNECT ") and not self._is_local():  # Behind the proxy, all would come from this machine.
            self._transport.write(_FORBIDDEN)
            self._refuse(IotCoreReason.NOT_MQTT, "the proxy is for this machine alone")
        elif head.startswith(b"CONNECT "):
            early = bytes(self._received[end:])
            self._received.clear()
            self._hand_over(self._ports.tunnel(self._transport, early))
        elif _UPGRADE.search(head):
            self._give_room()
            self._hand_over(MqttOverWebSocket(self._transport, self._admit, self._on_refusal, self._ports.guard.knows))
        else:
            protocol = self._ports.http_connection(self._server_name())
            protocol.connection_made(self._transport)
            self._hand_over(protocol)

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        self._ports.undecided.discard(self)
        self._transport.set_protocol(protocol)
        if self._received:
            protocol.data_received(bytes(self._received))

    def _give_room(self) -> None:
        """Lets a slow client have as much waiting as its limit allows."""
        self._transport.set_write_buffer_limits(high=self._ports.connections.limits.queued_bytes)

    def _admit(self, channel: Channel, http: HttpContext) -> MqttConnection:
        return MqttConnection(self._ports.connections, channel, self._arrival(http))

    def _on_refusal(self, detail: str) -> None:
        self._ports.connections.decisions.refused_bytes(self._origin.source[0], IotCoreReason.NOT_MQTT, detail)

    def _refuse(self, reason: IotCoreReason, detail: str = "") -> None:
        self._ports.undecided.discard(self)
        self._ports.connections.decisions.refused_bytes(self._origin.source[0], reason, detail)
        self._transport.close()

    def _address(self, which: str) -> tuple[str, int]:
        """An end of the connection; it has none any more where the client was quick to leave."""
        try:
            found = self._transport.get_extra_info(which)
        except OSError:
            found = None
        return (found[0], found[1]) if found else ("", 0)

    def _is_local(self) -> bool:
        try:
            return ipaddress.ip_address(self._origin.source[0]).is_loopback
        except ValueError:
            return False

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
        tls = TlsContext.model_construct(server_name=self._server_name()) if self._ssl_object() is not None else None
        return Arrival(self._origin, self._deadline, http, tls)
