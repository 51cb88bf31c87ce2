"""MQTT over WebSocket with a URL that is signed with an access key."""

import base64
import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_core.iam.roles import CLIENT_ROLE, RoleSession
from iot_core.mqtt import ConnectReturnCode, Publish, Subscribe, Subscription, Version
from tests.local.harness.channels import WebSocketChannel
from tests.local.harness.client import Client
from tests.local.harness.running import Running
from tests.local.iam.signers import Signer, policy, stranger

UPGRADE = (
    b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
)
NAME = "x-amz-customauthorizer-name"
ARN = "arn:aws:iot:us-east-1:123456789012:"
ANN = f"{CLIENT_ROLE}/ann"
ONLY_ANN = policy(("iot:Connect", f"{ARN}client/ann"), ("iot:Subscribe", f"{ARN}topicfilter/a"))


@pytest.fixture
def signer(running: Running) -> Signer:
    """Signs with the owner's key for the host that the tests' WebSockets send."""
    key = running.core.iot_core.access_keys.owner
    return Signer(key, region="us-east-1", host="localhost", at=time.time())


@pytest.fixture
def limited(running: Running, signer: Signer) -> Signer:
    """Signs with a temporary key whose policy allows one client ID and one topic filter."""
    session = RoleSession(CLIENT_ROLE, "ann", int(time.time()), int(time.time()) + 3600, ONLY_ANN)
    key = running.core.call(lambda: running.core.iot_core.temporary_keys.issue(session))
    return signer._replace(key=key)


def upgraded(running: Running, query: str, headers: tuple[tuple[str, str], ...] = ()) -> WebSocketChannel:
    return running.web_socket(path=f"/mqtt?{query}", headers=headers)


def refusal(channel: WebSocketChannel) -> dict[str, Any]:
    """The body of a refused upgrade."""
    response = channel.response
    assert response is not None
    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["x-amzn-RequestId"]
    body: dict[str, Any] = json.loads(bytes(response.body or b""))
    assert body.keys() == {"message", "traceId"}
    return body


def test_the_owner_may_do_everything_and_no_authorizer_is_asked(running: Running, signer: Signer) -> None:
    with running.client(channel=upgraded(running, signer.url())) as client:
        assert client.connect("ann", user_name="?SDK=JavaScript&Version=2.2.16").reason_code == 0
        assert client.subscribe("#") == 0
        client.publish("a/b", b"hello", qos=0)
        assert client.expect(Publish).payload == b"hello"
    assert running.function.events.empty()
    record = running.record("decision", action="connect", allowed=True)
    assert (record["principal"], record["source"], "authorizer" in record) == ("owner", "signature", False)


def test_a_signed_connection_ends_after_24_hours_and_is_never_refreshed(running: Running, signer: Signer) -> None:
    with running.client(channel=upgraded(running, signer.url())) as client:
        client.connect("ann", keep_alive=0)
        running.core.call(running.core.apply_configuration)
        for _ in range(48):
            running.pass_time(1799)
            client.ping()
        running.pass_time(48.1)
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="WEBSOCKET_TTL_EXPIRATION")


def test_a_wrong_signature_is_refused_as_aws_does_and_the_feed_says_what_is_wrong(
    running: Running, signer: Signer
) -> None:
    wrong = signer._replace(key=replace(signer.key, secret="wrong"))
    body = refusal(upgraded(running, wrong.url()))
    assert "signature we calculated does not match" in body["message"]
    record = running.record("refused_bytes", reason="aws_signature_mismatch")
    assert "secret access key" in record["detail"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"region": "eu-west-1"}, "credential_scope_invalid"),
        ({"service": "iot"}, "credential_scope_invalid"),
        ({"at": 0.0}, "aws_signature_expired"),
        ({"host": "localhost:8443"}, "aws_signature_mismatch"),
        ({"key": stranger("AKIAOTHER")}, "access_key_unknown"),
        ({"key": stranger("ASIAOTHER", "token")}, "access_key_unknown"),
    ],
)
def test_each_mistake_has_its_reason_code(
    running: Running, signer: Signer, changes: dict[str, Any], reason: str
) -> None:
    refusal(upgraded(running, signer._replace(**changes).url()))
    running.record("refused_bytes", reason=reason)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("X-Amz-Signature=00", ()),
        ("%58-amz-credential=A", ()),
        ("", (("Authorization", "AWS4-HMAC-SHA256 Credential=A"),)),
        ("", (("authorization", "AWS4-ECDSA-P256-SHA256 Credential=A"),)),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&a=\x7f", ()),
    ],
)
def test_what_looks_like_a_signature_never_reaches_an_authorizer(
    running: Running, query: str, headers: tuple[tuple[str, str], ...]
) -> None:
    refusal(upgraded(running, query, headers))
    assert running.function.events.empty()
    running.record("refused_bytes", reason="aws_signature_malformed")


def test_any_bytes_in_a_signed_request_are_answered(running: Running) -> None:
    channel = running.plain()
    channel.send(b"GET /mqtt?X-Amz-Signature=%ff&%fe=%zz HTTP/1.1\r\n" + UPGRADE + b"X-Bytes: \xff\r\n\r\n")
    assert channel.receive_all().startswith(b"HTTP/1.1 403 Forbidden\r\n")


BROKEN = {
    "a space in the URL": (b"GET /mqtt?X-Amz-Signature=SECRET&token=SE CRET HTTP/1.1\r\n", b""),
    "a byte in the URL": (b"GET /mqtt?X-Amz-Signature=SECRET\xff HTTP/1.1\r\n", b""),
    "a byte in a header": (b"GET /mqtt HTTP/1.1\r\n", b"Authorization: AWS4-HMAC-SHA256 \x01SECRET\r\n"),
    "no header": (b"GET /mqtt HTTP/1.1\r\n", b"SECRET\r\n"),
    "two hosts": (b"GET /mqtt?X-Amz-Signature=SECRET HTTP/1.1\r\n", b"Host: localhost\r\n"),
}


@pytest.mark.parametrize(("first", "header"), BROKEN.values(), ids=BROKEN)
def test_an_upgrade_that_is_not_http_shows_nothing_of_its_credentials(
    running: Running, first: bytes, header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = running.plain()
    channel.send(first + UPGRADE + header + b"\r\n")
    assert channel.receive_all().startswith(b"HTTP/1.1 400 ")
    detail = running.record("refused_bytes", reason="not_mqtt")["detail"]
    assert not re.search("SE|CRET", detail)
    assert "CRET" not in caplog.text


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_as_query_and_headers_are_refused_with_a_reason(
    running: Running, signer: Signer, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    query = bytearray(signer.url().encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at, cut = data.draw(st.integers(0, len(query))), data.draw(st.integers(0, 40))
        query[at : at + cut] = data.draw(st.binary(min_size=1, max_size=8))
    names, values = st.sampled_from([b"X-Amz-Date", b"Authorization", b"Host", b"\xff"]), st.binary(max_size=8)
    headers = b"".join(b"%b: %b\r\n" % pair for pair in data.draw(st.lists(st.tuples(names, values), max_size=2)))
    channel = running.plain()
    channel.send(b"GET /mqtt?%b HTTP/1.1\r\n%b%b\r\n" % (bytes(query), UPGRADE, headers))
    status = channel.receive()[:12]
    channel.close()
    assert status in (b"HTTP/1.1 101", b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 404", b"HTTP/1.1 421")
    assert caplog.records == []


def test_a_signature_and_an_authorizer_in_one_url_are_refused_together(running: Running, signer: Signer) -> None:
    refusal(upgraded(running, signer.url(query=f"{NAME}=chat")))
    record = running.record("refused_bytes", reason="signed_with_authorizer")
    assert NAME in record["detail"]


def test_an_authorizer_in_the_user_name_of_a_signed_connection_is_refused(running: Running, signer: Signer) -> None:
    with running.client(channel=upgraded(running, signer.url())) as client:
        assert client.connect(user_name=f"ann?{NAME}=chat").reason_code == ConnectReturnCode.NOT_AUTHORIZED
    running.record("decision", reason="signed_with_authorizer")
    assert running.function.events.empty()


def test_temporary_credentials_may_do_what_their_policy_allows(running: Running, limited: Signer) -> None:
    with running.client(channel=upgraded(running, limited.url())) as client:
        assert client.connect("ann").reason_code == 0
        assert [client.subscribe(topic) for topic in ("a", "b")] == [0, 0x80]
    running.record("decision", action="subscribe", resource="b", allowed=False, principal=ANN)


def test_another_client_id_is_refused_and_the_event_names_the_principal(running: Running, limited: Signer) -> None:
    with running.client() as watcher, running.client(channel=upgraded(running, limited.url())) as client:
        watcher.connect("watcher")
        watcher.subscribe("$aws/events/presence/connect_failed/#")
        assert client.connect("bob").reason_code == ConnectReturnCode.NOT_AUTHORIZED
        event = json.loads(watcher.expect(Publish).payload)
    assert re.fullmatch(r"123456789012/(AROA[A-Z2-7]{17}:ann)/\1", event["principalIdentifier"])
    running.record("decision", action="connect", allowed=False, reason="connect_not_allowed", principal=ANN)


def test_presence_names_the_owner_as_aws_writes_an_iam_user(running: Running, signer: Signer) -> None:
    with running.client() as watcher, running.client(channel=upgraded(running, signer.url())) as client:
        watcher.connect("watcher")
        watcher.subscribe("$aws/events/presence/connected/#")
        client.connect("console")
        event = json.loads(watcher.expect(Publish).payload)
    assert event["principalIdentifier"] == f"123456789012/AIDA{signer.key.key_id[4:]}"


def test_a_websocket_key_of_128_bytes_is_answered_as_awss_sdk_v1_for_python_wants_it(
    running: Running, signer: Signer
) -> None:
    key = base64.b64encode(bytes(range(128)))
    channel = running.plain()
    channel.send(
        b"GET /mqtt?%b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqttv3.1\r\n\r\n"
        % (signer.url().encode(), key)
    )
    answer = channel.receive()
    expected = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-accept: %b\r\n" % expected in answer
    assert answer.lower().count(b"sec-websocket-accept: ") == 1


# MQTT 3.1, which Amplify PubSub speaks.


@pytest.fixture
def old_client(running: Running, limited: Signer) -> Iterator[Client]:
    """A client of MQTT 3.1 on a signed connection."""
    with running.client(Version.MQTT_3_1, channel=upgraded(running, limited.url())) as client:
        yield client


def test_a_client_of_mqtt_3_1_connects_and_subscribes(old_client: Client) -> None:
    assert old_client.connect("ann").reason_code == 0
    assert old_client.subscribe("a", qos=1) == 1


def test_a_refused_filter_ends_a_connection_of_mqtt_3_1(running: Running, old_client: Client) -> None:
    old_client.connect("ann")
    old_client.send(Subscribe(1, (Subscription("a", 0), Subscription("b", 0))))
    assert old_client.ends() == []
    running.record("decision", action="subscribe", resource="b", allowed=False)
    record = running.record("presence", event="disconnected", disconnect_reason="FORBIDDEN_ACCESS")
    assert "MQTT 3.1" in record["detail"]


def test_mqtt_3_1_needs_a_client_id(old_client: Client) -> None:
    assert old_client.connect("").reason_code == ConnectReturnCode.IDENTIFIER_REJECTED


@pytest.mark.parametrize("way", ["plain", "web_socket"])
def test_mqtt_3_1_is_refused_on_connections_that_are_not_signed(running: Running, way: str) -> None:
    with running.client(Version.MQTT_3_1, channel=running.way(way)) as client:
        assert client.connect().reason_code == ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION
        assert client.ends() == []
    record = running.record("refused_bytes", reason="not_mqtt")
    assert "only on signed WebSocket connections" in record["detail"]
