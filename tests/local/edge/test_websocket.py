"""MQTT over WebSocket (MQTT 5.0, section 6; RFC 6455)."""

import pytest

from iot_core.mqtt import Connack, Connect, Disconnect, Pingreq, Pingresp, Version, encode
from tests.local.harness.channels import PATIENCE
from tests.local.harness.fixtures import both_loops
from tests.local.harness.others import Others
from tests.local.harness.running import Running

pytestmark = both_loops

CONNECT = encode(Connect(Version.MQTT_3_1_1, "ann", user_name="ann"), Version.MQTT_3_1_1)
PING = encode(Pingreq(), Version.MQTT_3_1_1)
UPGRADE = (
    "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["mqtt"], "mqtt"), (["mqttv3.1"], "mqttv3.1"), (["chat", "mqtt"], "mqtt")]
)
def test_a_known_subprotocol_is_chosen(running: Running, offered: list[str], chosen: str) -> None:
    channel = running.web_socket(subprotocols=offered)
    assert (channel.status, channel.protocol.subprotocol) == (101, chosen)


@pytest.mark.parametrize("names", [[], ["chat"]], ids=str)
def test_without_a_known_subprotocol_the_answer_is_400(running: Running, names: list[str]) -> None:
    assert running.web_socket(subprotocols=names).status == 400
    running.record("refused_bytes", reason="not_mqtt")


@pytest.mark.one_core
@pytest.mark.parametrize("path", ["/", "/mqtt/", "/MQTT", "/ws?x=/mqtt"])
def test_at_another_path_the_answer_is_404(running: Running, path: str) -> None:
    assert running.web_socket(path=path).status == 404
    running.record("refused_bytes", detail="404: MQTT over WebSocket is at /mqtt")


@pytest.mark.one_core
@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("GET", "POST", b"405"),
        ("HTTP/1.1", "HTTP/1.0", b"505"),
        ("Connection: Upgrade\r\n", "", b"426"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "short", b"400"),
        ("Version: 13", "Version: 8", b"400"),
        ("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        ("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        ("Host: localhost", "Host : localhost", b"400"),
        ("/mqtt", "/mqtt?name=ann\u00e9", b"400"),
        ("/mqtt", "/mqtt?" + 9000 * "a", b"414"),
        ("\r\n\r\n", "\r\nToken: " + 9000 * "a" + "\r\n\r\n", b"431"),
    ],
)
def test_an_invalid_upgrade_is_refused_with_an_http_status(running: Running, old: str, new: str, status: bytes) -> None:
    channel = running.plain()
    channel.send(UPGRADE.replace(old, new, 1).encode())
    assert channel.receive_all().split(b" ")[1] == status
    running.record("refused_bytes", reason="not_mqtt")


@pytest.mark.parametrize("over", ["frames", "messages"])
def test_a_packet_can_be_spread_over_frames_and_messages(running: Running, over: str) -> None:
    channel = running.web_socket()
    with running.client(channel=channel) as client:
        if over == "frames":
            channel.send_frames(CONNECT[:1], CONNECT[1:7], CONNECT[7:])
        else:
            for byte in CONNECT:
                channel.send(bytes((byte,)))
        assert client.expect(Connack).reason_code == 0


def test_a_frame_can_hold_many_packets(running: Running) -> None:
    channel = running.web_socket()
    with running.client(channel=channel) as client:
        channel.send(CONNECT + 20 * PING)
        assert client.expect(Connack).reason_code == 0
        for _ in range(20):
            client.expect(Pingresp)


def test_a_websocket_ping_is_answered(running: Running) -> None:
    channel = running.web_socket()
    with running.connected(channel=channel):
        channel.protocol.send_ping(b"there?")
        channel.below.send(b"".join(channel.protocol.data_to_send()))
        assert channel.below.receive() == b"\x8a\x06there?"


INVALID_FRAMES = {
    "a text frame": (b"\x81\x85\0\0\0\0hello", 1003),
    "not masked": (b"\x82\x05hello", 1002),
    "reserved bits": (b"\xf2\x80\0\0\0\0", 1002),
    "a reserved opcode": (b"\x83\x80\0\0\0\0", 1002),
    "4 GiB": (b"\x82\xff\0\0\0\x01\0\0\0\0\0\0\0\0", 1009),
}


@pytest.mark.one_core
@pytest.mark.parametrize("is_connected", [True, False], ids=["connected", "before CONNECT"])
@pytest.mark.parametrize(("frame", "code"), INVALID_FRAMES.values(), ids=list(INVALID_FRAMES))
def test_an_invalid_frame_closes_the_websocket_with_a_code(
    running: Running, frame: bytes, code: int, is_connected: bool
) -> None:
    channel = running.web_socket()
    client = running.connected(channel=channel) if is_connected else running.client(channel=channel)
    channel.below.send(frame)
    assert client.ends() == []
    assert channel.close_frame is not None
    assert channel.close_frame.code == code
    if is_connected:
        running.record("presence", event="disconnected", disconnect_reason="CLIENT_ERROR")
    else:
        running.record("refused_bytes", reason="not_mqtt")


def test_frames_can_come_with_the_upgrade(running: Running) -> None:
    channel = running.plain()
    mask = b"\x82" + bytes((0x80 | len(CONNECT),)) + 4 * b"\0"
    channel.send(UPGRADE.encode() + mask + CONNECT)
    answer = b""
    while not answer.endswith(b"\x82\x04\x20\x02\0\0"):
        chunk = channel.receive()
        assert chunk
        answer += chunk


EARLY = {
    "a close frame": b"\x88\x82\0\0\0\0\x03\xe8",
    "a ping": b"\x89\x80\0\0\0\0",
    "a pong": b"\x8a\x80\0\0\0\0",
    "a text": b"\x81\x85\0\0\0\0hello",
    "an MQTT packet": b"\x82\x82\0\0\0\0" + PING,
    "a frame that is not masked": b"\x82\x05hello",
    "garbage": b"\xff" * 200,
    "a part of a frame": b"\x82",
    "another request": UPGRADE.encode(),
    "a close frame and more": b"\x88\x80\0\0\0\0\x89\x80\0\0\0\0",
}


@pytest.mark.one_core
@pytest.mark.parametrize("early", EARLY.values(), ids=list(EARLY))
@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("", "", b"101"),
        ("/mqtt", "/chat", b"404"),
        ("Protocol: mqtt", "Protocol: chat", b"400"),
        ("Host: localhost", "Host: example.com", b"421"),
        ("Version: 13", "Version: 8", b"400"),
        ("Host: localhost", "Host : localhost", b"400"),
    ],
)
def test_what_comes_with_the_upgrade_is_read_after_its_answer(
    running: Running,
    others: Others,
    capfd: pytest.CaptureFixture[str],
    old: str,
    new: str,
    status: bytes,
    early: bytes,
) -> None:
    channel = running.plain()
    channel.send(UPGRADE.replace(old, new, 1).encode() + early)
    assert channel.receive().split(b" ")[1] == status
    others.exchange()
    assert capfd.readouterr() == ("", "")


def test_the_server_closes_with_a_close_frame_and_waits_for_the_clients(running: Running) -> None:
    channel = running.web_socket()
    with running.connected(channel=channel, version=Version.MQTT_5) as client:
        running.core.call(lambda: running.core.broker.disconnect("ann"))
        assert isinstance(client.next(), Disconnect)
        assert client.next() is None
        assert channel.close_frame is not None
        assert channel.close_frame.code == 1000
        channel.below.send(b"".join(channel.protocol.data_to_send()))
        assert channel.below.receive() == b""


def test_a_client_that_does_not_complete_the_closing_handshake_is_aborted(running: Running) -> None:
    channel = running.web_socket()
    with running.connected(channel=channel) as client:
        client.send(Connect(Version.MQTT_3_1_1, "ann"))
        assert client.next() is None
        channel.below.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            channel.below.receive()
        channel.below.socket.settimeout(PATIENCE)
        running.pass_time(0)
        running.pass_time(6)
        assert channel.below.receive() == b""


def test_packets_after_an_invalid_packet_are_ignored(running: Running) -> None:
    channel = running.web_socket()
    with running.connected(channel=channel) as client:
        client.subscribe("a")
        channel.send(b"\xf0\x00" + 100 * PING)
        channel.send(100 * PING)
        assert client.ends() == []


def test_a_clean_close_without_disconnect_is_a_lost_connection(running: Running) -> None:
    channel = running.web_socket()
    with running.connected(channel=channel):
        channel.protocol.send_close()
        channel.below.send(b"".join(channel.protocol.data_to_send()))
        assert channel.receive() == b""
    running.record("presence", event="disconnected", disconnect_reason="CONNECTION_LOST")
