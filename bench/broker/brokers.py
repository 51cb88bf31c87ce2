"""The brokers that are measured: processes of their own, on free ports of the loopback interface."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from bench.broker.client import Address, BrokerFailed, open_connection
from bench.broker.credentials import Credentials

HOST = "127.0.0.1"
_POLL = 0.002
_START_WITHIN = 20
_STOP_WITHIN = 5
MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
"""Debian puts it where the PATH of root alone leads."""


class NotStarted(Exception):
    """A broker's process ended or let no client in; with the last line that it wrote."""


class Broker(ABC):
    """A broker's process; `with` starts it and waits until it lets a client in.

    It can be started again after it was stopped, and then has new ports and an empty folder.
    """

    name: ClassVar[str]

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.address: Address = (HOST, 0)
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes]
        self._log: Path

    @abstractmethod
    def command(self, folder: Path, port: int, tls_port: int) -> list[str]:
        """What to run. Files may be written to the folder, which goes when the broker is stopped."""

    @property
    def pid(self) -> int:
        """The process's ID."""
        return self._process.pid

    def launch(self) -> None:
        """Starts the process, and waits for nothing."""
        folder = Path(self._running.enter_context(tempfile.TemporaryDirectory()))
        port, tls_port = _free_ports(2)
        self.address, self._log = (HOST, port), folder / "log"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(folder, port, tls_port), cwd=folder, env=environment, stdout=log, stderr=log
            )
        self._running.callback(_end, self._process)

    def wait_until(self, ready: Callable[["Broker"], bool]) -> None:
        """Asks every 2 ms. Raises NotStarted."""
        deadline = time.perf_counter() + _START_WITHIN
        while not ready(self):
            if self._process.poll() is not None or time.perf_counter() > deadline:
                said = self._log.read_text(errors="replace").strip().splitlines()
                raise NotStarted(f"{self.name}: {said[-1] if said else 'said nothing'}")
            time.sleep(_POLL)

    def stop(self) -> None:
        """Ends the process, and removes its folder."""
        self._running.close()

    def __enter__(self) -> Self:
        try:
            self.launch()
            self.wait_until(accepts_connect)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class IotAuthorizer(Broker):
    """This project's: each connection is authorized by the Lambda's code, each message by the policy it gave."""

    name = "iot-authorizer"

    def command(self, folder: Path, port: int, tls_port: int) -> list[str]:
        """Without the limits of IoT Core, which are far below what is measured."""
        options = {
            "--config": self.credentials.config,
            "--port": port,
            "--tls-port": tls_port,
            "--data": folder / "data",
        }
        program = Path(sys.executable).with_name("iot-authorizer")
        return [str(program), "dev", *(str(part) for option in options.items() for part in option), "--no-throttling"]


class Mosquitto(Broker):
    """Debian's: anybody may do anything, nothing is kept on disk, and nothing is dropped."""

    name = "mosquitto"

    def __init__(self, credentials: Credentials, *, no_delay: bool = False) -> None:
        super().__init__(credentials)
        self._no_delay = no_delay

    def command(self, folder: Path, port: int, tls_port: int) -> list[str]:  # noqa: ARG002 (it has no TLS port here)
        """As Debian has it, but for its limits; `no_delay` sets TCP_NODELAY, which it leaves off.

        Off, the kernel gathers small packets (Nagle's algorithm): more messages a second, but at some rates 40 ms late.
        """
        lines = [
            f"listener {port} {HOST}",
            "allow_anonymous true",
            "persistence false",
            "max_inflight_messages 0",
            "max_queued_messages 0",
            f"set_tcp_nodelay {str(self._no_delay).lower()}",
            "log_type error",
            "log_dest stderr",
        ]
        path = folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n")
        return [str(MOSQUITTO), "-c", str(path)]


def brokers(credentials: Credentials, *, mosquitto_no_delay: bool = False) -> list[Broker]:
    """Those that this machine has: this project's, then Mosquitto where it is installed. None is started yet."""
    found: list[Broker] = [IotAuthorizer(credentials)]
    if MOSQUITTO:
        found.append(Mosquitto(credentials, no_delay=mosquitto_no_delay))
    return found


def accepts_connect(broker: Broker) -> bool:
    """Whether it lets a client in."""
    try:
        open_connection(broker.address, broker.credentials.connect("ready")).close()
    except (OSError, BrokerFailed):
        return False
    return True


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in sockets]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
