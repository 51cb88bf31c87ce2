"""HTTP connections: uvicorn's, with stricter rules for requests, and without log lines about invalid ones.

1. A request with its body must be complete in time.
2. A request must say in one way only where its body ends: two readers could see different requests in the same bytes
   (RFC 9112, section 6.3). One with Content-Length and Transfer-Encoding, or with Transfer-Encoding in HTTP/1.0, is
   refused, and the connection closes. Several equal values of Content-Length are one value (RFC 9110, section 8.6).
"""

import asyncio
import logging
from collections.abc import Collection
from typing import cast

from h11 import NEED_DATA, PAUSED, SERVER, Connection, Event, LocalProtocolError, RemoteProtocolError, Request
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from iot_core.edge.host_check import Application

_PATIENCE = 10.0
"""Seconds in which a request with its body must be complete, counted from the end of the request before."""

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)


class _OpenTransport:
    """A transport that ignores writes after it has failed: asyncio would log each of them."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, chunk: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(chunk)


class _StrictReader(Connection):
    """Reads HTTP, and refuses requests whose end is ambiguous."""

    def next_event(self) -> Event | type[NEED_DATA] | type[PAUSED]:
        """The next event. Raises RemoteProtocolError for an invalid request."""
        event = super().next_event()
        if isinstance(event, Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version < b"1.1"):
                raise RemoteProtocolError("a body with an ambiguous end")
        return event


class HttpConnection(H11Protocol):
    """An HTTP/1.1 connection. It stays open for uvicorn's 5 seconds after an answer."""

    def __init__(self, config: Config, state: ServerState, server_name: str | None) -> None:
        """Requests have in `scope["state"]`: `server_name` of TLS, None on the plain port; `connection`, a dict.

        The dict is the same for all requests of the connection, and empty at first: for what lasts as long as it does.
        """
        of_requests: dict[str, object] = {"server_name": server_name, "connection": {}}
        super().__init__(config, state, of_requests, asyncio.get_running_loop())
        self.logger = _logger
        self.conn = _StrictReader(SERVER)
        self._deadline: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (so does uvicorn)
        """The connection begins."""
        super().connection_made(cast("asyncio.Transport", _OpenTransport(transport)))

    def eof_received(self) -> None:
        """The client sends no more, which ends the connection and an answer that is under way."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def check_time(self, now: float) -> None:
        """Ends the connection if its request is not complete in time; `now` in seconds."""
        cycle = self.cycle
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            self._deadline = None
        elif self._deadline is None:
            self._deadline = now + _PATIENCE
        elif now >= self._deadline:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """The next request has all of its time: `check_time` may have seen nothing of one that was answered at once."""
        self._deadline = None
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers an invalid request, unless another answer is under way."""
        try:
            super().send_400_response(msg)
        except LocalProtocolError:
            self.transport.abort()


class HttpServer:
    """Answers HTTP with an ASGI application."""

    def __init__(self, application: Application) -> None:
        # X-Forwarded-For is ignored: any client could choose its source IP for policies with it.
        self._config = Config(
            application, http="h11", ws="none", lifespan="off", proxy_headers=False, log_config=None, access_log=False
        )
        self._config.load()
        self._state = ServerState()

    def connection(self, server_name: str | None) -> HttpConnection:
        """A protocol for one HTTP connection with this TLS server name."""
        return HttpConnection(self._config, self._state, server_name)

    def connections(self) -> list[HttpConnection]:
        """The open connections."""
        return [each for each in self._state.connections if isinstance(each, HttpConnection)]

    @property
    def requests(self) -> Collection["asyncio.Task[None]"]:
        """The requests that are being answered."""
        return self._state.tasks
