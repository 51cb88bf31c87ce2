"""The WebSocket client of the checks, against servers that answer in other ways than IoT Core on this machine."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import trustme

from iot_authorizer_cli.commands.conformance.project import read_project
from iot_authorizer_cli.commands.conformance.websocket import WebSocket
from iot_authorizer_cli.commands.conformance.wire import Endpoint


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that a client can connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def endpoint(project: Path, tmp_path: Path, listener: socket.socket) -> Endpoint:
    """The listener as an endpoint, whose certificate authority made `server.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    port, authority_file = listener.getsockname()[1], tmp_path / "ca.pem"
    return read_project(project).endpoint("localhost", port, patience=5, ca=authority_file)


def answer_with(content: bytes, listener: socket.socket, folder: Path, *, stay: bool) -> Thread:
    """Answers one connection with some bytes, and then waits for its end, or closes it."""

    def serve() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        with context.wrap_socket(listener.accept()[0], server_side=True) as connected:
            connected.recv(65_536)
            connected.sendall(content)
            while stay and connected.recv(65_536):
                pass

    thread = Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 403),
        (b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 10\r\n\r\n{", 426),
    ],
    ids=["chunked", "unfinished"],
)
def test_a_refusal_is_known_before_its_end(
    endpoint: Endpoint, listener: socket.socket, tmp_path: Path, content: bytes, status: int
) -> None:
    thread = answer_with(content, listener, tmp_path, stay=True)
    with closing(WebSocket(endpoint, "", {}, "mqtt")) as stream:
        assert stream.status == status
    thread.join()


def test_a_connection_that_is_closed_without_an_answer_has_no_status(
    endpoint: Endpoint, listener: socket.socket, tmp_path: Path
) -> None:
    answer_with(b"", listener, tmp_path, stay=False)
    with closing(WebSocket(endpoint, "", {}, "mqtt")) as stream:
        assert stream.status == 0


def test_a_101_that_begins_no_websocket_is_no_connection(
    endpoint: Endpoint, listener: socket.socket, tmp_path: Path
) -> None:
    answer_with(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", listener, tmp_path, stay=True)
    with pytest.raises(OSError, match="101, but no WebSocket"):
        WebSocket(endpoint, "", {}, "mqtt")
