"""The `aws` CLI and boto3, unmodified, over HTTP and HTTPS."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.clients.boto3_clients import control_plane, data_plane
from tests.clients.connection import PATIENCE
from tests.clients.paho_client import PahoConnection
from tests.clients.presence import Watcher
from tests.clients.server import EXPIRING, ROOM, Server

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


def aws(server: Server, *arguments: str) -> dict[str, object]:
    """Run a command of the CLI and return its answer."""
    command = [str(Path(sys.executable).parent / "aws"), *arguments, "--output", "json"]
    where = ["--endpoint-url", server.tls_url, "--ca-bundle", str(server.ca)]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(
        [*command, *where], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout or "{}")
    return answer


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
