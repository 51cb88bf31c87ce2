"""A client of HTTPS, which tells the status that a request gets."""

import contextlib
import http.client
from collections.abc import Mapping

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
