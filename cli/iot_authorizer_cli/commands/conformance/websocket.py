"""A client of MQTT over WebSocket, with any query string and headers in its upgrade request."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from ssl import SSLSocket
from types import MappingProxyType

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from iot_authorizer_cli.commands.conformance.checks import Clients, NotConnected
from iot_authorizer_cli.commands.conformance.wire import Endpoint, Wire, connect_packet, connect_tls, described
from iot_core.mqtt import Connack

_MOST = 65_536
_SWITCHING = 101
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")


class WebSocket:
    """A stream of MQTT over WebSocket."""

    def __init__(self, endpoint: Endpoint, query: str, headers: Mapping[str, str], subprotocol: str | None) -> None:
        """Sends the upgrade request. Raises OSError, also for a 101 that does not begin a WebSocket."""
        offered = None if subprotocol is None else [Subprotocol(subprotocol)]
        uri = parse_uri(f"wss://{endpoint.address}/mqtt{f'?{query}' if query else ''}")
        self._protocol = ClientProtocol(uri, subprotocols=offered)
        self._socket: SSLSocket = connect_tls(endpoint, None)
        self._received = bytearray()
        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        self._send()
        self.status = self._status()
        """The status of the answer; 0 if the connection was closed without one."""
        if self.status == _SWITCHING and (problem := self._protocol.handshake_exc) is not None:
            self.close()
            raise OSError(f"101, but no WebSocket: {problem}")

    def sendall(self, content: bytes) -> None:
        """Sends bytes in one message. Raises OSError."""
        self._protocol.send_binary(content)
        self._send()

    def recv(self, most: int) -> bytes:
        """The next bytes; empty at the end. Raises OSError, TimeoutError."""
        while not self._received and self._protocol.close_rcvd is None and self._read():
            pass
        found = bytes(self._received[:most])
        del self._received[:most]
        return found

    def close(self) -> None:
        """Closes the connection without a closing handshake."""
        self._socket.close()

    def _status(self) -> int:
        """Reads the status; of 101, also the rest of the answer. A refusal need not end."""
        head = b""
        while (found := _STATUS.match(head)) is None or (int(found[1]) == _SWITCHING and self._is_upgrading):
            if not (content := self._read()):
                return 0
            head += content
        return int(found[1])

    @property
    def _is_upgrading(self) -> bool:
        return self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None

    def _read(self) -> bytes:
        """Reads once; empty at the end."""
        content = self._socket.recv(_MOST)
        self._protocol.receive_data(content) if content else self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT):
                self._received += event.data
        self._send()
        return content

    def _send(self) -> None:
        self._socket.sendall(b"".join(self._protocol.data_to_send()))


@contextmanager
def connected_over_websocket(clients: Clients, query: str, **fields: object) -> Iterator[Wire]:
    """A connected client, as `answer_over_websocket` makes one. Raises NotConnected."""
    with closing(WebSocket(clients.endpoint, query, {}, "mqtt")) as stream:
        if stream.status != _SWITCHING:
            raise NotConnected(str(stream.status or "closed"))
        with _connecting(clients, stream, fields) as wire:
            found = wire.read()
            if not isinstance(found, Connack) or found.reason_code:
                raise NotConnected(described(found))
            yield wire


def answer_over_websocket(
    clients: Clients,
    query: str,
    headers: Mapping[str, str] = MappingProxyType({}),
    subprotocol: str | None = "mqtt",
    **fields: object,
) -> str:
    """The status of an upgrade, and after 101 what a CONNECT is answered.

    `fields` are those of the CONNECT, which has no other credentials.
    """
    with closing(WebSocket(clients.endpoint, query, headers, subprotocol)) as stream:
        if stream.status != _SWITCHING:
            return str(stream.status or "closed")
        with _connecting(clients, stream, fields) as wire:
            return f"{stream.status}, {described(wire.read())}"


def _connecting(clients: Clients, stream: WebSocket, fields: Mapping[str, object]) -> Wire:
    """A client that has sent its CONNECT."""
    given = {"user_name": None, "password": None, **fields}
    wire = Wire(clients.endpoint, clients.version, stream)
    wire.send(connect_packet(clients.endpoint, clients.version, clients.client_id(), **given))
    return wire
