"""Bad input ends its own connection, for the right reason, and disturbs nobody else."""

import socket
import struct

import pytest

from iot_core.mqtt import Disconnect, Publish, ReasonCode, Version
from tests.local.harness.channels import SocketChannel, wrapped
from tests.local.harness.fixtures import both_loops
from tests.local.harness.others import Others
from tests.local.harness.running import Running

pytestmark = both_loops

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.name)
CONNECT = bytes.fromhex("100f00044d5154540402003c0003616e6e")
PUBLISH = b"\x30\x03\x00\x01a"

BEFORE_CONNECT = {
    "publish": PUBLISH,
    "ping": b"\xc0\x00",
    "reserved packet type": b"\xf0\x00",
    "nothing but zeros": bytes(100),
    "connect with flags": b"\x1f" + CONNECT[1:],
    "connect of a broken length": b"\x10\xff\xff\xff\xff\x01",
    "connect of 256 MB": b"\x10\xff\xff\xff\x7f" + bytes(1000),
    "connect too long by a byte": b"\x10\x81\x90\x09",
    "connect of another protocol": b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x3c\x00\x00",
    "connect with a client ID that is no UTF-8": CONNECT[:-1] + b"\xff",
    "connect with U+0000": CONNECT[:-1] + b"\0",
    "connect with a surrogate": CONNECT[:-3] + b"\xed\xa0\x80",
    "connect that is cut short": b"\x10\x0b" + CONNECT[2:13],
    "connect with more behind it": b"\x10\x10" + CONNECT[2:] + b"x",
    "random bytes": bytes(range(7, 256, 11)),
    "telnet": b"\xff\xfd\x06\xff\xfb\x18",
    "smtp": b"ehlo localhost\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "a tls handshake": bytes.fromhex("16030100a5010000a10303"),
    "ssl 2": bytes.fromhex("802e0100020015000000"),
}


@pytest.mark.parametrize("content", BEFORE_CONNECT.values(), ids=list(BEFORE_CONNECT))
def test_rubbish_on_the_plain_port_ends_its_connection(running: Running, others: Others, content: bytes) -> None:
    channel = running.plain()
    channel.send(content)
    others.exchange()
    assert channel.receive_all() in (b"", b"\x20\x02\x00\x01")
    running.record("refused_bytes", reason="not_mqtt", source="127.0.0.1")


@pytest.mark.parametrize("content", BEFORE_CONNECT.values(), ids=list(BEFORE_CONNECT))
def test_rubbish_within_tls_ends_its_connection(running: Running, others: Others, content: bytes) -> None:
    channel = running.tls()
    channel.send(content)
    others.exchange()
    assert channel.receive_all() in (b"", b"\x20\x02\x00\x01")
    running.record("refused_bytes", reason="not_mqtt")


@pytest.mark.parametrize("content", BEFORE_CONNECT.values(), ids=list(BEFORE_CONNECT))
def test_rubbish_in_a_websocket_ends_it(running: Running, others: Others, content: bytes) -> None:
    channel = running.web_socket()
    channel.send(content)
    others.exchange()
    assert channel.receive() in (b"", b"\x20\x02\x00\x01")
    running.record("refused_bytes", reason="not_mqtt")


@pytest.mark.parametrize(
    "content",
    [CONNECT, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(1000), bytes.fromhex("16030100050100000100")],
    ids=["mqtt", "http", "zeros", "a broken handshake"],
)
def test_what_is_no_tls_ends_its_connection_to_the_tls_port(running: Running, others: Others, content: bytes) -> None:
    channel = running.to_port(running.core.tls_port)
    channel.send(content)
    others.exchange()
    channel.receive_all()


def test_tls_on_the_plain_port_says_so(running: Running) -> None:
    with pytest.raises(OSError):
        wrapped(running.plain().socket, running.core.ca_path)
    running.record("refused_bytes", detail="a TLS handshake: use the TLS port")


AFTER_CONNECT = {
    "a second connect": (CONNECT, ReasonCode.PROTOCOL_ERROR),
    "a connack": (b"\x20\x03\x00\x00\x00", ReasonCode.PROTOCOL_ERROR),
    "reserved packet type": (b"\x00\x00", ReasonCode.MALFORMED_PACKET),
    "publish of qos 3": (b"\x36\x06\x00\x01a\x00\x01\x00", ReasonCode.MALFORMED_PACKET),
    "publish of 256 MB": (b"\x30\xff\xff\xff\x7f", ReasonCode.PACKET_TOO_LARGE),
    "a broken length": (b"\x30\xff\xff\xff\xff\x01", ReasonCode.MALFORMED_PACKET),
    "a topic that is no utf-8": (b"\x30\x05\x00\x02\xc3\x28\x00", ReasonCode.MALFORMED_PACKET),
    "subscribe to nothing": (b"\x82\x03\x00\x01\x00", ReasonCode.PROTOCOL_ERROR),
}


@pytest.mark.parametrize(("content", "code"), AFTER_CONNECT.values(), ids=list(AFTER_CONNECT))
def test_bad_packets_end_their_connection_and_say_why(
    running: Running, others: Others, content: bytes, code: ReasonCode
) -> None:
    with running.connected(version=Version.MQTT_5) as client:
        client.channel.send(content)
        assert client.ends() == [Disconnect(code)]
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


def test_bad_packets_of_mqtt_3_1_1_end_their_connection(running: Running, others: Others) -> None:
    with running.connected() as client:
        client.channel.send(b"\x36\x06\x00\x01a\x00\x01\x00")
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


@VERSIONS
def test_good_packets_before_a_bad_one_count(running: Running, others: Others, version: Version) -> None:
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


def test_an_endless_packet_is_refused_by_its_length_and_not_read(running: Running, others: Others) -> None:
    with running.connected() as client:
        assert isinstance(client.channel, SocketChannel)
        client.channel.send(b"\x30\xff\xff\xff\x7f\x00\x01a")
        assert not takes_a_gigabyte(client.channel)
    running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR", client_id="ann")


@pytest.mark.parametrize("beginning", [b"", b"\x10", CONNECT, b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_connection_that_is_reset_is_forgotten(running: Running, others: Others, beginning: bytes) -> None:
    for _ in range(10):
        channel = running.plain()
        channel.send(beginning)
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        channel.close()
    others.exchange()
    running.wait_until(lambda: running.core.server.connection_count == 2)


@pytest.mark.parametrize("beginning", [b"", b"\x10", CONNECT, b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_half_closed_connection_is_closed(running: Running, others: Others, beginning: bytes) -> None:
    channel = running.plain()
    channel.send(beginning)
    channel.socket.shutdown(socket.SHUT_WR)
    channel.receive_all()
    running.wait_until(lambda: running.core.server.connection_count == 2)
