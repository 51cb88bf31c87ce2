"""Silent clients are disconnected: before CONNECT, during an HTTP request, and by keep alive."""

from dataclasses import replace
from pathlib import Path

import pytest

from iot_core.mqtt import Disconnect, Pingreq, ReasonCode, Version
from tests.local.harness.client import CONNECT_ANN
from tests.local.harness.fixtures import both_loops, both_versions
from tests.local.harness.running import UNLIMITED, Running, started
from tests.local.harness.slow import slow_client


@both_loops
@pytest.mark.parametrize(
    "beginning",
    [b"", b"\x10", CONNECT_ANN[:-1], b"\x10\xff\xff", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"CONNECT a"],
    ids=repr,
)
def test_a_client_must_show_its_protocol_within_ten_seconds(running: Running, beginning: bytes) -> None:
    channel = running.plain()
    channel.send(beginning)
    running.settle()
    running.pass_time(9.9)
    assert not running.ended(channel)
    running.pass_time(0.2)
    assert channel.receive() == b""
    running.record("refused_bytes", reason="connect_timeout", address="127.0.0.1")


def test_a_websocket_without_a_connect_ends_after_ten_seconds(running: Running) -> None:
    channel = running.web_socket()
    running.pass_time(9.9)
    assert not running.ended(channel.below)
    running.pass_time(0.2)
    assert channel.receive() == b""
    running.record("refused_bytes", reason="connect_timeout")


def test_single_bytes_do_not_postpone_the_connect_timeout(running: Running) -> None:
    channel = running.plain()
    for byte in CONNECT_ANN[:9]:
        channel.send(bytes((byte,)))
        running.settle()
        running.pass_time(1)
    assert not running.ended(channel)
    channel.send(CONNECT_ANN[9:10])
    running.pass_time(1.1)
    assert channel.receive() == b""


def test_a_tls_handshake_that_is_not_completed_ends(folder: Path) -> None:
    with started(folder, limits=replace(UNLIMITED, connect_timeout=0.3)) as running:  # type: ignore[arg-type]
        channel = running.to_port(running.core.tls_port)
        channel.send(b"\x16\x03\x01")
        assert channel.receive() == b""


def test_an_http_request_must_be_complete_within_ten_seconds(running: Running) -> None:
    channel = running.plain()
    channel.send(b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell")
    running.settle()
    running.pass_time(0)
    running.pass_time(9.9)
    assert not running.ended(channel)
    running.pass_time(0.2)
    assert channel.receive() == b""


def test_a_second_http_request_must_be_complete_in_time_too(running: Running) -> None:
    channel = running.plain()
    channel.send(b"GET /default-authorizer HTTP/1.1\r\nHost: localhost\r\n\r\nGET /default")
    received = b""
    while b"}" not in received:
        received += channel.receive()
    running.pass_time(0)
    running.pass_time(10.1)
    assert channel.receive() == b""


def test_a_connection_with_requests_that_are_answered_at_once_stays_open(running: Running) -> None:
    channel = running.plain()
    for _ in range(4):
        channel.send(b"GET /endpoint HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"}" not in received:
            received += channel.receive()
        running.pass_time(4)
    assert not running.ended(channel)


def test_an_http_answer_has_no_time_limit(running: Running) -> None:
    channel = running.plain()
    channel.send(running.ask_for_feed)
    received = b""
    while b"event: live" not in received:
        received += channel.receive()
    for _ in range(3):
        running.pass_time(100)
    assert not running.ended(channel)


@both_versions
def test_a_client_that_is_silent_for_one_and_a_half_times_its_keep_alive_is_disconnected(
    running: Running, version: Version
) -> None:
    with running.client(version) as client:
        client.connect(keep_alive=60)
        running.pass_time(0)
        running.pass_time(89)
        running.pass_time(1)
        assert client.ends() == ([Disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT)] if version == Version.MQTT_5 else [])
    running.record("presence", event="disconnected", disconnect_reason="MQTT_KEEP_ALIVE_TIMEOUT", client_id="ann")


@both_versions
def test_any_packet_keeps_a_client_alive(running: Running, version: Version) -> None:
    with running.client(version) as client:
        client.connect(keep_alive=60)
        for number in range(6):
            running.pass_time(50)
            if number % 2:
                client.publish("a", qos=1)
            else:
                client.ping()
            running.pass_time(0)
        assert not running.ended(client.channel)


@pytest.mark.parametrize(("asked", "seconds"), [(1, 45), (30, 45), (0, 1800), (65_535, 1800)])
def test_the_keep_alive_is_limited_as_by_iot_core(running: Running, asked: int, seconds: int) -> None:
    with running.client() as client:
        client.connect(keep_alive=asked)
        running.pass_time(0)
        running.pass_time(seconds - 1)
        assert not running.ended(client.channel)
        client.send(Pingreq())
        client.next()
        running.pass_time(0)
        running.pass_time(seconds)
        assert client.ends() == []


def test_messages_to_a_client_do_not_keep_it_alive(running: Running) -> None:
    with running.connected("silent") as silent, running.connected("other") as other:
        silent.subscribe("a")
        running.pass_time(0)
        for _ in range(3):
            running.pass_time(29)
            other.publish("a", qos=1)
        running.pass_time(3)
        assert len(silent.ends()) == 3
        other.ping()


def test_a_slow_client_that_reads_is_alive(running: Running) -> None:
    """It is not read while too much waits for it, so its pings say nothing."""
    with slow_client(running) as slow:
        for _ in range(20):
            before = slow.unsent()
            while slow.unsent() == before:
                slow.take(256 * 1024)
            running.pass_time(60)
            if not slow.is_slow():
                return
        raise AssertionError("it never caught up")


def test_a_slow_client_that_does_not_read_is_disconnected(running: Running) -> None:
    with slow_client(running):
        running.pass_time(0)
        running.pass_time(91)
        running.record("presence", event="disconnected", disconnect_reason="MQTT_KEEP_ALIVE_TIMEOUT", client_id="slow")
        running.pass_time(0)
        running.pass_time(6)
        running.wait_until(lambda: not list(running.core.connections))
