"""IoT Core on this machine, as a library."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette

import iot_core.api.app
from iot_authorizer_cli.console.app import Console, ConsoleAddresses
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer, make_folder, table_path
from iot_authorizer_cli.project.explanations import Explanations
from iot_authorizer_cli.project.handler import HANDLER
from iot_authorizer_cli.project.reloading import ReloadedConfiguration
from iot_authorizer_cli.project.upkeep import upkeep
from iot_core.authorizers.authorization import Gateway
from iot_core.authorizers.authorizers import Authorizers
from iot_core.broker.broker import Broker
from iot_core.broker.limits import IOT_CORE, Limits
from iot_core.broker.storage import Storage, StorageError
from iot_core.decisions import Decisions
from iot_core.edge.addresses import Addresses
from iot_core.edge.certificates import ca_path, server_context
from iot_core.edge.connections import Connections
from iot_core.edge.guard import Guard
from iot_core.edge.outbox import Outbox
from iot_core.edge.ports import Ports
from iot_core.feed import Feed
from iot_core.functions.lambda_function import ACCOUNT, REGION, TIMEOUT
from iot_core.running import Running


class LocalIotCore(Running):
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
        table: str | None = None,
        time_scale: float = 1,
        limits: Limits = IOT_CORE,
        region: str = REGION,
        account: str = ACCOUNT,
        function_timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`port` 0 is any that is free. Without a `folder`, nothing outlives it.

        `table` is one of DynamoDB's, to be asked in the place of the development table.

        The handler has `function_timeout` seconds, and an authorizer's seconds pass `time_scale` times as fast.
        `clock` gives seconds, for time-outs of connections, refreshes and the ends that authorizers set.
        """
        self.host = host
        self.port = port
        self.tls_port = tls_port
        self.region = region
        self.account = account
        self.feed = Feed()
        """What happens: decisions, presence, reloads."""
        self.decisions = Decisions(self.feed, Explanations(lambda: self.configuration.configured).explain)
        """Where decisions are told, for the feed."""
        self._is_started = False
        self._config = Path(config)
        self._handler = handler
        self._folder = None if folder is None else Path(folder)
        self._table = table
        self._time_scale = time_scale
        self._limits = limits
        self._function_timeout = function_timeout
        self._clock = clock
        self._addresses = Addresses(host, region)
        self._running = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """The plain port's URL. Raises RuntimeError before it is started, as all do that is not known before."""
        self._require_start()
        return f"http://{self._addresses.in_urls}:{self.port}"

    @property
    def tls_url(self) -> str:
        """The TLS port's URL."""
        self._require_start()
        return f"https://{self._addresses.in_urls}" + (f":{self.tls_port}" if self.tls_port != 443 else "")

    @property
    def ca_path(self) -> Path:
        """The certificate, in PEM, that clients of the TLS port have to trust."""
        self._require_start()
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
        self._require_start()
        return self.issuer.token(principal, claims or {}, expires_in)

    def check_time(self) -> None:
        """Does what is due by now. It is called several times a second anyway."""
        self._ports.check_time()
        self.connections.check_time()

    async def start(self) -> None:
        """Starts it.

        Raises InvalidFile, BrokenHandler, StorageError for files that can't be used, OSError for ports and folders.
        """
        async with contextlib.AsyncExitStack() as stack:
            self._data = self._prepare_folder(stack)
            storage = Storage(self._data / "iot-core.sqlite" if self._folder is not None else ":memory:")
            stack.callback(_close, storage)
            await self._load(stack)
            self._build(storage)
            await self._listen(stack)
            await stack.enter_async_context(upkeep(self.check_time, self.configuration, self._reload))
            self._running = stack.pop_all()
        self._is_started = True

    async def stop(self) -> None:
        """Ends all connections, and writes what is to survive."""
        await self._running.aclose()

    def _require_start(self) -> None:
        if not self._is_started:
            raise RuntimeError("it is not started: `async with` starts it, or `with` in a thread")

    def _prepare_folder(self, stack: contextlib.AsyncExitStack) -> Path:
        if self._folder is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iot-authorizer-")))
        return make_folder(self._folder)

    async def _load(self, stack: contextlib.AsyncExitStack) -> None:
        self.issuer = DevelopmentIssuer(self._data)
        self.configuration = ReloadedConfiguration(
            self._config,
            handler=self._handler,
            function_arn=f"arn:aws:lambda:{self.region}:{self.account}:function:authorizer",
            region=self.region,
            account=self.account,
            environment=self.issuer.environment(self._table),
            table=table_path(self._data) if self._table is None else None,
            function_timeout=self._function_timeout,
        )
        await self.configuration.start()
        stack.callback(self.configuration.close)

    def _build(self, storage: Storage) -> None:
        self.authorizers = Authorizers(self._data)
        self.gateway = Gateway(self.authorizers, {})
        self._take_configuration()
        try:
            self.broker = Broker(storage, limits=self._limits, report=self.feed.add)
        except (TypeError, ValueError) as error:
            raise StorageError(f"{self._data}: iot-core.sqlite holds what can't be read, remove it: {error}") from None
        self.connections = Connections(
            broker=self.broker,
            gateway=self.gateway,
            decisions=self.decisions,
            outbox=Outbox(storage, lambda error: self.feed.add("storage", problem=str(error))),
            arn_prefix=f"arn:aws:iot:{self.region}:{self.account}:",
            time_scale=self._time_scale,
            clock=self._clock,
        )

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        context = server_context(self._data, self._addresses.certified)
        console = Console(
            configuration=self.configuration,
            issuer=self.issuer,
            authorizers=self.authorizers,
            feed=self.feed,
            addresses=lambda: ConsoleAddresses(self.url, self.tls_url, self.ca_path),
            region=self.region,
            account=self.account,
        )
        routes = [*console.routes(), *iot_core.api.app.routes(self)]
        application = Starlette(routes=routes, exception_handlers={404: iot_core.api.app.not_found})
        self._ports = Ports(self.connections, Guard(application, self._addresses.names), self._addresses.to_connect)
        self.port, self.tls_port = await self._ports.listen(self.host, self.port, self.tls_port, context)
        stack.push_async_callback(self._ports.close)

    def _take_configuration(self) -> None:
        """Puts the configuration into force."""
        self.authorizers.put_configured(self.configuration.configured.description)
        self.gateway.functions = {self.configuration.function_arn: self.configuration.environments}

    async def _reload(self) -> None:
        before = self.configuration.problem
        if await self.configuration.reload():
            self._take_configuration()
            self.feed.add("reload", ok=True, path=str(self._config))
            self.connections.refresh_all()
        elif self.configuration.problem != before or not self.configuration.waits:
            self.feed.add("reload", ok=False, path=str(self._config), problem=self.configuration.problem)


def _close(storage: Storage) -> None:
    with contextlib.suppress(StorageError):
        storage.close()
