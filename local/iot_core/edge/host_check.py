"""The host check: refuses HTTP requests of other web pages, because HTTP mints tokens and configures authorizers.

1. The Host header must name this server: `localhost`, an IP address, one of its own names, or an endpoint of IoT Core.
   So a name that an attacker's DNS points to this machine (DNS rebinding) gets no answer.
2. The Origin header, if there is one, must be this server.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_AWS = re.compile(r"(.+\.)?iot\.[a-z0-9-]+\.amazonaws\.com")
"""IoT Core's endpoints, which a proxy can lead to this server (AWS General Reference)."""

UNKNOWN_HOST = "the Host header does not name this server: use localhost or its address"


class HostCheck:
    """An ASGI application that passes only requests of this server's own pages and of programs."""

    def __init__(self, application: Application, names: frozenset[str]) -> None:
        """`names` are the names of this server besides `localhost` and IP addresses."""
        self._application = application
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = {name.lower(): value.decode("latin-1").lower() for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if not self.knows(host):
            await _refuse(send, 421, UNKNOWN_HOST)
        elif origin is not None and _part(origin, "netloc") != host:
            await _refuse(send, 403, "requests from other origins are refused")
        else:
            # When the server stops, it cancels requests; uvicorn would print a traceback.
            with contextlib.suppress(asyncio.CancelledError):
                await self._application(scope, receive, send)

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = _part(f"//{host}", "hostname")
        if name is None:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._names or _AWS.fullmatch(name):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _part(url: str, part: str) -> str | None:
    """The `hostname` or `netloc` of a URL; None if the URL is invalid."""
    try:
        found: str | None = getattr(urlsplit(url), part)
    except ValueError:
        return None
    return found


async def _refuse(send: Send, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
