"""A real HTTP server for key sets."""

import json
from contextlib import AbstractContextManager

from tests.authorizer.keys import signing_key
from tests.http_server import Handler, HttpServer, serving


class KeyServer(HttpServer):
    """Answers every request alike, as its attributes say."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.status = 200
        self.body = json.dumps({"keys": [signing_key("RS256").jwk()]}).encode()
        self.headers: dict[str, str] = {}
        self.drips = False
        """Whether an answer begins and never ends."""
        self.paths: list[str] = []
        self.agents: list[str | None] = []
        """The User-Agent of each request."""

    @property
    def url(self) -> str:
        return f"{super().url}/keys"


class _Handler(Handler):
    server: KeyServer

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        self.server.paths.append(self.path)
        self.server.agents.append(self.headers["User-Agent"])
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)
        if self.server.drips:
            self.wfile.flush()
            self.server.closing.wait()


def key_server() -> AbstractContextManager[KeyServer]:
    return serving(KeyServer())
