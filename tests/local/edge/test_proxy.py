"""The HTTP CONNECT proxy connects each client to the TLS port, and to no other place."""

import socket

import pytest

from iot_core.edge import sniffing
from iot_core.edge.proxy import Tunnel
from iot_core.edge.sniffing import ProtocolSniffer
from iot_core.mqtt import Connect, Version, encode
from tests.local.harness.channels import SocketChannel, WebSocketChannel, wrapped
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running

pytestmark = both_loops

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def ask(running: Running, target: str) -> SocketChannel:
    """A tunnel to some place."""
    channel = running.plain()
    channel.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert channel.receive() == ESTABLISHED
    return channel


@pytest.mark.parametrize(
    "target", ["abc-ats.iot.us-east-1.amazonaws.com:443", "127.0.0.1:22", "example.com:25", "[::1]:1", "nonsense"]
)
def test_the_proxy_connects_to_the_tls_port_for_every_host(running: Running, target: str) -> None:
    channel = ask(running, target)
    inside = running.around(wrapped(channel.socket, running.core.ca_path, ("mqtt",)))
    running.connected(channel=inside).ping()
    event = running.function.events.get(timeout=10)
    assert event["protocols"] == ["tls", "mqtt"]


def test_a_websocket_works_through_the_proxy(running: Running) -> None:
    channel = ask(running, "a:443")
    inside = running.around(wrapped(channel.socket, running.core.ca_path, ("http/1.1",)))
    running.connected(channel=WebSocketChannel(inside)).ping()


def test_mqtt_without_tls_does_not_work_through_the_proxy(running: Running) -> None:
    channel = ask(running, "a:80")
    channel.send(encode(Connect(Version.MQTT_3_1_1, "ann"), Version.MQTT_3_1_1))
    channel.receive_all()
    assert running.function.events.empty()


def test_bytes_that_come_with_the_request_are_passed_on(running: Running) -> None:
    channel = running.plain()
    channel.send(b"CONNECT a:1 HTTP/1.1\r\n\r\n" + b"\x16\x03\x01\x00")
    assert channel.receive() == ESTABLISHED
    channel.send(b"\x01rubbish")
    channel.receive_all()


def test_a_tunnel_ends_with_its_connection_to_the_tls_port(running: Running) -> None:
    channel = ask(running, "a:443")
    with running.connected(channel=running.around(wrapped(channel.socket, running.core.ca_path))) as client:
        client.disconnect()
        assert client.ends() == []
    running.wait_until(lambda: running.core.server.connection_count == 0)


def test_a_tunnel_ends_with_its_client(running: Running) -> None:
    channel = ask(running, "a:443")
    client = running.connected(channel=running.around(wrapped(channel.socket, running.core.ca_path)))
    client.channel.close()
    running.record("presence", event="disconnected", disconnect_reason="CONNECTION_LOST")
    running.wait_until(lambda: running.core.server.connection_count == 0)


def test_a_client_that_closes_at_once_leaves_no_tunnel(running: Running) -> None:
    for _ in range(20):
        channel = running.plain()
        channel.send(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
        channel.close()
    running.wait_until(lambda: running.core.server.connection_count == 0)


def test_a_tls_port_that_cannot_be_reached_is_502(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    monkeypatch.setattr(sniffing, "Tunnel", lambda transport, _, *more: Tunnel(transport, address, *more))
    channel = running.plain()
    channel.send(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
    assert channel.receive_all().startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_the_proxy_works_within_tls(running: Running) -> None:
    channel = running.tls(("http/1.1",))
    channel.send(b"CONNECT a:443 HTTP/1.1\r\n\r\n")
    assert channel.receive() == ESTABLISHED
    channel.send(b"not TLS")
    channel.receive_all()


def test_only_this_machine_can_use_the_proxy(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProtocolSniffer, "is_local", False)
    channel = running.plain()
    channel.send(b"CONNECT anywhere:443 HTTP/1.1\r\n\r\n")
    assert channel.receive_all().startswith(b"HTTP/1.1 403 ")
