"""What happens to clients while they are being authorized."""

import pytest

from tests.local.harness.client import CONNECT_ANN
from tests.local.harness.fixtures import both_loops
from tests.local.harness.function import allow
from tests.local.harness.gate import Gate
from tests.local.harness.running import Running


def test_a_refused_refresh_of_a_taken_over_client_does_not_end_the_newer_client(running: Running) -> None:
    with running.connected() as older:
        gate = Gate(running)
        running.core.call(running.core.apply_configuration)
        gate.reached()
        with running.client() as newer:
            newer.channel.send(CONNECT_ANN)
            gate.reached()
            gate.open(1)
            assert newer.next() is not None
            assert older.ends() == []
            gate.open(0, allowed=False)
            newer.ping()
            session = running.core.broker.session("ann")
            assert session is not None
            assert session.connected


def test_of_two_clients_that_are_authorized_at_once_the_one_that_connects_later_stays(running: Running) -> None:
    gate = Gate(running)
    with running.client() as first, running.client() as second:
        for client in (first, second):
            client.channel.send(CONNECT_ANN)
            gate.reached()
        gate.open(1)
        assert second.next() is not None
        gate.open(0)
        assert first.next() is not None
        assert second.ends() == []
        first.ping()


@both_loops
@pytest.mark.parametrize("allowed", [True, False])
def test_a_client_that_closes_while_it_is_authorized_leaves_no_connection(running: Running, allowed: bool) -> None:
    gate = Gate(running)
    client = running.client()
    client.channel.send(CONNECT_ANN)
    gate.reached()
    client.channel.close()
    gate.open(0, allowed=allowed)
    running.record("decision", action="connect", allowed=allowed)
    if allowed:
        running.record("presence", event="disconnected", disconnect_reason="CONNECTION_LOST")
    assert running.core.broker.session("ann") is None
    running.wait_until(lambda: not list(running.core.connections))


@both_loops
def test_a_client_that_closes_during_its_refresh_leaves_no_connection(running: Running) -> None:
    with running.connected():
        gate = Gate(running)
        running.core.call(running.core.apply_configuration)
        gate.reached()
    running.record("presence", event="disconnected", disconnect_reason="CONNECTION_LOST")
    gate.open(0, allowed=False)
    running.wait_until(lambda: not list(running.core.connections))
    running.function.answer = lambda _: allow()
    running.connected().ping()


@both_loops
def test_packets_after_the_connect_wait_in_the_network(running: Running) -> None:
    gate = Gate(running)
    with running.client(channel=running.plain()) as client:
        client.channel.send(CONNECT_ANN)
        gate.reached()
        sent = running.fill(client, b"\xc0\x00")
        assert sent < 32 * 1024 * 1024
        gate.open(0)
        assert client.next() is not None
        for _ in range(min(sent // 2, 10_000)):
            client.next()


@both_loops
def test_a_websocket_is_not_read_while_its_client_is_authorized(running: Running) -> None:
    gate = Gate(running)
    channel = running.web_socket()
    channel.send(CONNECT_ANN)
    gate.reached()
    running.fill(running.client(channel=channel.below), b"\x8a\xfd" + 129 * b"\0")
    gate.open(0)
    assert channel.receive() == b"\x20\x02\0\0"


def test_an_answer_of_an_earlier_configuration_is_refreshed(running: Running) -> None:
    gate = Gate(running)
    with running.client() as client:
        client.channel.send(CONNECT_ANN)
        gate.reached()
        running.function.answer = lambda _: allow(isAuthenticated=False)
        running.core.call(running.core.apply_configuration)
        gate.open(0)
        assert len(client.ends()) == 1
    running.record("decision", action="connect", allowed=True)
    running.record("decision", action="refresh", allowed=False)
