"""Many connections and their memory do not disturb other clients."""

import re
import resource
import time
from pathlib import Path

import pytest

from iot_core.mqtt import Publish, Version
from tests.cli.dev import Dev
from tests.local.harness.channels import PATIENCE, SocketChannel, connected_to
from tests.local.harness.client import Client
from tests.local.harness.dev import allow_files
from tests.local.harness.running import Running

pytestmark = pytest.mark.slow

MANY = 1000
MEBIBYTE = 1024 * 1024


def tls_port(dev: Dev) -> int:
    match = re.search(r"mqtts://localhost:(\d+)", dev.greeting)
    assert match
    return int(match[1])


def memory(dev: Dev) -> int:
    """What the process has in memory, in bytes."""
    pages = int(Path(f"/proc/{dev.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def connected(dev: Dev, client_id: str) -> Client:
    client = Client(SocketChannel(connected_to(dev.port)), Version.MQTT_5)
    name = "?x-amz-customauthorizer-name=chat"
    assert client.connect(client_id, user_name=name).reason_code == 0
    return client


def exchange(dev: Dev) -> float:
    """Two clients exchange messages; gives the longest time that one took, in seconds."""
    with connected(dev, "publisher") as publisher, connected(dev, "subscriber") as subscriber:
        subscriber.subscribe("a", 1)
        longest = 0.0
        for number in range(100):
            started = time.perf_counter()
            publisher.publish("a", str(number).encode(), qos=1)
            assert subscriber.expect(Publish).payload == str(number).encode()
            longest = max(longest, time.perf_counter() - started)
    return longest


def test_a_thousand_silent_connections_end_after_ten_seconds(running: Running) -> None:
    allow_files(4096)
    with running.connected("other") as other:
        silent = [running.plain() for _ in range(MANY)]
        running.wait_until(lambda: running.core.server.connection_count == MANY + 1)
        other.ping()
        running.pass_time(10)
        for channel in silent:
            assert channel.receive() == b""
        other.ping()
    running.wait_until(lambda: running.core.server.connection_count == 0)
    running.record("refused_bytes", reason="connect_timeout")


def test_a_thousand_silent_connections_do_not_disturb_others(dev: Dev) -> None:
    exchange(dev)
    before = memory(dev)
    silent = [connected_to(port) for port in (dev.port, tls_port(dev)) for _ in range(MANY // 2)]
    try:
        assert exchange(dev) < PATIENCE
        assert memory(dev) - before < 40 * MEBIBYTE
    finally:
        for connection in silent:
            connection.close()
    assert exchange(dev) < PATIENCE


def test_an_incomplete_packet_costs_only_the_memory_of_its_bytes(dev: Dev) -> None:
    exchange(dev)
    before = memory(dev)
    most = 149_000
    beginning = b"\x10" + bytes((most & 0x7F | 0x80, most >> 7 & 0x7F | 0x80, most >> 14)) + b"\0\4MQTT\4\xc2\0\x3c"
    connections = [connected_to(dev.port) for _ in range(100)]
    try:
        for connection in connections:
            connection.sendall(beginning + bytes(100_000))
        exchange(dev)
        assert memory(dev) - before < 40 * MEBIBYTE
    finally:
        for connection in connections:
            connection.close()


def test_clients_that_connect_and_disconnect_leave_no_memory_behind(dev: Dev) -> None:
    for _ in range(300):
        connected(dev, "warm-up").channel.close()
    before = memory(dev)
    for number in range(1500):
        with connected(dev, f"client-{number}") as client:
            client.subscribe(f"a/{number}")
    exchange(dev)
    assert memory(dev) - before < 8 * MEBIBYTE
