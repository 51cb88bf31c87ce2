"""The event that the Lambda gets (developer guide, "Defining your Lambda function")."""

import base64
import http.client
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from iot_core.mqtt import Version, Will
from tests.local.harness.fixtures import both_versions
from tests.local.harness.running import Running

HANDSHAKE = {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"}


def event(running: Running) -> dict[str, Any]:
    """What the Lambda was asked, without the connection's ID, which is a UUID."""
    found: dict[str, Any] = running.function.events.get(timeout=10)
    metadata = found.pop("connectionMetadata")
    assert list(metadata) == ["id"]
    assert str(uuid.UUID(metadata["id"])) == metadata["id"]
    json.dumps(found)
    return found


@both_versions
def test_mqtt_on_the_plain_port_has_only_the_mqtt_part(running: Running, version: Version) -> None:
    with running.client(version) as client:
        client.connect("ann/1", user_name="ann?x=1", password=b"\xffsecret")
    password = base64.b64encode(b"\xffsecret").decode()
    assert event(running) == {
        "protocols": ["mqtt"],
        "protocolData": {"mqtt": {"username": "ann?x=1", "password": password, "clientId": "ann/1"}},
    }


@both_versions
def test_mqtt_on_the_tls_port_has_the_server_name(running: Running, version: Version) -> None:
    with running.client(version, running.tls(("mqtt",))) as client:
        client.connect("ann", user_name=None)
    assert event(running) == {
        "protocols": ["tls", "mqtt"],
        "protocolData": {"tls": {"serverName": "localhost"}, "mqtt": {"clientId": "ann"}},
    }


@pytest.mark.parametrize(
    ("name", "tls"),
    [("abc-ats.iot.us-east-1.amazonaws.com", {"serverName": "abc-ats.iot.us-east-1.amazonaws.com"}), (None, {})],
    ids=["an endpoint of AWS", "none"],
)
def test_the_tls_part_has_the_server_name_of_the_handshake(
    running: Running, name: str | None, tls: dict[str, str]
) -> None:
    with running.connected(channel=running.tls(("mqtt",), name)):
        assert event(running)["protocolData"]["tls"] == tls


def test_mqtt_over_websocket_has_the_headers_and_the_query_string_of_the_upgrade(running: Running) -> None:
    headers = [("X-Token", "a b=c"), ("x-empty", "")]
    channel = running.web_socket(path="/mqtt?token=a%20b&x=%2B+", headers=headers)
    with running.client(channel=channel) as client:
        client.connect("ann", user_name="bob")
    found = event(running)
    sent = found["protocolData"]["http"].pop("headers")
    assert {name: value for name, value in sent.items() if name.lower() not in HANDSHAKE} == dict(headers)
    assert {name.lower() for name in sent} >= HANDSHAKE
    assert found == {
        "protocols": ["http", "mqtt"],
        "protocolData": {
            "http": {"queryString": "?token=a%20b&x=%2B+"},
            "mqtt": {"username": "bob", "clientId": "ann"},
        },
        "token": "a b",
        "signatureVerified": False,
    }


def test_a_websocket_over_tls_has_all_three_parts(running: Running) -> None:
    with running.connected(channel=running.web_socket(running.tls(("http/1.1",)))):
        found = event(running)
    assert found["protocols"] == ["tls", "http", "mqtt"]
    assert "queryString" not in found["protocolData"]["http"]


def test_repeated_headers_are_joined_in_any_case(running: Running) -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("X-A", "3"), ("B", "4")]
    with running.connected(channel=running.web_socket(headers=headers)):
        sent = event(running)["protocolData"]["http"]["headers"]
    assert {name: value for name, value in sent.items() if name.lower() not in HANDSHAKE} == {
        "X-A": "1, 2, 3",
        "B": "4",
    }


@both_versions
def test_an_empty_client_id_is_left_out(running: Running, version: Version) -> None:
    with running.client(version) as client:
        assert client.connect("", user_name="ann").reason_code == 0
    assert event(running)["protocolData"]["mqtt"] == {"username": "ann"}


def test_the_will_is_not_in_the_event(running: Running) -> None:
    with running.client() as client:
        client.connect("ann", will=Will("a/b", b"gone"))
    assert event(running)["protocolData"]["mqtt"] == {"username": "ann", "clientId": "ann"}


@pytest.mark.parametrize(
    ("user_name", "token"),
    [("ann?token=a+/%3D=&SDK=x", "a+/=="), ("?token=t", "t"), ("ann?a=1&token=", ""), ("?token=%C3%A9", "é")],
)
def test_the_token_is_found_in_the_user_names_query(running: Running, user_name: str, token: str) -> None:
    with running.client() as client:
        client.connect("ann", user_name=user_name)
    found = event(running)
    assert (found["token"], found["signatureVerified"]) == (token, False)
    assert found["protocolData"]["mqtt"]["username"] == user_name


def test_an_http_publish_has_only_the_http_part(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.core.port, timeout=10)
    connection.request("POST", "/topics/a%2Fb?qos=1&token=t", b"hello", {"X-Name": "ann"})
    assert connection.getresponse().status == 200
    connection.close()
    found = event(running)
    assert (found["protocols"], found["token"]) == (["http"], "t")
    sent: Mapping[str, Any] = found["protocolData"]["http"]
    assert (sent["queryString"], sent["headers"]["x-name"]) == ("?qos=1&token=t", "ann")


def test_each_connection_has_its_own_id_which_a_refresh_keeps(running: Running) -> None:
    with running.connected("ann"), running.connected("bob"):
        first, second = (running.function.events.get(timeout=10)["connectionMetadata"] for _ in range(2))
        assert first != second
        running.pass_time(86_399)
        running.core.call(running.core.apply_configuration)
        again = [running.function.events.get(timeout=10)["connectionMetadata"] for _ in range(2)]
    assert sorted(map(str, again)) == sorted(map(str, [first, second]))
