"""The Lambda's policy is enforced on CONNECT: client ID, connect attributes, Will."""

import json
from typing import Any

import pytest

from iot_core.mqtt import (
    Connack,
    Connect,
    ConnectReturnCode,
    Properties,
    Publish,
    ReasonCode,
    Version,
    Will,
)
from tests.local.harness.fixtures import both_versions
from tests.local.harness.function import allow, statement
from tests.local.harness.running import NOT_AUTHORIZED, Running

CONNECT = statement("iot:Connect", "client/ann")


@both_versions
def test_a_client_id_that_the_policy_does_not_allow_is_refused(running: Running, version: Version) -> None:
    running.only(CONNECT, client_id="bob")
    with running.client(version) as client:
        assert client.connect("bob").reason_code == NOT_AUTHORIZED[version]
        assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason="connect_not_allowed", client_id="bob")


@both_versions
def test_a_refused_connect_without_a_client_id_says_that_it_has_none(running: Running, version: Version) -> None:
    running.function.answer = lambda _: allow(CONNECT)
    with running.client(version) as client:
        assert client.connect("").reason_code == NOT_AUTHORIZED[version]
    detail = running.record("decision", action="connect", allowed=False, reason="connect_not_allowed")["detail"]
    assert str(detail).startswith("the CONNECT has no client ID, and the policy does not allow $GEN/")


def test_a_refused_connect_names_its_connect_attributes(running: Running) -> None:
    running.only(CONNECT, client_id="bob")
    with running.client(Version.MQTT_5) as client:
        client.connect("bob", will=WILL)
    assert running.record("decision", reason="connect_not_allowed")["detail"] == "client ID bob with LastWill"


def test_without_a_policy_document_a_client_is_refused(running: Running) -> None:
    running.function.answer = lambda _: allow(policyDocuments=[])
    with running.client() as client:
        assert client.connect().reason_code == ConnectReturnCode.NOT_AUTHORIZED


def test_policy_variables_have_the_clients_values(running: Running) -> None:
    running.function.answer = lambda _: allow(
        statement("iot:Connect", "client/*"), statement("iot:Publish", "topic/of/${iot:ClientId}/${aws:SourceIp}")
    )
    with running.connected("bob") as client:
        client.publish("of/bob/127.0.0.1", qos=1)
        client.publish("of/ann/127.0.0.1")
        assert client.ends() == []


@pytest.mark.parametrize(("way", "domain"), [("tls", "localhost"), ("web_socket", "localhost"), ("plain", None)])
def test_the_domain_name_is_the_host_that_the_client_connected_to(
    running: Running, way: str, domain: str | None
) -> None:
    null = {"Null": {"iot:DomainName": "true"}}
    condition = null if domain is None else {"StringEquals": {"iot:DomainName": domain}}
    running.function.answer = lambda _: allow(statement("iot:Connect", "client/*", Condition=condition))
    with running.client(channel=running.way(way)) as client:
        assert client.connect().reason_code == 0


def test_a_condition_that_iot_core_cannot_decide_is_in_the_feed(running: Running) -> None:
    unknown = {"StringMatches": {"iot:ClientId": "a"}}
    running.function.answer = lambda _: allow(statement("iot:Connect", "client/*", Condition=unknown))
    with running.client() as client:
        assert client.connect().reason_code == ConnectReturnCode.NOT_AUTHORIZED
    problem = "StringMatches is an unknown condition operator, so this Allow does not apply"
    running.record("policy", client_id="ann", problem=f"policyDocuments[0].Statement[0]: {problem}")


def test_a_client_without_an_id_is_authorized_for_the_assigned_id(running: Running) -> None:
    running.function.answer = lambda _: allow(statement("iot:Connect", "client/$GEN/*"))
    with running.client(Version.MQTT_5) as client:
        connack = client.connect("")
        assert (connack.properties.assigned_client_identifier or "").startswith("$GEN/")


def without(attribute: str) -> dict[str, object]:
    """Connect, unless the CONNECT asks for an attribute."""
    condition = {"ForAllValues:StringNotEquals": {"iot:ConnectAttributes": [attribute]}}
    return statement("iot:Connect", "client/*", Condition=condition)


PUBLISH_ALL = statement("iot:Publish", "topic/*")
WILL = Will("a/will", b"gone")


PERSISTENT = Properties(session_expiry_interval=60)


@pytest.mark.parametrize(
    ("attribute", "version", "allowed", "refused"),
    [
        *(("LastWill", version, {}, {"will": WILL}) for version in (Version.MQTT_3_1_1, Version.MQTT_5)),
        ("PersistentConnect", Version.MQTT_3_1_1, {"clean_start": True}, {"clean_start": False}),
        ("PersistentConnect", Version.MQTT_5, {"clean_start": False}, {"properties": PERSISTENT}),
    ],
    ids=["will, 3.1.1", "will, 5", "persistent, 3.1.1", "persistent, 5"],
)
def test_a_policy_can_forbid_connect_attributes(
    running: Running, attribute: str, version: Version, allowed: dict[str, Any], refused: dict[str, Any]
) -> None:
    running.function.answer = lambda _: allow(without(attribute), PUBLISH_ALL)
    with running.client(version) as client:
        assert client.connect("without", **allowed).reason_code == 0
    with running.client(version) as client:
        assert client.connect("with", **refused).reason_code == NOT_AUTHORIZED[version]


@both_versions
@pytest.mark.parametrize(
    ("will", "allowed"),
    [(WILL, "topic/b"), (Will("a/will", b"gone", retain=True), "topic/*")],
    ids=["plain", "retained"],
)
def test_a_will_needs_permission_to_publish_and_to_retain(
    running: Running, version: Version, will: Will, allowed: str
) -> None:
    running.only(CONNECT, statement("iot:Publish", allowed))
    with running.client(version) as client:
        assert client.connect(will=will).reason_code == NOT_AUTHORIZED[version]
    running.record("decision", action="connect", allowed=False, reason="will_not_allowed")


@both_versions
def test_a_will_cannot_forge_an_event(running: Running, version: Version) -> None:
    with running.client(version) as client:
        client.connect(will=Will("$aws/events/presence/connected/bob", b"{}"))
        assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason="invalid_connect")


def test_a_will_that_a_refresh_no_longer_allows_is_not_published(running: Running) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("#")
        assert client.connect(will=WILL).reason_code == 0
        running.only(CONNECT)
        running.core.call(running.core.apply_configuration)
        running.record("decision", action="refresh", allowed=True, client_id="ann")
        client.channel.close()
        running.record("presence", event="disconnected", client_id="ann")
        watcher.ping()


def test_an_allowed_will_is_published(running: Running) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("#")
        assert client.connect(will=WILL).reason_code == 0
        client.channel.close()
        assert watcher.expect(Publish).payload == b"gone"


@pytest.mark.parametrize("forbidden", ["connect", "will"])
def test_a_client_that_the_policy_refuses_causes_a_connect_failed_event(running: Running, forbidden: str) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("$aws/events/presence/connect_failed/ann")
        running.only(PUBLISH_ALL if forbidden == "connect" else CONNECT)
        client.connect("ann", will=WILL)
        event = json.loads(watcher.expect(Publish).payload)
    assert {name: event[name] for name in ("clientId", "eventType", "connectFailureReason", "ipAddress")} == {
        "clientId": "ann",
        "eventType": "connect_failed",
        "connectFailureReason": "AUTHORIZATION_FAILED",
        "ipAddress": "127.0.0.1",
    }


def test_a_client_that_is_not_authenticated_causes_no_event(running: Running) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("#")
        watcher.subscribe("$aws/events/presence/connect_failed/+")
        running.function.answer = lambda _: allow(isAuthenticated=False)
        client.connect("ann")
        running.record("decision", action="connect", allowed=False)
        watcher.publish("a")
        assert watcher.expect(Publish).topic == "a"


@pytest.mark.parametrize(("most", "answered"), [(4, False), (5, True), (20, True)])
def test_a_client_that_accepts_no_connack_is_refused(running: Running, most: int, answered: bool) -> None:
    with running.client(Version.MQTT_5) as client:
        client.send(Connect(Version.MQTT_5, "ann", user_name="ann", properties=Properties(maximum_packet_size=most)))
        code = ReasonCode.PACKET_TOO_LARGE
        assert client.ends() == ([Connack(False, code)] if answered else [])
    running.record("decision", action="connect", allowed=False, reason="invalid_connect")


def test_a_will_with_a_response_topic_that_is_no_topic_of_iot_core_is_refused(running: Running) -> None:
    with running.client(Version.MQTT_5) as client:
        answer = client.connect("ann", will=Will("will", b"", properties=Properties(response_topic="r" * 257)))
        assert answer.reason_code == ReasonCode.TOPIC_NAME_INVALID
    running.record("decision", action="connect", allowed=False, reason="invalid_connect")


def test_a_connect_has_at_most_8_kib_of_properties(running: Running) -> None:
    many = tuple(("name", "x" * 1000) for _ in range(9))
    with running.client(Version.MQTT_5) as client:
        answer = client.connect("ann", properties=Properties(user_properties=many))
        assert answer.reason_code == ReasonCode.PACKET_TOO_LARGE
    running.record("decision", action="connect", allowed=False, reason="invalid_connect")
