"""Clients of HTTPS, which tell what a request is answered."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urlencode

from iot_authorizer_cli.commands.conformance.checks import Clients
from iot_authorizer_cli.commands.conformance.wire import tls_context

NAME_KEY = "x-amz-customauthorizer-name"
"""The header or parameter that names the authorizer."""
Headers = Mapping[str, str | None]


def ask(
    clients: Clients, method: str, path: str, headers: Headers, body: bytes | None = None, alpn: str | None = None
) -> str:
    """Sends a request with the token, and tells the status. `headers` replace others, and None leaves one out."""
    endpoint = clients.endpoint
    given = {NAME_KEY: endpoint.authorizer, "token": endpoint.token, **headers}
    context = tls_context(endpoint)
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    connection = http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=endpoint.patience, context=context)
    with contextlib.closing(connection):
        connection.request(method, path, body, {name: value for name, value in given.items() if value is not None})
        try:
            return str(connection.getresponse().status)
        except (http.client.HTTPException, ConnectionError):
            return "closed"


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
        self._connection = http.client.HTTPSConnection(
            endpoint.host, endpoint.port, timeout=seconds, context=tls_context(endpoint)
        )
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
        headers = {NAME_KEY: endpoint.authorizer, "token": token or endpoint.token}
        parameters = urlencode({"check": self._clients.asked(self._name), **(query or {})}, quote_via=quote)
        try:
            self._connection.request(method, f"{path}?{parameters}", body, headers)
            answer = self._connection.getresponse()
            return HttpsAnswer(answer.status, answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"not HTTP: {type(error).__name__}") from None

    def publish(self, topic: str, token: str = "") -> int:
        """Publishes with QoS 1, and returns the status. Raises OSError."""
        return self.ask("POST", f"/topics/{quote(topic, safe='')}", {"qos": "1"}, b"hello", token).status


def ask_once(clients: Clients, method: str, path: str, query: Mapping[str, str] | None = None) -> HttpsAnswer:
    """Sends one request on a connection of its own. Raises OSError."""
    with HttpsConnection(clients) as connection:
        return connection.ask(method, path, query)
