"""Endpoints that are not `iot-authorizer dev`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from tests.http_server import Handler, HttpServer, serving


class Endpoint(HttpServer):
    """Answers each request with the same content, and keeps the requests."""

    def __init__(self, content: bytes, status: int, error: str | None) -> None:
        super().__init__(_Answering)
        self.content = content
        self.status = status
        self.error = error
        """The error type in AWS's header."""
        self.asked: list[str] = []
        """Method and path of each request."""


class _Answering(Handler):
    server: Endpoint

    def do_GET(self) -> None:  # noqa: N802 (the name that the library calls)
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        if self.server.error is not None:
            self.send_header("x-amzn-ErrorType", self.server.error)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    do_DELETE = do_GET  # noqa: N815 (the name that the library calls)


@contextmanager
def answering(content: bytes, status: int = 200, error: str | None = None) -> Iterator[Endpoint]:
    """Runs an endpoint with one answer."""
    with serving(Endpoint(content, status, error)) as endpoint:
        yield endpoint


@contextmanager
def dripping(every: float | None) -> Iterator[str]:
    """Runs an endpoint that sends a byte every so many seconds, or nothing, and never ends its answer."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threads = [Thread(target=_drip, args=(listening, every, over))]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            threads[0].join()


def _drip(listening: socket.socket, every: float | None, over: Event) -> None:
    clients: list[Thread] = []
    while not over.is_set():
        client, _ = listening.accept()
        clients.append(Thread(target=_drip_on, args=(client, every, over)))
        clients[-1].start()
    for thread in clients:
        thread.join()


def _drip_on(client: socket.socket, every: float | None, over: Event) -> None:
    with client:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"
        try:
            client.sendall(b"" if every is None else head)
            while not over.wait(every):
                client.sendall(b"[")
        except OSError:  # The client closed its connection.
            over.wait()
