"""Stopping: clients are told, sessions are stored, and no resource is left."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from iot_core.mqtt import Disconnect, Packet, Publish, ReasonCode, Version, Will
from tests.cli.dev import Dev
from tests.local.harness.channels import PATIENCE, SocketChannel, connected_to
from tests.local.harness.client import Client
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import LoopFactory, started
from tests.local.harness.slow import slow_client

pytestmark = pytest.mark.slow

TOLD = [Disconnect(ReasonCode.SERVER_SHUTTING_DOWN)]


@both_loops
@pytest.mark.parametrize("way", ["plain", "tls", "web_socket"])
def test_clients_of_mqtt_5_get_a_disconnect_when_the_server_stops(
    folder: Path, loop_factory: LoopFactory, way: str
) -> None:
    with started(folder, loop_factory=loop_factory) as running, ThreadPoolExecutor() as threads:
        client = running.connected(version=Version.MQTT_5, channel=running.way(way))

        def read() -> list[Packet]:
            with client:
                return client.ends()

        found = threads.submit(read)
        running.stop()
        assert found.result() == TOLD


@both_loops
def test_connections_of_all_protocols_end_when_the_server_stops(folder: Path, loop_factory: LoopFactory) -> None:
    with started(folder, loop_factory=loop_factory) as running:
        silent, secret, half, tunnel = (running.plain(), running.tls(), running.plain(), running.plain())
        half.send(b"GET / HTTP/1.1\r\n")
        tunnel.send(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
        tunnel.receive()
        feed = running.plain()
        feed.send(running.ask_for_feed)
        feed.receive()
        web_socket = running.web_socket()
        running.wait_until(lambda: running.core.server.connection_count == 6)
        running.stop()
        for channel in (silent, secret, half, tunnel, feed):
            channel.receive_all()
        assert web_socket.receive() == b""


@both_loops
def test_the_server_stops_without_output_on_the_terminal(
    folder: Path, loop_factory: LoopFactory, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with started(folder, loop_factory=loop_factory) as running:
        feed = running.plain()
        feed.send(running.ask_for_feed)
        feed.receive()
        running.connected(channel=running.web_socket(running.tls()))
        running.plain()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@both_loops
def test_a_request_that_waits_for_the_authorizer_ends_without_output(
    folder: Path, loop_factory: LoopFactory, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with started(folder, loop_factory=loop_factory) as running:
        reached, gate = running.function.hold()
        channel = running.plain()
        channel.send(b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        assert reached.wait(PATIENCE)
        running.stop()
        assert channel.receive_all() == b""
    gate.set()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@both_loops
def test_a_client_that_does_not_read_does_not_keep_the_server_from_stopping(
    folder: Path, loop_factory: LoopFactory
) -> None:
    with started(folder, loop_factory=loop_factory) as running, slow_client(running):
        running.stop()


def test_after_the_stop_the_port_is_free(folder: Path) -> None:
    with started(folder) as running:
        port = running.core.port
        running.connected()
    with pytest.raises(ConnectionRefusedError):
        connected_to(port)


def test_wills_are_published_at_the_stop_and_sessions_survive_it(folder: Path) -> None:
    data = folder / "data"
    with started(folder, data=data) as running:
        with running.client() as away:
            away.connect("away", clean_start=False)
            away.subscribe("wills", 1)
            away.disconnect()
            away.ends()
        running.client().connect("ann", will=Will("wills", b"gone", 1))
    with started(folder, data=data) as running, running.client() as away:
        assert away.connect("away", clean_start=False).session_present
        assert away.expect(Publish).payload == b"gone"


@both_loops
def test_after_the_stop_no_thread_and_no_open_loop_is_left(folder: Path, loop_factory: LoopFactory) -> None:
    before = threading.active_count()
    loops: list[asyncio.AbstractEventLoop] = []

    def note() -> None:
        loops.append(asyncio.get_running_loop())

    with started(folder, loop_factory=loop_factory) as running:
        running.core.call(note)
        running.connected(channel=running.tls())
    assert loops[0].is_closed()
    deadline = threading.Event()
    for _ in range(1000):
        if threading.active_count() <= before:
            return
        deadline.wait(0.005)
    raise AssertionError([thread.name for thread in threading.enumerate()])


def test_a_stopped_server_can_be_started_again(folder: Path) -> None:
    with started(folder) as running:
        core = running.core
        running.connected()
    core.port = core.tls_port = 0
    with core:
        client = Client(SocketChannel(connected_to(core.port)))
        core.call(lambda: core.authorizers.set_default("chat"))
        assert client.connect().reason_code == 0
        client.channel.close()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_process_that_gets_a_signal_tells_its_clients(dev: Dev, name: signal.Signals) -> None:
    with Client(SocketChannel(connected_to(dev.port)), Version.MQTT_5) as client:
        assert client.connect(user_name="?x-amz-customauthorizer-name=chat").reason_code == 0
        dev.process.send_signal(name)
        assert client.ends() == TOLD
    assert dev.process.wait(10) == 0
    assert dev.log == ""
