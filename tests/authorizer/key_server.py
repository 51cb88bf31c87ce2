"""A real HTTP server for key sets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.authorizer.keys import signing_key


class KeyServer(ThreadingHTTPServer):
    """Answers every request alike, as its attributes say."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = json.dumps({"keys": [signing_key("RS256").jwk()]}).encode()
        self.headers: dict[str, str] = {}
        self.drips = False
        """Whether an answer begins and never ends."""
        self.paths: list[str] = []
        self.closing = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"


class _Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)
        if self.server.drips:
            self.wfile.flush()
            self.server.closing.wait()

    def log_message(self, *args: Any) -> None:  # noqa: ANN401 (http.server's signature)
        """Says nothing."""


@contextmanager
def key_server() -> Iterator[KeyServer]:
    with KeyServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
