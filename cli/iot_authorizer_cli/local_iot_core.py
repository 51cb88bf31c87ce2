"""IoT Core on this machine, as a library: IoT Core itself, with a project's authorizer and the console."""

import contextlib
import errno
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iot_authorizer_cli.console.secret_file import PARAMETER, console_secret
from iot_authorizer_cli.project.client_role import write_client_role
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer, make_folder, table_path
from iot_authorizer_cli.project.explanations import decision_reasons
from iot_authorizer_cli.project.reloading import ReloadedConfiguration, reload_when_saved
from iot_core.authorizers.registry import Authorizers
from iot_core.broker.broker import Broker
from iot_core.broker.limits import IOT_CORE, Limits
from iot_core.core import IotCore
from iot_core.edge.connections import Connections
from iot_core.edge.own_certificate import CertificateFiles, OwnCertificate
from iot_core.edge.ports import PortUnavailable
from iot_core.feed import Feed
from iot_core.functions.execution_environments import CONCURRENCY
from iot_core.functions.lambda_function import TIMEOUT
from iot_core.lifecycle import Lifecycle
from iot_core.server import Server
from iot_policies.account_region import EXAMPLE_PLACE, account_region

if TYPE_CHECKING:  # These are loaded when they are first used: no MQTT client waits for the page and the prover.
    from starlette.routing import BaseRoute

    from iot_authorizer_cli.console.template_review import TemplateReview

CREDENTIALS_PATH = "/credentials"
"""The path of the credentials endpoint."""


class LocalIotCore(Lifecycle):
    """IoT Core with the authorizer of a configuration.

    `async with LocalIotCore(config) as core` runs it on the caller's event loop, `with LocalIotCore(config) as core`
    on one in a thread, for clients that block. Inside, `core.port` and `core.tls_port` are the real ports.
    """

    iot_core: IotCore
    """IoT Core itself; `broker`, `authorizers`, `connections` and `feed` are its parts."""
    broker: Broker
    """The message broker."""
    authorizers: Authorizers
    """The account's authorizers."""
    connections: Connections
    """The MQTT connections."""
    feed: Feed
    """Decisions, presence, reloads."""
    configuration: ReloadedConfiguration
    """`authorizer.toml` and what it names."""
    issuer: DevelopmentIssuer
    """Issues the tokens that only this machine trusts."""
    web: Path
    """The folder whose files are served at `/web/`."""

    def __init__(
        self,
        config: Path | str = "authorizer.toml",
        *,
        handler: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
        folder: Path | str | None = None,
        table: str | None = None,
        time_scale: float = 1,
        limits: Limits = IOT_CORE,
        region: str = EXAMPLE_PLACE.region,
        account: str = EXAMPLE_PLACE.account,
        function_timeout: float = TIMEOUT,
        concurrency: int = CONCURRENCY,
        in_process: bool = True,
        default_authorizer: bool = False,
        web: Path | str | None = None,
        certificate: Path | str | None = None,
        key: Path | str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts nothing yet.

        `handler` is a function of a module in the current folder, such as `my_rules.lambda_handler`; by default the
        configuration names it. It must answer within `function_timeout` seconds. It has at most `concurrency` execution
        environments: threads if `in_process`, processes of their own otherwise. `port` 0 is any free port. `folder` is
        the data folder; by default it is temporary. `table` is a DynamoDB table to use instead of the development
        table. The authorizer is the default one if `default_authorizer` or its configuration says so. The files of the
        folder `web`, by default the one of this name beside the configuration, are served at `/web/`. The seconds of an
        authorizer's answer, and those of development tokens, pass `time_scale` times as fast. The TLS port serves
        `certificate`, a PEM file with the CAs' certificates after the server's one, with its private `key`; by default,
        the local CA issues one. `clock` gives seconds, for time-outs, refreshes and the ends that authorizers set.
        """
        self.host = host
        self.port = port
        self.tls_port = tls_port
        self.place = account_region(region, account)
        self._config = Path(config)
        self._handler = handler
        self._folder = None if folder is None else Path(folder)
        self._table = table
        self._time_scale = time_scale
        self._limits = limits
        self._function_timeout = function_timeout
        self._concurrency = concurrency
        self._in_process = in_process
        self._default_authorizer = default_authorizer
        self.web = self._config.parent / "web" if web is None else Path(web)
        if (certificate is None) != (key is None):
            raise ValueError("expected both certificate and key, or neither")
        self._certificate = None if certificate is None else CertificateFiles(Path(certificate), Path(key or ""))
        self._clock = clock
        self._secret = ""
        self._review: TemplateReview | None = None
        self._running_server: Server | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def server(self) -> Server:
        """The ports. Raises RuntimeError before the start."""
        if self._running_server is None:
            raise RuntimeError("not started: use `async with`, or `with` for an event loop in a thread")
        return self._running_server

    @property
    def url(self) -> str:
        """The plain port's URL. Raises RuntimeError before the start, as do all properties that are not known then."""
        return self.server.url

    @property
    def tls_url(self) -> str:
        """The TLS port's URL."""
        return self.server.tls_url

    @property
    def console_url(self) -> str:
        """The URL of the console's page, with its secret."""
        return f"{self.url}/?{PARAMETER}={self._secret}"

    @property
    def credentials_url(self) -> str | None:
        """The URL of the credentials endpoint; None if it is not configured."""
        return f"{self.url}{CREDENTIALS_PATH}" if self.configuration.configured.gives_credentials else None

    @property
    def identity_pool_id(self) -> str:
        """The ID of the identity pool (Amazon Cognito), whose guests and users get credentials."""
        return self.server.core.identity_pool.pool_id

    @property
    def ca_path(self) -> Path | None:
        """The local CA's certificate in PEM, which clients of the TLS port must trust; None with your own certificate.

        `ssl.create_default_context(cafile=core.ca_path)` then trusts the CAs that the machine trusts.
        """
        return self.server.ca_path

    @property
    def review(self) -> "TemplateReview":
        """The proof of the template, and what edits of it open and close."""
        from iot_authorizer_cli.console.template_review import TemplateReview  # noqa: PLC0415 (it loads the prover)

        if self._review is None:
            self._review = TemplateReview(*self._first)
        return self._review

    def token(self, principal: str, claims: Mapping[str, object] | None = None, expires_in: int = 3600) -> str:
        """A JWT of the development issuer, which the authorizer on this machine trusts; `expires_in` in seconds."""
        self.server  # noqa: B018 (it raises before the start)
        return self.issuer.token(principal, claims or {}, expires_in)

    def check_time(self) -> None:
        """Does what is due. The server calls it four times a second."""
        self.server.check_time()

    def apply_configuration(self) -> None:
        """Puts the configuration as it was last read into force. Each connected client is authorized again."""
        configuration = self.configuration
        own = {configuration.configured.description.function_arn: configuration.environments}
        functions = {**configuration.rule_functions, **own}
        configured = configuration.configured
        default = self._default_authorizer or configured.default_authorizer
        explain = partial(decision_reasons, configured)
        self.iot_core.configure(configured.description, functions, explain, default=default)
        self.iot_core.configure_rules(configuration.topic_rules)
        roles = configured.identity_roles(self.place)
        self.iot_core.configure_identities(roles.policy, roles.problem, with_guests=roles.with_guests)

    async def start(self) -> None:
        """Starts it.

        Raises InvalidFile, BrokenHandler, StorageError for files that cannot be used, OSError for ports and folders.
        """
        files = self._certificate
        own_certificate = None if files is None else OwnCertificate(files, datetime.now(UTC))
        async with contextlib.AsyncExitStack() as stack:
            data = self._prepare_folder(stack)
            core = self.iot_core = IotCore(
                data,
                persistent=self._folder is not None,
                place=self.place,
                limits=self._limits,
                time_scale=self._time_scale,
                clock=self._clock,
            )
            stack.callback(core.close)
            self.broker, self.connections, self.feed = core.broker, core.connections, core.feed
            self.authorizers = core.authorizers
            await self._load(data, stack)
            self._secret = console_secret(data)
            self._first, self._review = (self.configuration.template, time.time()), None
            routes = partial(self._routes, stack.enter_context(contextlib.ExitStack()))
            server = Server(core, data, self.host, routes, (CREDENTIALS_PATH,), own_certificate)
            try:
                await stack.enter_async_context(server.listen(self.port, self.tls_port))
            except PortUnavailable as error:
                raise OSError(error.errno, _advice(error)) from None
            self.port, self.tls_port = server.port, server.tls_port
            write_client_role(data, core, server.url)
            await stack.enter_async_context(reload_when_saved(self.configuration, self._reload))
            self._stack = stack.pop_all()
        self._running_server = server

    async def stop(self) -> None:
        """Ends all connections, and writes persistent data."""
        await self._stack.aclose()

    def _routes(self, stack: contextlib.ExitStack) -> "list[BaseRoute]":
        """What is served beside AWS's APIs: the page, and the credentials endpoint. At the end, `stack` closes it.

        The first request can come before the start is complete: one port opens before the other.
        """
        from starlette.routing import Route  # noqa: PLC0415 (all of these: no MQTT client waits for HTTP to load)

        from iot_authorizer_cli.console.app import Console, ConsoleAddresses  # noqa: PLC0415
        from iot_authorizer_cli.console.edits import EditDesk  # noqa: PLC0415
        from iot_core.api.http_api import HttpApiRoute  # noqa: PLC0415

        edits = EditDesk()
        stack.callback(edits.close)
        console = Console(
            self.iot_core,
            self.configuration,
            self.issuer,
            lambda: ConsoleAddresses(self.url, self.tls_url, self.ca_path),
            self._secret,
            self.review,
            edits,
            self.web,
        )
        endpoint = HttpApiRoute(self.iot_core, "credentials", lambda: self.configuration.credentials_endpoint)
        return [*console.routes(), Route(CREDENTIALS_PATH, endpoint)]

    def _prepare_folder(self, stack: contextlib.AsyncExitStack) -> Path:
        if self._folder is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iot-authorizer-")))
        return make_folder(self._folder)

    async def _load(self, data: Path, stack: contextlib.AsyncExitStack) -> None:
        self.issuer = DevelopmentIssuer(data)
        self.configuration = ReloadedConfiguration(
            path=self._config,
            given_handler=self._handler,
            place=self.place,
            environment=self.issuer.environment(self._table, self._time_scale),
            table=table_path(data) if self._table is None else None,
            function_timeout=self._function_timeout,
            concurrency=self._concurrency,
            in_process=self._in_process,
        )
        await self.configuration.start()
        stack.callback(self.configuration.close)
        self.apply_configuration()

    async def _reload(self) -> None:
        before = self.configuration.problem
        if await self.configuration.reload():
            self.apply_configuration()
            self.feed.add("reload", ok=True, path=str(self._config))
        elif self.configuration.problem != before or not self.configuration.waits:
            self.feed.add("reload", ok=False, path=str(self._config), problem=self.configuration.problem)


def _advice(error: PortUnavailable) -> str:
    """Why a port cannot be used, and what to do."""
    option = "--tls-port" if error.tls else "--port"
    port = f"port {error.number} of {error.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{port} is in use: is `iot-authorizer dev` running already? {option} names another port"
    if error.errno == errno.EACCES:  # Linux, Documentation/networking/ip-sysctl.rst.
        allowed = f"`sudo sysctl net.ipv4.ip_unprivileged_port_start={error.number}` allows it on Linux"
        needs = f"below 1024 it needs root or CAP_NET_BIND_SERVICE ({allowed})"
        return f"{error.strerror}: {needs}; {option} names another port"
    return str(error.strerror)
