"""A topic rule that the `aws` CLI creates, and the messages of real clients that it republishes."""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import quote

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.clients.aws_cli import aws
from tests.clients.connection import PATIENCE, Connection
from tests.clients.mqtt_js_client import MqttJsConnection
from tests.clients.paho_client import PahoConnection
from tests.clients.presence import Watcher
from tests.clients.server import ROOM, RULE, Server

WAYS = {"published": "", "ingested": f"$aws/rules/{RULE}/"}
"""What is in front of the topic: nothing, or that of basic ingest."""
CLIENTS: dict[str, Callable[[Server, str, str], Connection]] = {
    "mqttjs3": partial(MqttJsConnection, version=4, secure=False),
    "mqttjs5": partial(MqttJsConnection, version=5, secure=True),
    "paho": partial(PahoConnection, version=MQTTProtocolVersion.MQTTv5, transport="tls"),
}
SQL = (
    "SELECT topic() AS topic, clientid() AS client_id, principal() AS principal, encode(*, 'base64') AS payload "
    "FROM 'rooms/+/say/+' WHERE topic(3) = 'say'"
)
REPUBLISH = {
    "republish": {
        "roleArn": "arn:aws:iam::123456789012:role/republish",
        "topic": f"rooms/{ROOM}/{RULE}/${{topic(4)}}",
        "qos": 1,
    }
}
PAYLOAD = {"sql": SQL, "awsIotSqlVersion": "2016-03-23", "actions": [REPUBLISH]}


@pytest.fixture(scope="module", autouse=True)
def rule(server: Server) -> Iterator[None]:
    """The rule, while the tests of this module run."""
    named = ("--rule-name", RULE)
    aws(server, "iot", "create-topic-rule", *named, "--topic-rule-payload", json.dumps(PAYLOAD))
    yield
    aws(server, "iot", "delete-topic-rule", *named)


def heard(watcher: Watcher, principal: str) -> dict[str, object]:
    """What the rule made of the next message of a principal, with the payload as it was published."""
    found: dict[str, object] = json.loads(watcher.said(f"rooms/{ROOM}/{RULE}/{principal}"))
    return {**found, "payload": base64.b64decode(str(found["payload"]))}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CLIENTS)
def test_the_rule_gets_what_a_client_publishes(server: Server, watcher: Watcher, name: str, way: str) -> None:
    principal = f"{name}{way}"
    topic = f"rooms/{ROOM}/say/{principal}"
    with CLIENTS[name](server, f"{principal}/phone", server.token(principal)) as connection:
        assert connection.next().kind == "connected"
        connection.publish(WAYS[way] + topic, "hello")
        known = {"topic": topic, "client_id": f"{principal}/phone", "principal": principal}
        assert heard(watcher, principal) == {**known, "payload": b"hello"}
        assert watcher.heard(topic) == (way == "published")


@pytest.mark.parametrize("way", WAYS)
def test_the_rule_gets_what_is_published_over_https(server: Server, watcher: Watcher, way: str) -> None:
    principal = f"https{way}"
    topic = f"rooms/{ROOM}/say/{principal}"
    headers = {"x-amz-customauthorizer-name": "chat", "token": server.token(principal)}
    url = f"{server.url}/topics/{quote(WAYS[way] + topic, safe='')}"
    with urllib.request.urlopen(urllib.request.Request(url, b"hi", headers), timeout=PATIENCE) as answer:
        assert answer.status == 200
    known = {"topic": topic, "client_id": "n/a", "principal": principal}
    assert heard(watcher, principal) == {**known, "payload": b"hi"}


def test_a_client_may_not_give_the_rule_the_message_of_another_one(server: Server) -> None:
    with CLIENTS["paho"](server, "ann/forger", server.token("ann")) as connection:
        assert connection.next().kind == "connected"
        connection.publish(f"{WAYS['ingested']}rooms/{ROOM}/say/bob", "not me")
        assert connection.next().kind == "ended"


def test_the_cli_shows_disables_and_lists_the_rule(server: Server) -> None:
    named = ("--rule-name", RULE)
    aws(server, "iot", "disable-topic-rule", *named)
    shown = aws(server, "iot", "get-topic-rule", *named)["rule"]
    assert isinstance(shown, dict)
    assert {key: shown[key] for key in (*PAYLOAD, "ruleDisabled")} == {**PAYLOAD, "ruleDisabled": True}
    aws(server, "iot", "replace-topic-rule", *named, "--topic-rule-payload", json.dumps(PAYLOAD))
    listed = aws(server, "iot", "list-topic-rules", "--topic", f"rooms/{ROOM}/say/ann", "--no-rule-disabled")["rules"]
    assert isinstance(listed, list)
    assert [rule["ruleName"] for rule in listed] == [RULE]
