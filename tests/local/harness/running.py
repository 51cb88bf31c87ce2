"""An IoT Core in a thread, and helpers for tests of it."""

import asyncio
import queue
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE, Limits
from iot_core.functions.lambda_function import TIMEOUT
from iot_core.mqtt import ConnectReturnCode, ReasonCode, Version
from tests.clock import Clock
from tests.local.harness.channels import PATIENCE, Channel, SocketChannel, WebSocketChannel, connected_to, wrapped
from tests.local.harness.client import Client
from tests.local.harness.function import Event, Function, allow

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

UNLIMITED = IOT_CORE.without_throttling()
CONFIGURATION = """\
name = "chat"
token_key_name = "token"
"""


NOT_AUTHORIZED = {Version.MQTT_3_1_1: ConnectReturnCode.NOT_AUTHORIZED, Version.MQTT_5: ReasonCode.NOT_AUTHORIZED}


class Running:
    """A core that runs, with all connections to it that tests open."""

    def __init__(self, core: LocalIotCore, function: Function, clock: Clock, channels: ExitStack) -> None:
        self.core = core
        self.function = function
        self._clock = clock
        self._channels = channels
        self._records: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        core.call(self._follow)

    @classmethod
    @contextmanager
    def around_core(cls, core: LocalIotCore) -> "Iterator[Running]":
        """A core with the authorizer itself, on its own clock."""
        with ExitStack() as channels:
            yield cls(core, Function(), Clock(1000), channels)

    def begin_again(self) -> None:
        """Closes the connections of an earlier test, and forgets what it scripted and what was recorded."""
        self._channels.close()
        self.settle()
        self.function.begin_again()
        while not self._records.empty():
            self._records.get()

    def only(self, *statements: dict[str, object], client_id: str = "ann") -> None:
        """Allows one client what the statements say, and all others everything."""

        def answer(event: Event) -> object:
            mqtt = event["protocolData"]["mqtt"]  # type: ignore[index]
            return allow(*statements) if mqtt.get("clientId") == client_id else allow()

        self.function.answer = answer

    def stop(self) -> None:
        """Stops the core before its time."""
        self.core.__exit__(None, None, None)

    def advance(self, seconds: float) -> None:
        """Lets time pass; the core notices it the next time that it looks at the clock."""
        self._clock.now += seconds

    def settle(self) -> None:
        """Waits until the core has read what was sent: it reads a new connection a few turns after it accepts it."""
        for _ in range(10):
            self.core.call(lambda: None)

    def pass_time(self, seconds: float) -> None:
        """Lets time pass, and lets the core do what is due."""
        self.advance(seconds)
        self.core.call(self.core.check_time)

    def record(self, kind: str, **fields: object) -> Mapping[str, Any]:
        """The next record of a kind with these fields: waits until it is there."""
        while True:
            record = self._records.get(timeout=PATIENCE)
            if record["kind"] == kind and fields.items() <= record.items():
                return record

    @property
    def secret(self) -> str:
        """The header with the console's secret."""
        return f"Authorization: Bearer {self.core.console_url.partition('=')[2]}"

    @property
    def ask_for_feed(self) -> bytes:
        """A request for the feed."""
        return f"GET /console/feed HTTP/1.1\r\nHost: localhost\r\n{self.secret}\r\n\r\n".encode()

    def plain(self) -> SocketChannel:
        """A connection to the plain port."""
        return self._keep(connected_to(self.core.port))

    def narrow(self) -> SocketChannel:
        """A connection to the plain port with a small receive buffer, so that bytes wait in the core."""
        return self._keep(connected_to(self.core.port, receive_buffer=8192))

    def tls(self, alpn: Sequence[str] = (), server_name: str | None = "localhost") -> SocketChannel:
        """A connection to the TLS port."""
        return self._keep(wrapped(connected_to(self.core.tls_port), self.core.ca_path, alpn, server_name))

    def web_socket(
        self,
        below: SocketChannel | None = None,
        path: str = "/mqtt",
        headers: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = ("mqtt",),
    ) -> WebSocketChannel:
        """A WebSocket on a connection: one to the plain port, unless told otherwise."""
        return WebSocketChannel(below or self.plain(), path, headers, subprotocols)

    def way(self, name: str) -> Channel:
        """A connection: `plain`, `tls` or `web_socket`."""
        channel: Channel = getattr(self, name)()
        return channel

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so on the core's event loop."""
        deadline = time.monotonic() + PATIENCE
        while not self.core.call(condition):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def ended(self, channel: Channel) -> bool:
        """Whether a connection's end has come, or comes within a moment."""
        assert isinstance(channel, SocketChannel)
        channel.socket.settimeout(0.05)
        try:
            return channel.socket.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        finally:
            channel.socket.settimeout(PATIENCE)

    def to_port(self, port: int) -> SocketChannel:
        """A connection to any port."""
        return self._keep(connected_to(port))

    def around(self, connection: socket.socket) -> SocketChannel:
        """A channel of a socket, which is closed in the end."""
        return self._keep(connection)

    def fill(self, client: Client, content: bytes) -> int:
        """Sends something again and again until the network takes no more; gives how many bytes that were."""
        channel = client.channel
        assert isinstance(channel, SocketChannel)
        chunk = content * (65_536 // len(content))
        channel.socket.settimeout(0.2)
        sent = 0
        try:
            while sent < 256 * 1024 * 1024:
                sent += channel.socket.send(chunk[sent % len(content) :])
        except TimeoutError:
            return sent
        finally:
            channel.socket.settimeout(PATIENCE)
        raise AssertionError("all of it was taken")

    def client(self, version: Version = Version.MQTT_3_1_1, channel: Channel | None = None) -> Client:
        """A client on the plain port, or on some other way."""
        return Client(channel or self.plain(), version)

    def connected(
        self, client_id: str = "ann", version: Version = Version.MQTT_3_1_1, channel: Channel | None = None
    ) -> Client:
        """A connected client."""
        client = self.client(version, channel)
        assert client.connect(client_id).reason_code == 0
        return client

    def _keep(self, connection: socket.socket) -> SocketChannel:
        self._channels.callback(connection.close)
        return SocketChannel(connection)

    def _follow(self) -> None:
        records = self.core.feed.follow(lambda _: False)

        async def follow() -> None:
            async for record in records:
                self._records.put(record)

        self._following = asyncio.get_running_loop().create_task(follow())


def refused(running: Running, reason: str) -> Mapping[str, Any]:
    """Connects a client that is refused for a reason; gives the record."""
    with running.client() as client:
        client.connect()
        assert client.ends() == []
    return running.record("decision", action="connect", allowed=False, reason=reason, client_id="ann")


@contextmanager
def started(
    folder: Path,
    *,
    configuration: str = CONFIGURATION,
    limits: Limits = UNLIMITED,
    function_timeout: float = TIMEOUT,
    time_scale: float = 1,
    data: Path | None = None,
    loop_factory: LoopFactory | None = None,
) -> Iterator[Running]:
    """A core with a function of its own, whose module is written into the folder. Its authorizer is the default."""
    function, clock = Function(), Clock(1000)
    config = folder / "authorizer.toml"
    config.write_text(configuration)
    core = LocalIotCore(
        config,
        handler=function.write(folder),
        limits=limits,
        function_timeout=function_timeout,
        time_scale=time_scale,
        folder=data,
        clock=clock,
    )
    core.loop_factory = loop_factory
    with core:
        if core.authorizers.default is None:
            core.call(lambda: core.authorizers.set_default("chat"))
        with ExitStack() as channels:
            yield Running(core, function, clock, channels)
