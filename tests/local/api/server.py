"""Serves the HTTP APIs in a thread, with a new IoT Core for each test."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from iot_core.api.operations import not_found, routes
from iot_core.edge.http_connection import HttpServer
from tests.local.api.core import Core

Result = TypeVar("Result")


class Service:
    """A running server; the core behind it is a new one for each test."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.ready = threading.Event()
        self.core: Core
        self._app: ASGIApp
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event

    def do(self, action: Callable[[Core], Result]) -> Result:
        """Call a function with the core in the server's thread."""
        return self._call(lambda: action(self.core))

    def begin(self, folder: Path) -> None:
        """Replace the core by a new one with this data folder."""

        def replace() -> None:
            self.core = Core(folder)
            found = routes(self.core)
            self._app = Starlette(routes=found, exception_handlers={404: not_found})

        self._call(replace)

    def end(self) -> None:
        """Ends the core."""
        self.do(lambda core: core.close())

    async def serve(self, listening: socket.socket) -> None:
        """Serves until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        http = HttpServer(self)
        server = await self._loop.create_server(lambda: http.connection(None), sock=listening)
        self.ready.set()
        await self._stopped.wait()
        server.close()
        for connection in http.connections():
            connection.transport.abort()

    def stop(self) -> None:
        """Lets `serve` end."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.core.server_name is not None:  # As the port tells it for a TLS connection.
            scope["state"]["server_name"] = self.core.server_name
        await self._app(scope, receive, send)

    def _call(self, action: Callable[[], Result]) -> Result:
        async def act() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)


@contextmanager
def running() -> Iterator[Service]:
    """A server until the end of the block."""
    # asyncio sets TCP_NODELAY only if the socket names its protocol; without it, answers wait 40 ms for an ACK.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        service = Service(listening.getsockname()[1])
        thread = threading.Thread(target=lambda: asyncio.run(service.serve(listening)))
        thread.start()
        assert service.ready.wait(10)
        try:
            yield service
        finally:
            service.stop()
            thread.join(10)
