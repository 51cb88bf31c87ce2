"""The `aws` CLI, unmodified."""

import base64
import json
import subprocess

import pytest

from tests.local.api.conftest import Aws
from tests.local.api.core import ARN, FUNCTION_ARN
from tests.local.api.server import Service
from tests.local.harness.signing_keys import Keys

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]


def printed(done: Done) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    parsed: dict[str, object] = json.loads(done.stdout)
    return parsed


def names(page: dict[str, object]) -> list[str]:
    found = page["authorizers"]
    assert isinstance(found, list)
    return [one["authorizerName"] for one in found]


def test_an_authorizer_is_created_described_and_deleted(aws: Aws, keys: Keys) -> None:
    made = aws(
        *("iot", "create-authorizer", "--authorizer-name", "a@b", "--authorizer-function-arn", FUNCTION_ARN),
        *("--token-key-name", "token", "--token-signing-public-keys", f"FIRST={keys[0].pem}"),
        *("--tags", "Key=team,Value=x"),
    )
    assert printed(made)["authorizerArn"] == f"{ARN}authorizer/a@b"
    described = printed(aws("iot", "describe-authorizer", "--authorizer-name", "a@b"))["authorizerDescription"]
    assert isinstance(described, dict)
    assert described["tokenSigningPublicKeys"] == {"FIRST": keys[0].pem.strip()}
    assert aws("iot", "delete-authorizer", "--authorizer-name", "a@b").returncode == 0


def test_authorizers_are_listed_in_pages(aws: Aws) -> None:
    arguments = ("--authorizer-name", "a", "--authorizer-function-arn", FUNCTION_ARN, "--signing-disabled")
    printed(aws("iot", "create-authorizer", *arguments))
    first = printed(aws("iot", "list-authorizers", "--page-size", "1", "--ascending-order"))
    second = printed(aws("iot", "list-authorizers", "--ascending-order", "--marker", str(first["nextMarker"])))
    assert [names(page) for page in (first, second)] == [["a"], ["chat"]]


def test_the_endpoint_is_described(aws: Aws) -> None:
    found = printed(aws("iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS"))
    assert found == {"endpointAddress": "localhost:8443"}


@pytest.mark.parametrize("signing", [(), ("--no-sign-request",)])
def test_the_control_plane_needs_no_signature(aws: Aws, signing: tuple[str, ...]) -> None:
    assert aws("iot", "describe-default-authorizer", *signing).returncode == 0


def test_an_authorizer_is_tested(aws: Aws) -> None:
    context = json.dumps({"username": "ann", "password": "ann", "clientId": "ann"})
    answer = printed(aws("iot", "test-invoke-authorizer", "--authorizer-name", "chat", "--mqtt-context", context))
    assert (answer["isAuthenticated"], answer["principalId"]) == (True, "ann")


def test_an_error_is_reported_as_on_aws(aws: Aws) -> None:
    done = aws("iot", "describe-authorizer", "--authorizer-name", "nobody")
    assert done.returncode != 0
    assert "(ResourceNotFoundException) when calling the DescribeAuthorizer operation: Authorizer nobody" in done.stderr


def test_an_unknown_operation_is_reported(aws: Aws) -> None:
    done = aws("iot", "list-things")
    assert "(UnknownOperationException)" in done.stderr
    assert "GET /things is not an operation of this endpoint" in done.stderr


def test_a_message_is_published_retained_and_read(aws: Aws, service: Service) -> None:
    listener = service.do(lambda core: core.listen("listener", "rooms/#"))
    done = aws(
        *("iot-data", "publish", "--topic", "rooms/ä/say it", "--payload", "hello", "--qos", "1", "--retain"),
        *("--content-type", "text/plain; a+b", "--user-properties", '[{"a": "b"}]'),
        *("--correlation-data", base64.b64encode(b"1").decode(), "--payload-format-indicator", "UTF8_DATA"),
    )
    assert done.returncode == 0, done.stderr
    message = listener.message()
    assert (message.topic, message.payload) == ("rooms/ä/say it", b"hello")
    assert (message.properties.content_type, message.properties.user_properties) == ("text/plain; a+b", (("a", "b"),))
    read = printed(aws("iot-data", "get-retained-message", "--topic", "rooms/ä/say it"))
    assert read["payload"] == base64.b64encode(b"hello").decode()
    listed = printed(aws("iot-data", "list-retained-messages"))["retainedTopics"]
    assert isinstance(listed, list)
    assert [one["topic"] for one in listed] == ["rooms/ä/say it"]


def test_the_authorizer_decides_on_a_publish_without_a_signature(aws: Aws, service: Service) -> None:
    done = aws("iot-data", "publish", "--topic", "a", "--payload", "x", "--no-sign-request")
    assert "(UnauthorizedException) when calling the Publish operation" in done.stderr
    assert len(service.core.events) == 1


def test_a_connection_is_described_and_ended(aws: Aws, service: Service) -> None:
    listener = service.do(lambda core: core.listen("ann/phone", "inbox/#"))
    client = ("--client-id", "ann/phone")
    assert printed(aws("iot-data", "get-connection", *client, "--include-socket-information"))["connected"] is True
    subscriptions = printed(aws("iot-data", "list-subscriptions", *client))["subscriptions"]
    assert subscriptions == [{"topicFilter": "inbox/#", "qos": 1}]
    assert aws("iot-data", "delete-connection", *client, "--clean-session").returncode == 0
    assert listener.closed


def test_a_topic_rule_is_created_listed_and_deleted(aws: Aws) -> None:
    payload = {
        "sql": "SELECT * FROM 'a/#'",
        "awsIotSqlVersion": "2016-03-23",
        "actions": [{"lambda": {"functionArn": FUNCTION_ARN}}],
    }
    name = ("--rule-name", "copies")
    made = aws("iot", "create-topic-rule", *name, "--topic-rule-payload", json.dumps(payload))
    assert made.returncode == 0, made.stderr
    listed = aws("iot", "list-topic-rules", "--query", "rules[].[ruleName, topicPattern]", "--output", "text")
    assert listed.stdout == "copies\ta/#\n"
    assert aws("iot", "delete-topic-rule", *name).returncode == 0
    assert "Access to topic rule 'copies' was denied" in aws("iot", "get-topic-rule", *name).stderr
