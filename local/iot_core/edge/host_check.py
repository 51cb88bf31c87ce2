"""The host check: refuses HTTP requests of other web pages, because HTTP mints tokens and configures authorizers.

1. The Host header must name this server: `localhost`, an IP address, or one of its own names, which are also those of
   the user's own certificate. So a name that an attacker's DNS points to this machine (DNS rebinding) gets no answer.
2. On the TLS port it can also be an endpoint of IoT Core, for clients that reach this server through a proxy. A browser
   that is led there by DNS gets no page of another server with such a name: it needs a certificate for it.
3. The request target must be a path, so that no other place of a request can name a host.
4. The Origin header, if there is one, must be this server, except for operations that are open to all pages.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_AWS = re.compile(r"([a-z0-9-]+\.)*iot(-fips)?\.[a-z]+(-[a-z]+)+-[0-9]+\.(amazonaws\.com(\.cn)?|api\.aws)")
"""IoT Core's endpoints: in China under `.cn`, with IPv6 under `api.aws` (AWS General Reference)."""
_HOST = re.compile(r"(\[(?P<address>[0-9a-f:.%]+)\]|(?P<name>[^:/?#@\[\]\s]+))(:[0-9]{0,5})?")
"""A Host header in lower case (RFC 9110, section 7.2)."""

UNKNOWN_HOST = "the Host header does not name this server: use localhost or its address; names of AWS need the TLS port"


class HostNames:
    """The names of this server besides `localhost` and IP addresses; `*.` and a name are all names below it."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.lower() for name in names)

    def know(self, host: str, *, tls: bool) -> bool:
        """Whether a Host header names this server; `tls`: on the TLS port."""
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name: str = found["address"] or found["name"]
        name = name.removesuffix(".")  # The root of DNS: `localhost.` is the same name.
        if name == "localhost" or name.endswith(".localhost") or is_named(name, self._names):
            return True
        if tls and _AWS.fullmatch(name):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class HostCheck:
    """An ASGI application that passes only requests of this server's own pages and of programs."""

    def __init__(self, application: Application, names: HostNames, is_open: Callable[[Scope], bool]) -> None:
        """`is_open` says whether pages of any origin may send a request."""
        self._application = application
        self._is_open = is_open
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = {name.lower(): value.decode("latin-1").lower() for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if not scope["path"].startswith("/"):
            await _refuse(send, 400, "expected a path as the request target")
        elif not self._names.know(host, tls=scope["scheme"] == "https"):
            await _refuse(send, 421, UNKNOWN_HOST)
        elif origin not in (None, f"http://{host}", f"https://{host}") and not self._is_open(scope):
            await _refuse(send, 403, "requests from other origins are refused")
        else:
            # When the server stops, it cancels requests; uvicorn would print a traceback.
            with contextlib.suppress(asyncio.CancelledError):
                await self._application(scope, receive, send)


def is_named(name: str, names: Collection[str]) -> bool:
    """Whether a host name is one of those of a certificate. A `*` is one whole label (RFC 9525, section 6.3)."""
    return name in names or f"*.{name.partition('.')[2]}" in names


def aws_names(region: str) -> list[str]:
    """The names of a region's endpoints, as a certificate has them."""
    if region.startswith("cn-"):
        return [f"*.iot.{region}.amazonaws.com.cn", f"*.ats.iot.{region}.amazonaws.com.cn"]
    return [f"*.iot.{region}.amazonaws.com", f"*.iot.{region}.api.aws"]


async def _refuse(send: Send, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
