"""One HTTP connection: uvicorn's, with a time limit for requests, and silent about rubbish."""

import asyncio
import logging
from typing import cast

from h11 import LocalProtocolError
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_PATIENCE = 10.0
"""Seconds in which a request must be there with its whole body, counted from the end of the one before."""

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)


class _Living:
    """A transport to which nothing is written once it has failed: asyncio would complain of each write."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, chunk: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(chunk)


class HttpConnection(H11Protocol):
    """An HTTP/1.1 connection, kept alive for uvicorn's 5 seconds after an answer."""

    def __init__(self, config: Config, state: ServerState, server_name: str | None) -> None:
        """Requests find the TLS handshake's server name in `scope["state"]["server_name"]`, None on the plain port."""
        super().__init__(config, state, {"server_name": server_name}, asyncio.get_running_loop())
        self.logger = _logger
        self._deadline: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (so does uvicorn)
        """A connection is there."""
        super().connection_made(cast("asyncio.Transport", _Living(transport)))

    def eof_received(self) -> None:
        """The client sends no more, which ends the connection, and an answer that is under way."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def check_time(self, now: float) -> None:
        """Ends a connection whose request does not get on; `now` in seconds."""
        cycle = self.cycle
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            self._deadline = None
        elif self._deadline is None:
            self._deadline = now + _PATIENCE
        elif now >= self._deadline:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answers rubbish; where another answer is under way, there is none."""
        try:
            super().send_400_response(msg)
        except LocalProtocolError:
            self.transport.abort()
