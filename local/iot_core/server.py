"""Serves IoT Core on this machine: ports, host names, certificates, the HTTP application, and the clock."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iot_core.core import IotCore
from iot_core.edge import certificate_authority
from iot_core.edge.host_check import HostNames, aws_names
from iot_core.edge.own_certificate import OwnCertificate, copy_path
from iot_core.edge.ports import Ports
from iot_core.edge.tls import ServerCertificate, ServerTls

if TYPE_CHECKING:  # These are loaded for the first HTTP request.
    from starlette.routing import BaseRoute

    from iot_core.edge.http_connection import HttpServer

_TIME_STEP = 0.25
"""Seconds between two looks at the clock."""
_ANY_HOST = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
_LOCAL = frozenset({"127.0.0.1", "::1"})

_logger = logging.getLogger(__name__)


class Server:
    """The ports of one IoT Core."""

    def __init__(
        self,
        core: IotCore,
        folder: Path,
        host: str,
        routes: "Callable[[], Sequence[BaseRoute]]" = tuple,
        open_paths: Collection[str] = (),
        own_certificate: OwnCertificate | None = None,
    ) -> None:
        """Prepares a certificate of the local CA in the data folder, unless the user's own one is to be served.

        `routes` makes what is served beside AWS's APIs, for the first HTTP request. What is at `open_paths` checks the
        Origin header itself. Raises InvalidFile, OSError for files that cannot be used.
        """
        self.core = core
        self.host = host
        self.own_certificate = own_certificate
        """The user's own certificate of the TLS port; None if the local CA issues one."""
        self.ca_path = certificate_authority.ca_path(folder) if own_certificate is None else None
        """The local CA's certificate in PEM, which clients of the TLS port must trust; None without that CA."""
        self.port = self.tls_port = 0
        own, machine = {host} - _ANY_HOST, {socket.gethostname()}
        names = HostNames({*own, *machine, *(own_certificate.names if own_certificate else ())})

        def load_http() -> "HttpServer":
            from iot_core.api.application import http_server  # noqa: PLC0415 (no MQTT client waits for HTTP to load)

            return http_server(core, names, routes(), open_paths)

        tls = ServerTls(self._prepare_certificate(folder, own, machine))
        self._ports = Ports(core, names, load_http, tls, _own_address(host))

    @property
    def url(self) -> str:
        """The plain port's URL."""
        return f"http://{_in_url(_named(self.host))}:{self.port}"

    @property
    def tls_url(self) -> str:
        """The TLS port's URL."""
        return f"https://{self.core.endpoint_address}"

    @property
    def connection_count(self) -> int:
        """How many connections are open, of all protocols."""
        return self._ports.connection_count

    @contextlib.asynccontextmanager
    async def listen(self, port: int, tls_port: int) -> AsyncIterator[None]:
        """Serves until the end of the block; port 0 is any free port. Raises OSError if a port cannot be used."""
        self.port, self.tls_port = await self._ports.listen(self.host, port, tls_port)
        name = _named(self.host)
        name = name if self.own_certificate is None else self.own_certificate.name_for(name)
        self.core.endpoint_address = _in_url(name) + (f":{self.tls_port}" if self.tls_port != 443 else "")
        stopped = asyncio.Event()
        clock = asyncio.get_running_loop().create_task(self._watch_clock(stopped))
        try:
            yield
        finally:
            stopped.set()
            await clock
            await self._ports.close()

    def check_time(self) -> None:
        """Does what is due by now. The server calls it four times a second."""
        self._ports.check_time()
        self.core.check_time()

    def _prepare_certificate(self, folder: Path, own: set[str], machine: set[str]) -> ServerCertificate:
        """The server's certificate. `own` and `machine` are names of its host, and of this machine."""
        if self.own_certificate is not None:
            self.own_certificate.copy_to(folder)
            return self.own_certificate
        copy_path(folder).unlink(missing_ok=True)
        names = sorted({"localhost", *_LOCAL, *own, *aws_names(self.core.place.region)})
        return certificate_authority.issue(folder, names, sorted(machine - own))

    async def _watch_clock(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIME_STEP):
                    await stopped.wait()
            try:
                self.check_time()
            except Exception:  # An error in one step must not prevent the next steps.
                _logger.exception("what is due could not be done")


def _in_url(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _named(host: str) -> str:
    """The host that a server listens on, as clients of this machine name it."""
    return "localhost" if host in _ANY_HOST | _LOCAL else host


def _own_address(host: str) -> str:
    """The address at which this machine reaches a server that listens on a host."""
    if host == "::":
        return "::1"
    return "127.0.0.1" if host in _ANY_HOST else host
