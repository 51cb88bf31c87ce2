"""The Lambda's policy is enforced on PUBLISH, SUBSCRIBE and every delivery."""

import pytest

from iot_core.mqtt import (
    ConnectReturnCode,
    Disconnect,
    Publish,
    ReasonCode,
    Version,
)
from tests.local.harness.client import Client
from tests.local.harness.fixtures import both_versions
from tests.local.harness.function import ARN, EVERYTHING, allow, statement
from tests.local.harness.running import Running

CONNECT = statement("iot:Connect", "client/ann")


def forbidden(client: Client, publish: Publish) -> None:
    """Publishes; the connection ends."""
    client.send(publish)
    ends = [Disconnect(ReasonCode.NOT_AUTHORIZED)] if client.version == Version.MQTT_5 else []
    assert client.ends() == ends


@both_versions
@pytest.mark.parametrize("qos", [0, 1])
def test_a_forbidden_publish_ends_the_connection(running: Running, version: Version, qos: int) -> None:
    running.only(CONNECT, statement("iot:Publish", "topic/mine/*"))
    with running.connected("watcher") as watcher, running.connected(version=version) as client:
        watcher.subscribe("#")
        client.publish("mine/x", b"fine", qos=1)
        assert watcher.expect(Publish).payload == b"fine"
        forbidden(client, Publish("yours/x", b"forbidden", qos, packet_id=qos or None))
        running.record("decision", action="publish", resource="yours/x", allowed=False, reason="not_allowed_by_policy")
        running.record("presence", event="disconnected", disconnect_reason="FORBIDDEN_ACCESS", client_id="ann")
        watcher.ping()


def test_a_retained_publish_needs_permission_to_retain(running: Running) -> None:
    running.only(CONNECT, statement("iot:Publish", "topic/*"))
    with running.connected() as client:
        client.publish("a", b"fine", qos=1)
        forbidden(client, Publish("a", b"kept", 0, retain=True))
    assert running.core.call(lambda: running.core.broker.retained.get("a")) is None


def test_a_deny_beats_every_allow(running: Running) -> None:
    running.only(*EVERYTHING, statement("iot:Publish", "topic/secret/*", effect="Deny"))
    with running.connected() as client:
        client.publish("open", qos=1)
        forbidden(client, Publish("secret/x", b""))


@pytest.mark.parametrize(("version", "code"), [(Version.MQTT_3_1_1, 0x80), (Version.MQTT_5, 0x87)])
def test_a_forbidden_topic_filter_is_refused_and_the_client_stays_connected(
    running: Running, version: Version, code: int
) -> None:
    running.only(CONNECT, statement("iot:Subscribe", "topicfilter/a/*"), statement("iot:Receive", "topic/*"))
    with running.connected(version=version) as client, running.connected("bob") as other:
        assert [client.subscribe(name, 1) for name in ("a/#", "a/+/b", "#", "+", "a", "b/a/")] == [1, 1, *4 * [code]]
        other.publish("b/x", b"unseen", qos=1)
        client.ping()
    running.record("decision", action="subscribe", resource="#", allowed=False)


def test_mqtt_wildcards_are_ordinary_characters_in_a_policy(running: Running) -> None:
    running.only(CONNECT, statement("iot:Subscribe", "topicfilter/a/+"))
    with running.connected() as client:
        assert [client.subscribe(name) for name in ("a/+", "a/b", "a/#")] == [0, 0x80, 0x80]


@both_versions
def test_a_message_that_the_client_may_not_receive_is_not_delivered(running: Running, version: Version) -> None:
    running.only(CONNECT, statement("iot:Subscribe", "topicfilter/#"), statement("iot:Receive", "topic/open/*"))
    with running.connected(version=version) as client, running.connected("bob") as other:
        client.subscribe("#", 1)
        for topic in ("closed/x", "open/x", "closed/x", "open/y"):
            other.publish(topic, qos=1)
        assert [client.expect(Publish).topic for _ in range(2)] == ["open/x", "open/y"]
        client.ping()
    running.record("decision", action="receive", resource="closed/x", allowed=False, client_id="ann")


def test_permission_to_receive_is_checked_for_retained_and_queued_messages(running: Running) -> None:
    with running.client() as client, running.connected("bob") as other:
        assert client.connect(clean_start=False).reason_code == 0
        client.subscribe("kept", 1)
        client.subscribe("queued", 1)
        client.disconnect()
        assert client.ends() == []
        other.publish("kept", b"1", qos=1, retain=True)
        other.publish("queued", b"2", qos=1)
        running.only(CONNECT, statement("iot:Subscribe", "topicfilter/*"))
        with running.client() as again:
            assert again.connect(clean_start=False).session_present
            again.subscribe("kept", 1)
            again.ping()


def test_an_arn_of_another_account_allows_nothing(running: Running) -> None:
    other = ARN.replace("123456789012", "210987654321")
    running.function.answer = lambda _: allow({"Effect": "Allow", "Action": "iot:*", "Resource": f"{other}client/ann"})
    with running.client() as client:
        assert client.connect().reason_code == ConnectReturnCode.NOT_AUTHORIZED


def test_a_repeated_decision_is_in_the_feed_once(running: Running) -> None:
    with running.connected() as client:
        for _ in range(10):
            client.publish("a", qos=1)
        records = running.core.call(lambda: list(running.core.feed.recent()))
    told = [record for record in records if record.get("action") == "publish"]
    assert len(told) == 1
