"""Both ports serve MQTT, WebSocket and HTTP. ALPN, the first byte or the Upgrade header decides the protocol."""

import pytest

from iot_core.mqtt import Connack, Version
from tests.local.harness.channels import SocketChannel
from tests.local.harness.client import CONNECT_ANN
from tests.local.harness.fixtures import both_loops, both_versions
from tests.local.harness.running import Running

pytestmark = both_loops

HTTP_ALPN = [(), ("http/1.1",), ("h2", "http/1.1")]
MQTT_ALPN = [(), ("mqtt",), ("x-amzn-mqtt-ca", "mqtt"), ("h2", "mqtt"), ("unheard-of",)]


@both_versions
@pytest.mark.parametrize("alpn", [None, *MQTT_ALPN], ids=str)
def test_both_ports_speak_mqtt(running: Running, version: Version, alpn: tuple[str, ...] | None) -> None:
    channel = running.plain() if alpn is None else running.tls(alpn)
    running.connected(version=version, channel=channel).ping()


@both_versions
@pytest.mark.parametrize("alpn", [None, *HTTP_ALPN], ids=str)
def test_both_ports_speak_mqtt_over_websocket(running: Running, version: Version, alpn: tuple[str, ...] | None) -> None:
    below = running.plain() if alpn is None else running.tls(alpn)
    running.connected(version=version, channel=running.web_socket(below)).ping()


def ask(channel: SocketChannel) -> bytes:
    """The status line of an answer over HTTP."""
    channel.send(b"GET /endpoint?endpointType=iot:Data-ATS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return channel.receive_all().split(b"\r\n")[0]


@pytest.mark.parametrize("alpn", [None, *HTTP_ALPN], ids=str)
def test_both_ports_speak_http(running: Running, alpn: tuple[str, ...] | None) -> None:
    assert ask(running.plain() if alpn is None else running.tls(alpn)) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("alpn", "content"),
    [("mqtt", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), ("http/1.1", CONNECT_ANN)],
    ids=["HTTP as mqtt", "MQTT as http/1.1"],
)
def test_alpn_decides_the_protocol(running: Running, alpn: str, content: bytes) -> None:
    channel = running.tls((alpn,))
    channel.send(content)
    assert channel.receive_all() == b""
    running.record("refused_bytes", reason="not_mqtt")


@pytest.mark.parametrize("alpn", ["x-amzn-mqtt-ca", "x-amzn-http-ca"])
@pytest.mark.parametrize("content", [CONNECT_ANN, b"POST /topics/a HTTP/1.1\r\n", b"?"], ids=["mqtt", "http", "other"])
def test_with_an_alpn_name_for_certificates_no_authorizer_is_asked(running: Running, alpn: str, content: bytes) -> None:
    channel = running.tls((alpn,))
    channel.send(content)
    assert channel.receive_all() == b""
    assert alpn in running.record("refused_bytes", reason="alpn_not_allowed")["detail"]
    assert running.function.events.empty()


def test_the_first_byte_can_come_alone(running: Running) -> None:
    with running.client() as client:
        client.channel.send(CONNECT_ANN[:1])
        client.channel.send(CONNECT_ANN[1:])
        assert client.expect(Connack).reason_code == 0


def test_an_http_request_can_come_byte_by_byte(running: Running) -> None:
    channel = running.plain()
    for byte in b"GET /endpoint?endpointType=iot:Data-ATS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
        channel.send(bytes((byte,)))
    assert channel.receive_all().startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_requests_can_be_pipelined(running: Running) -> None:
    channel = running.plain()
    one = b"GET /default-authorizer HTTP/1.1\r\nHost: localhost\r\n"
    channel.send(one + b"\r\n" + one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert channel.receive_all().count(b"HTTP/1.1 200 OK\r\n") == 3
