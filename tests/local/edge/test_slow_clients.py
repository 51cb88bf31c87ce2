"""A client that does not read costs a limited number of bytes, and does not delay others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iot_core.mqtt import NO_PROPERTIES, Pingreq, Publish, Subscribe, Subscription, Version, encode
from tests.local.harness.channels import wrapped
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import UNLIMITED, LoopFactory, Running, started

pytestmark = pytest.mark.slow

ROOM = 256 * 1024
"""What may wait for one client."""
MORE = 1024 * 1024
"""What one turn of the loop may add to it."""
WEB_SOCKET_PING = b"\x89\xfd" + 129 * b"\0"
PUBLISH = encode(Publish("a", b"", 1, packet_id=1), Version.MQTT_3_1_1)


@pytest.fixture
def running(folder: Path, loop_factory: LoopFactory) -> Iterator[Running]:
    """A core that keeps little for a slow client."""
    with started(folder, limits=replace(UNLIMITED, queued_bytes=ROOM), loop_factory=loop_factory) as running:
        yield running


def unsent(running: Running) -> int:
    """How much waits for all clients."""
    return running.core.call(lambda: sum(connection.unsent for connection in running.core.connections))


@both_loops
@pytest.mark.parametrize("content", [encode(Pingreq(), Version.MQTT_3_1_1), PUBLISH], ids=["pings", "publishes"])
def test_a_client_that_does_not_read_its_answers_is_not_read(running: Running, content: bytes) -> None:
    with running.connected("greedy", channel=running.narrow()) as greedy, running.connected("other") as other:
        running.fill(greedy, content)
        assert unsent(running) < ROOM + MORE
        other.ping()


def test_a_client_that_reads_its_answers_later_is_read_again(running: Running) -> None:
    with running.connected("greedy", channel=running.narrow()) as greedy:
        sent = running.fill(greedy, b"\xc0\x00")
        received = b""
        while len(received) < sent // 2 * 2:
            received += greedy.channel.receive()
        assert received == sent // 2 * b"\xd0\x00"
        greedy.channel.send(b"\xc0\x00"[sent % 2 :])
        assert greedy.channel.receive() == b"\xd0\x00"


@both_loops
def test_websocket_pings_of_a_client_that_does_not_read_are_not_answered_without_end(running: Running) -> None:
    channel = running.web_socket(running.narrow())
    with running.connected("other") as other:
        running.fill(running.client(channel=channel.below), WEB_SOCKET_PING)
        assert unsent(running) < ROOM + MORE
        other.ping()


@both_loops
def test_retained_messages_are_not_sent_without_end_to_a_client_that_does_not_read(running: Running) -> None:
    with running.connected("publisher") as publisher, running.connected("asks", channel=running.narrow()) as asks:
        publisher.publish("kept", bytes(100_000), qos=1, retain=True)
        subscribe = Subscribe(1, (Subscription("kept", 0),), NO_PROPERTIES)
        asks.channel.send(2000 * encode(subscribe, Version.MQTT_3_1_1))
        running.wait_until(lambda: any(connection.slow for connection in running.core.connections))
        publisher.ping()
        assert unsent(running) < ROOM + MORE


@both_loops
def test_messages_of_qos_0_to_a_slow_client_are_dropped_and_counted(running: Running) -> None:
    with running.connected("slow", channel=running.narrow()) as slow, running.connected("publisher") as publisher:
        slow.subscribe("much")
        for _ in range(200):
            publisher.publish("much", bytes(100_000))
        publisher.ping()
        assert unsent(running) < ROOM + MORE
    running.record("dropped", client_id="slow", reason="slow")


@both_loops
def test_a_client_that_is_too_slow_for_qos_1_is_disconnected(running: Running) -> None:
    with running.connected("slow", channel=running.narrow()) as slow, running.connected("publisher") as publisher:
        slow.subscribe("much", 1)
        for _ in range(1200):
            publisher.publish("much", bytes(20_000), qos=1)
        running.record("presence", event="disconnected", disconnect_reason="THROTTLED", client_id="slow")
        publisher.ping()
        running.pass_time(0)
        running.pass_time(6)
        running.wait_until(lambda: len(list(running.core.connections)) == 1)


@both_loops
def test_a_slow_client_gets_its_queued_messages_when_it_reads(running: Running) -> None:
    with running.connected("slow", channel=running.narrow()) as slow, running.connected("publisher") as publisher:
        slow.subscribe("much", 1)
        for number in range(45):
            publisher.publish("much", number.to_bytes(2) + bytes(10_000), qos=1)
        for number in range(45):
            message = slow.expect(Publish)
            assert message.payload[:2] == number.to_bytes(2)


def test_the_proxy_does_not_read_more_than_it_can_pass_on(running: Running) -> None:
    channel = running.narrow()
    channel.send(b"CONNECT iot.example.com:443 HTTP/1.1\r\n\r\n")
    assert channel.receive().startswith(b"HTTP/1.1 200 ")
    inside = wrapped(channel.socket, running.core.ca_path, ("mqtt",))
    with running.connected("greedy", channel=running.around(inside)) as greedy, running.connected("other") as other:
        assert running.fill(greedy, b"\xc0\x00") < 32 * MORE
        assert unsent(running) < ROOM + MORE
        other.ping()


@both_loops
@pytest.mark.parametrize("way", ["plain", "tls"])
def test_messages_to_a_client_that_has_just_closed_cause_no_log_lines(
    running: Running, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], way: str
) -> None:
    with running.connected("publisher") as publisher:
        for _ in range(20):
            gone = running.connected("gone", channel=running.way(way))
            gone.subscribe("a")
            gone.channel.close()
            for _ in range(30):
                publisher.publish("a", bytes(1000))
            publisher.ping()
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
