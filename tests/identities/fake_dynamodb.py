"""A real HTTP server that takes DynamoDB's place and gives the answers that a test scripts."""

import json
from contextlib import AbstractContextManager
from threading import Semaphore
from typing import Any

from tests.http_server import Handler, HttpServer, serving

Answer = tuple[int, bytes]


class FakeDynamoDb(HttpServer):
    """Gives its answers one after the other, and the last of them for ever."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.answers: list[Answer] = [answer({})]
        self.asked: list[tuple[str, Any]] = []
        """The operation and the body of each request."""
        self.late = False
        """Whether it answers only after the test."""
        self.arrived = Semaphore(0)
        """Released by each request."""

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]


def answer(body: object) -> Answer:
    return 200, json.dumps(body).encode()


def refusal(code: str, status: int = 400) -> Answer:
    """An error as DynamoDB writes it."""
    return status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret"}).encode()


class _Handler(Handler):
    server: FakeDynamoDb

    def do_POST(self) -> None:  # noqa: N802 (http.server's name)
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((operation, body))
        self.server.arrived.release()
        if self.server.late:
            self.server.closing.wait()
            return
        status, text = self.server.answers[0] if len(self.server.answers) == 1 else self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def fake_dynamodb() -> AbstractContextManager[FakeDynamoDb]:
    return serving(FakeDynamoDb())
