"""The `aws` CLI and boto3, unmodified, over HTTP and HTTPS."""

import json

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.clients.aws_cli import aws
from tests.clients.boto3_clients import control_plane, data_plane
from tests.clients.paho_client import PahoConnection
from tests.clients.presence import Watcher
from tests.clients.server import EXPIRING, ROOM, Server

SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


def invoke(server: Server, token: str) -> dict[str, object]:
    """What `aws iot test-invoke-authorizer` answers for a token."""
    contexts = [
        "--http-context",
        json.dumps({"queryString": f"?token={token}"}),
        "--mqtt-context",
        '{"clientId": "ann"}',
    ]
    return aws(server, "iot", "test-invoke-authorizer", "--authorizer-name", "chat", *contexts)


def test_the_cli_shows_the_answer_with_the_policy_for_a_valid_token_and_that_a_forged_one_is_refused(
    server: Server,
) -> None:
    answer = invoke(server, server.ending_token("ann"))
    assert (answer["isAuthenticated"], answer["principalId"]) == (True, "ann")
    assert answer["disconnectAfterInSeconds"] == EXPIRING
    documents = str(answer["policyDocuments"])
    assert (f"topic/rooms/{ROOM}/say/ann" in documents, "attic" in documents) == (True, False)
    assert invoke(server, server.forged_token("ann"))["isAuthenticated"] is False


@SCHEMES
def test_boto3_invokes_the_authorizer(server: Server, scheme: str) -> None:
    client = control_plane(server, scheme)
    tokens = (server.token("ann"), server.forged_token("ann"))
    answers = [
        client.test_invoke_authorizer(authorizerName="chat", httpContext={"queryString": f"?token={token}"})
        for token in tokens
    ]
    assert [answer["isAuthenticated"] for answer in answers] == [True, False]


@SCHEMES
def test_boto3_publishes_to_a_subscriber(server: Server, scheme: str, watcher: Watcher) -> None:
    topic = f"rooms/{ROOM}/boto3"
    data_plane(server, scheme).publish(topic=topic, qos=1, payload=scheme.encode())
    assert watcher.said(topic) == scheme


@SCHEMES
def test_boto3_disconnects_a_client(server: Server, scheme: str, watcher: Watcher) -> None:
    own = f"ann/{scheme}"
    version = MQTTProtocolVersion.MQTTv5
    with PahoConnection(server, own, server.token("ann"), version=version, transport="tcp") as connection:
        assert connection.next().kind == "connected"
        data_plane(server, scheme).delete_connection(clientId=own)
        assert connection.next().kind == "ended"
    assert watcher.disconnect_reason(own) == "API_INITIATED_DISCONNECT"
