"""Requests over HTTPS on one connection, and what they are answered."""

import http.client
import json
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urlencode

from iot_authorizer_cli.commands.conformance.checks import Clients


class HttpsAnswer(NamedTuple):
    """What a request is answered."""

    status: int
    body: bytes

    @property
    def content(self) -> Mapping[str, object]:
        """The fields of a JSON object that have a value; none of another body."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return {name: value for name, value in found.items() if value is not None} if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        """The text of an error."""
        return str(self.content.get("message", ""))


class HttpsConnection:
    """A connection on which a client of a check sends requests."""

    def __init__(self, clients: Clients, name: str = "a", patience: float | None = None) -> None:
        """Connects. `name` is that of the client, and `patience` how many seconds it waits. Raises OSError."""
        self._clients = clients
        self._name = name
        endpoint = clients.endpoint
        seconds = endpoint.patience if patience is None else patience
        if endpoint.tls:
            context = ssl.create_default_context(cafile=endpoint.ca)
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                endpoint.host, endpoint.port, timeout=seconds, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=seconds)
        self._connection.connect()
        self._connection.auto_open = 0  # A request on another connection would be another question.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self._connection.close()

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes = b"", token: str = ""
    ) -> HttpsAnswer:
        """Sends a request with the check's token, or another one. Raises OSError."""
        endpoint = self._clients.endpoint
        headers = {"x-amz-customauthorizer-name": endpoint.authorizer, "token": token or endpoint.token}
        parameters = urlencode({"check": self._clients.asked(self._name), **(query or {})}, quote_via=quote)
        try:
            self._connection.request(method, f"{path}?{parameters}", body, headers)
            answer = self._connection.getresponse()
            return HttpsAnswer(answer.status, answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"not HTTP: {type(error).__name__}") from None

    def publish(self, topic: str, payload: bytes = b"hello", token: str = "", **query: str) -> int:
        """Publishes with QoS 1, and returns the status."""
        return self.ask("POST", f"/topics/{quote(topic, safe='')}", {"qos": "1", **query}, payload, token).status


def ask(
    clients: Clients, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes = b""
) -> HttpsAnswer:
    """Sends one request on a connection of its own. Raises OSError."""
    with HttpsConnection(clients) as connection:
        return connection.ask(method, path, query, body)
