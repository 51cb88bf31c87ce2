"""IoT Core on this machine, as a library."""

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.applications import Starlette

import local.api.app
import local.console.app
from local.broker.broker import Broker
from local.broker.limits import IOT_CORE, Limits
from local.broker.storage import Storage, StorageError
from local.development import DEVELOPMENT_KEYS, DevelopmentIssuer
from local.gateway.authorization import Gateway
from local.gateway.authorizers import Authorizers
from local.gateway.certificates import ca_path, server_context
from local.gateway.connections import Connections
from local.gateway.explanations import Explanations
from local.gateway.feed import Feed
from local.gateway.guard import Guard
from local.gateway.outbox import Outbox
from local.gateway.ports import Ports
from local.gateway.reloading import ReloadedConfiguration
from local.lambda_function import ACCOUNT, HANDLER, REGION

_TURN = 0.25
"""Seconds between looks at the clock."""


class LocalIotCore:
    """IoT Core with the authorizer of a configuration.

    `async with LocalIotCore(config) as core` runs it on the caller's event loop, `with LocalIotCore(config) as core`
    on one in a thread, for clients that block. Inside, `core.port` and `core.tls_port` are the real ports.
    """

    broker: Broker
    gateway: Gateway
    authorizers: Authorizers
    configuration: ReloadedConfiguration
    connections: Connections
    issuer: DevelopmentIssuer

    def __init__(
        self,
        config: Path | str = "authorizer.toml",
        *,
        handler: str = HANDLER,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
        folder: Path | str | None = None,
        time_scale: float = 1,
        limits: Limits = IOT_CORE,
        region: str = REGION,
        account: str = ACCOUNT,
    ) -> None:
        """`port` 0 is any that is free. Without a `folder`, nothing outlives it. An authorizer's seconds pass
        `time_scale` times as fast.
        """
        self.host = host
        self.port = port
        self.tls_port = tls_port
        self.region = region
        self.account = account
        self.feed = Feed()
        """What happens: decisions, presence, reloads."""
        self._config = Path(config)
        self._handler = handler
        self._folder = None if folder is None else Path(folder)
        self._time_scale = time_scale
        self._limits = limits
        self._running = contextlib.AsyncExitStack()
        self._thread: _Thread | None = None

    @property
    def url(self) -> str:
        """The plain port's URL."""
        return f"http://{self._name}:{self.port}"

    @property
    def tls_url(self) -> str:
        """The TLS port's URL."""
        return f"https://{self._name}:{self.tls_port}" if self.tls_port != 443 else f"https://{self._name}"

    @property
    def ca_path(self) -> Path:
        """The certificate, in PEM, that clients of the TLS port have to trust."""
        return ca_path(self._data)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of something in the account: `arn:aws:iot:REGION:ACCOUNT:kind/name`."""
        return f"arn:aws:iot:{self.region}:{self.account}:{kind}/{name}"

    def commit(self) -> None:
        """Stores what changed and sends what is waiting. To be called before anything is acknowledged over HTTP.

        Raises StorageError.
        """
        self.connections.outbox.commit()

    def token(self, principal: str, claims: Mapping[str, object] | None = None, expires_in: int = 3600) -> str:
        """A JWT of the development issuer, which this IoT Core's authorizer trusts; `expires_in` in seconds."""
        return self.issuer.token(principal, claims or {}, expires_in)

    async def start(self) -> None:
        """Starts it.

        Raises InvalidFile, BrokenHandler, StorageError for files that can't be used, OSError for ports and folders.
        """
        async with contextlib.AsyncExitStack() as stack:
            self._data = self._prepare_folder(stack)
            storage = Storage(self._data / "iot-core.sqlite" if self._folder is not None else ":memory:")
            stack.callback(_close, storage)
            self._build(storage, stack)
            await self._listen(stack)
            for work in (self._watch_time(), self._watch_files()):
                stack.push_async_callback(_cancel, asyncio.get_running_loop().create_task(work))
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Ends all connections, and writes what is to survive."""
        await self._running.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        self._thread = _Thread(self)
        self._thread.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.end()

    @property
    def _name(self) -> str:
        return "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else self.host  # noqa: S104

    def _prepare_folder(self, stack: contextlib.AsyncExitStack) -> Path:
        if self._folder is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iot-authorizer-")))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def _build(self, storage: Storage, stack: contextlib.AsyncExitStack) -> None:
        self.issuer = DevelopmentIssuer(self._data)
        self.configuration = ReloadedConfiguration(
            self._config,
            handler=self._handler,
            function_arn=f"arn:aws:lambda:{self.region}:{self.account}:function:authorizer",
            region=self.region,
            account=self.account,
            environment={DEVELOPMENT_KEYS: str(self.issuer.jwks_path)},
        )
        stack.callback(self._close_function)
        self.authorizers = Authorizers(self._data)
        self.gateway = Gateway(self.authorizers, {})
        self._take_configuration()
        self.broker = Broker(storage, limits=self._limits, report=self.feed.add)
        explanations = Explanations(lambda: self.configuration.configured)
        self.connections = Connections(
            broker=self.broker,
            gateway=self.gateway,
            feed=self.feed,
            outbox=Outbox(storage, self._not_stored),
            explain=explanations.explain,
            arn_prefix=f"arn:aws:iot:{self.region}:{self.account}:",
            time_scale=self._time_scale,
        )

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        names = frozenset({self.host, socket.gethostname()} - {"0.0.0.0", "::"})  # noqa: S104
        certified = sorted({"localhost", "127.0.0.1", "::1", f"*.iot.{self.region}.amazonaws.com", *names})
        application = Starlette(routes=[*local.console.app.routes(self), *local.api.app.routes(self)])
        ports = Ports(self.connections, Guard(application, names))
        self._ports = ports
        context = server_context(self._data, certified)
        self.port, self.tls_port = await ports.listen(self.host, self.port, self.tls_port, context)
        stack.push_async_callback(ports.close)
        stack.callback(self._end_connections)

    def _end_connections(self) -> None:
        self.connections.close()
        self.connections.outbox.flush()

    def _close_function(self) -> None:
        self.configuration.environments.close()

    def _take_configuration(self) -> None:
        """Puts the configuration into force."""
        self.authorizers.put_configured(self.configuration.configured.description)
        self.gateway.functions = {self.configuration.function_arn: self.configuration.environments}

    def _not_stored(self, error: StorageError) -> None:
        self.feed.add("storage", problem=str(error))

    async def _watch_time(self) -> None:
        while True:
            await asyncio.sleep(_TURN)
            self._ports.check_time()
            self.connections.check_time()
            self.connections.outbox.flush()

    async def _watch_files(self) -> None:
        async for _ in self.configuration.changes():
            if await self.configuration.reload():
                self._take_configuration()
                self.feed.add("reload", ok=True, path=str(self.configuration.path))
                self.connections.refresh_all()
            else:
                self.feed.add("reload", ok=False, path=str(self._config), problem=self.configuration.problem)


class _Thread:
    """Runs a core on an event loop of its own."""

    def __init__(self, core: LocalIotCore) -> None:
        self._core = core
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="iot-core", daemon=True)

    def begin(self) -> None:
        """Starts it. Raises what its start raises."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._core.start(), self._loop).result()
        except BaseException:
            self._end_loop()
            raise

    def end(self) -> None:
        """Stops it."""
        asyncio.run_coroutine_threadsafe(self._core.stop(), self._loop).result()
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _close(storage: Storage) -> None:
    with contextlib.suppress(StorageError):
        storage.close()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
