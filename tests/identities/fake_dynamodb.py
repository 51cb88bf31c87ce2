"""A real HTTP server that answers in DynamoDB's name whatever a test wants."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import Any

Answer = tuple[int, bytes]


class FakeDynamoDb(ThreadingHTTPServer):
    """Gives its answers one after the other, and the last of them for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [answer({})]
        self.asked: list[tuple[str, Any]] = []
        """The operation and the body of each request."""
        self.late = False
        """Whether it answers only after the test."""
        self.arrived = Semaphore(0)
        """Released by each request."""
        self.closing = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]


def answer(body: object) -> Answer:
    return 200, json.dumps(body).encode()


def refusal(code: str, status: int = 400) -> Answer:
    """An error as DynamoDB writes it."""
    return status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret"}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: FakeDynamoDb

    def do_POST(self) -> None:
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

    def log_message(self, *args: Any) -> None:  # noqa: ANN401 (http.server's signature)
        """Says nothing."""


@contextmanager
def fake_dynamodb() -> Iterator[FakeDynamoDb]:
    with FakeDynamoDb() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
