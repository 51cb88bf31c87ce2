"""Connections of blocking clients to the server: a socket, TLS, a WebSocket on either."""

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

PATIENCE = 10.0
"""Seconds that a test waits for something; it takes a fraction of one."""


class Channel(Protocol):
    """Carries the bytes of MQTT."""

    def send(self, content: bytes) -> None:
        """Sends all of it."""
        ...

    def receive(self) -> bytes:
        """What comes next; nothing at the end."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class SocketChannel:
    """A stream socket, of TLS or not."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def receive(self) -> bytes:
        try:
            return self.socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def receive_all(self) -> bytes:
        """All until the end."""
        found = bytearray()
        while chunk := self.receive():
            found += chunk
        return bytes(found)

    def close(self) -> None:
        self.socket.close()


def connected_to(port: int, receive_buffer: int | None = None) -> socket.socket:
    """A socket that is connected to a port of this machine, and takes as much as its buffer, in bytes, has room for."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(("127.0.0.1", port))
    except OSError:
        connection.close()
        raise
    return connection


def wrapped(
    connection: socket.socket, ca: Path | None, alpn: Sequence[str] = (), server_name: str | None = "localhost"
) -> ssl.SSLSocket:
    """TLS on a socket of a client that trusts a CA. Without a server name, the client sends none."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = server_name is not None
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context.wrap_socket(connection, server_hostname=server_name)


class WebSocketChannel:
    """A WebSocket; its bytes are those of binary messages."""

    def __init__(
        self,
        below: SocketChannel,
        path: str = "/mqtt",
        headers: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = ("mqtt",),
    ) -> None:
        self.below = below
        self.protocol = ClientProtocol(
            parse_uri(f"ws://localhost{path}"), subprotocols=[Subprotocol(name) for name in subprotocols]
        )
        self.frames: list[Frame] = []
        self.response: Response | None = None
        request = self.protocol.connect()
        request.headers = Headers([*request.headers.raw_items(), *headers])
        self.protocol.send_request(request)
        self._pump()
        while self.response is None and self._read():
            pass

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer; None if there was no answer."""
        return self.response.status_code if self.response else None

    @property
    def close_frame(self) -> Close | None:
        """What the server closed it with, after `receive` gave nothing."""
        return self.protocol.close_rcvd

    def send(self, content: bytes) -> None:
        self.protocol.send_binary(content)
        self._pump()

    def send_frames(self, *pieces: bytes) -> None:
        """One message in several frames."""
        self.protocol.send_binary(pieces[0], fin=False)
        for piece in pieces[1:-1]:
            self.protocol.send_continuation(piece, fin=False)
        self.protocol.send_continuation(pieces[-1], fin=True)
        self._pump()

    def receive(self) -> bytes:
        while True:
            while self.frames:
                frame = self.frames.pop(0)
                if frame.opcode in (Opcode.BINARY, Opcode.CONT):
                    return bytes(frame.data)
            if self.protocol.close_rcvd is not None or not self._read():
                return b""

    def close(self) -> None:
        self.below.close()

    def _read(self) -> bool:
        chunk = self.below.receive()
        if chunk:
            self.protocol.receive_data(chunk)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            elif isinstance(event, Frame):
                self.frames.append(event)
        return bool(chunk)

    def _pump(self) -> None:
        content = b"".join(self.protocol.data_to_send())
        if content:
            self.below.send(content)
