"""Two ports, each for MQTT, WebSocket and HTTP: told apart by ALPN, else by the first byte and the Upgrade header."""

import pytest

from iot_core.mqtt import Connack, Version
from tests.local.harness.channels import SocketChannel
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running

pytestmark = both_loops

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.name)
ALPN = pytest.mark.parametrize("alpn", [(), ("mqtt",), ("x-amzn-mqtt-ca",), ("h2", "mqtt"), ("unheard-of",)], ids=str)
HTTP_ALPN = pytest.mark.parametrize("alpn", [(), ("http/1.1",), ("h2", "http/1.1")], ids=str)


@VERSIONS
def test_the_plain_port_speaks_mqtt(running: Running, version: Version) -> None:
    with running.connected(version=version) as client:
        client.ping()


@VERSIONS
@ALPN
def test_the_tls_port_speaks_mqtt(running: Running, version: Version, alpn: tuple[str, ...]) -> None:
    with running.connected(version=version, channel=running.tls(alpn)) as client:
        client.ping()


@VERSIONS
def test_the_plain_port_speaks_mqtt_over_websocket(running: Running, version: Version) -> None:
    with running.connected(version=version, channel=running.web_socket()) as client:
        client.ping()


@VERSIONS
@HTTP_ALPN
def test_the_tls_port_speaks_mqtt_over_websocket(running: Running, version: Version, alpn: tuple[str, ...]) -> None:
    with running.connected(version=version, channel=running.web_socket(running.tls(alpn))) as client:
        client.ping()


def ask(channel: SocketChannel) -> bytes:
    """The status line of an answer over HTTP."""
    channel.send(b"GET /endpoint?endpointType=iot:Data-ATS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return channel.receive_all().split(b"\r\n")[0]


def test_the_plain_port_speaks_http(running: Running) -> None:
    assert ask(running.plain()) == b"HTTP/1.1 200 OK"


@HTTP_ALPN
def test_the_tls_port_speaks_http(running: Running, alpn: tuple[str, ...]) -> None:
    assert ask(running.tls(alpn)) == b"HTTP/1.1 200 OK"


def test_alpn_mqtt_means_mqtt_whatever_comes(running: Running) -> None:
    channel = running.tls(("mqtt",))
    channel.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert channel.receive_all() == b""
    running.record("refused_bytes", reason="not_mqtt")


def test_alpn_http_means_http_whatever_comes(running: Running) -> None:
    channel = running.tls(("http/1.1",))
    channel.send(bytes.fromhex("100c00044d5154540402003c0000"))
    assert channel.receive_all() == b""
    running.record("refused_bytes", reason="not_mqtt", detail="neither MQTT nor HTTP")


def test_the_first_byte_may_come_alone(running: Running) -> None:
    with running.client() as client:
        client.channel.send(b"\x10")
        client.channel.send(bytes.fromhex("0f00044d5154540402003c0003616e6e"))
        assert client.expect(Connack).reason_code == 0


def test_an_http_request_may_come_byte_by_byte(running: Running) -> None:
    channel = running.plain()
    for byte in b"GET /endpoint?endpointType=iot:Data-ATS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
        channel.send(bytes((byte,)))
    assert channel.receive_all().startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_requests_may_be_sent_before_the_answers_come(running: Running) -> None:
    channel = running.plain()
    one = b"GET /default-authorizer HTTP/1.1\r\nHost: localhost\r\n"
    channel.send(one + b"\r\n" + one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert channel.receive_all().count(b"HTTP/1.1 200 OK\r\n") == 3
