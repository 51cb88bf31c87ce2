"""Invalid input ends only its own connection, with the right reason."""

import socket
import struct

import pytest

from iot_core.mqtt import Disconnect, Publish, ReasonCode, Version
from tests.local.harness.channels import SocketChannel, wrapped
from tests.local.harness.client import CONNECT_ANN
from tests.local.harness.fixtures import both_loops, both_versions
from tests.local.harness.others import Others
from tests.local.harness.running import Running

pytestmark = both_loops

PUBLISH = b"\x30\x03\x00\x01a"

BEFORE_CONNECT = {
    "publish": PUBLISH,
    "ping": b"\xc0\x00",
    "reserved packet type": b"\xf0\x00",
    "nothing but zeros": bytes(100),
    "connect with flags": b"\x1f" + CONNECT_ANN[1:],
    "connect of a broken length": b"\x10\xff\xff\xff\xff\x01",
    "connect of 256 MB": b"\x10\xff\xff\xff\x7f" + bytes(1000),
    "connect too long by a byte": b"\x10\x81\x90\x09",
    "connect of another protocol": b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x3c\x00\x00",
    "connect with a client ID that is no UTF-8": CONNECT_ANN[:-1] + b"\xff",
    "connect with U+0000": CONNECT_ANN[:-1] + b"\0",
    "connect with a surrogate": CONNECT_ANN[:-3] + b"\xed\xa0\x80",
    "connect that is cut short": b"\x10\x0b" + CONNECT_ANN[2:13],
    "connect with more behind it": b"\x10\x10" + CONNECT_ANN[2:] + b"x",
    "random bytes": bytes(range(7, 256, 11)),
    "telnet": b"\xff\xfd\x06\xff\xfb\x18",
    "smtp": b"ehlo localhost\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "a tls handshake": bytes.fromhex("16030100a5010000a10303"),
    "ssl 2": bytes.fromhex("802e0100020015000000"),
}


@pytest.mark.one_core
@pytest.mark.parametrize("way", ["plain", "tls", "web_socket"])
@pytest.mark.parametrize("content", BEFORE_CONNECT.values(), ids=list(BEFORE_CONNECT))
def test_bytes_that_are_not_a_connect_end_their_connection(
    running: Running, others: Others, content: bytes, way: str
) -> None:
    channel = running.way(way)
    channel.send(content)
    others.exchange()
    assert channel.receive() in (b"", b"\x20\x02\x00\x01")
    assert channel.receive() == b""
    running.record("refused_bytes", reason="not_mqtt", address="127.0.0.1")


@pytest.mark.parametrize(
    "content",
    [CONNECT_ANN, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(1000), bytes.fromhex("16030100050100000100")],
    ids=["mqtt", "http", "zeros", "a broken handshake"],
)
def test_bytes_that_are_not_tls_end_their_connection_to_the_tls_port(
    running: Running, others: Others, content: bytes
) -> None:
    channel = running.to_port(running.core.tls_port)
    channel.send(content)
    others.exchange()
    channel.receive_all()


def test_a_tls_handshake_on_the_plain_port_is_refused_with_advice(running: Running) -> None:
    with pytest.raises(OSError):
        wrapped(running.plain().socket, running.core.ca_path)
    running.record("refused_bytes", detail="a TLS handshake: use the TLS port")


AFTER_CONNECT = {
    "a second connect": (CONNECT_ANN, ReasonCode.PROTOCOL_ERROR),
    "a connack": (b"\x20\x03\x00\x00\x00", ReasonCode.PROTOCOL_ERROR),
    "reserved packet type": (b"\x00\x00", ReasonCode.MALFORMED_PACKET),
    "publish of qos 3": (b"\x36\x06\x00\x01a\x00\x01\x00", ReasonCode.MALFORMED_PACKET),
    "publish of 256 MB": (b"\x30\xff\xff\xff\x7f", ReasonCode.PACKET_TOO_LARGE),
    "a broken length": (b"\x30\xff\xff\xff\xff\x01", ReasonCode.MALFORMED_PACKET),
    "a topic that is no utf-8": (b"\x30\x05\x00\x02\xc3\x28\x00", ReasonCode.MALFORMED_PACKET),
    "subscribe to nothing": (b"\x82\x03\x00\x01\x00", ReasonCode.PROTOCOL_ERROR),
}


@pytest.mark.one_core
@pytest.mark.parametrize(("content", "code"), AFTER_CONNECT.values(), ids=list(AFTER_CONNECT))
def test_an_invalid_packet_ends_its_connection_with_a_reason_code(
    running: Running, others: Others, content: bytes, code: ReasonCode
) -> None:
    with running.connected(version=Version.MQTT_5) as client:
        client.channel.send(content)
        assert client.ends() == [Disconnect(code)]
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


def test_an_invalid_packet_of_mqtt_3_1_1_ends_its_connection(running: Running, others: Others) -> None:
    with running.connected() as client:
        client.channel.send(b"\x36\x06\x00\x01a\x00\x01\x00")
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


@both_versions
def test_valid_packets_before_an_invalid_one_are_processed(running: Running, others: Others, version: Version) -> None:
    with running.connected("watcher") as watcher, running.connected(version=version) as client:
        watcher.subscribe("a")
        publish = b"\x30\x04\x00\x01a\x00" if version == Version.MQTT_5 else PUBLISH
        client.channel.send(3 * publish + b"\x00\x00" + publish)
        client.ends()
        for _ in range(3):
            watcher.expect(Publish)
        watcher.ping()


def takes_a_gigabyte(channel: SocketChannel) -> bool:
    try:
        for _ in range(16_384):
            channel.send(bytes(65_536))
    except OSError:
        return False
    return True


def test_a_packet_that_is_too_long_is_refused_by_its_length_and_not_read(running: Running, others: Others) -> None:
    with running.connected() as client:
        assert isinstance(client.channel, SocketChannel)
        client.channel.send(b"\x30\xff\xff\xff\x7f\x00\x01a")
        assert not takes_a_gigabyte(client.channel)
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


@pytest.mark.parametrize(
    "beginning", [b"", b"\x10", CONNECT_ANN, b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "half closed"])
def test_a_connection_that_is_reset_or_half_closed_is_closed(
    running: Running, others: Others, beginning: bytes, reset: bool
) -> None:
    for _ in range(10 if reset else 1):
        channel = running.plain()
        channel.send(beginning)
        if reset:
            channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            channel.close()
        else:
            channel.socket.shutdown(socket.SHUT_WR)
            channel.receive_all()
    others.exchange()
    running.wait_until(lambda: running.core.server.connection_count == 2)
