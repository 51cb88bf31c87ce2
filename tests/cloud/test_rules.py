"""A deployed rule: what IoT Core's rules engine has of it, and its function, called with what the rule selects."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import boto3
import pytest

from iot_core.rules.sql_statement import parse_statement
from iot_core.rules.sql_values import SqlInput
from tests.cloud.cloud import ACCOUNT, REGION, Cloud
from tests.cloud.project import Project

RULE = "chat_plain_on_say"


@pytest.fixture(scope="module")
def rule(cloud: Cloud, plain: Project) -> Mapping[str, Any]:
    """The rule as CloudFormation made it. The stack's rules are in ministack, its authorizer is in our IoT Core."""
    session = boto3.Session(ACCOUNT, "secret", region_name=REGION)
    iot = cast("Callable[..., Any]", session.client)("iot", endpoint_url=cloud.environment["AWS_ENDPOINT_URL"])
    found: Mapping[str, Any] = iot.get_topic_rule(ruleName=RULE)["rule"]
    iot.close()
    return found


@pytest.fixture(scope="module")
def function_arn(rule: Mapping[str, Any]) -> str:
    """What the rule invokes."""
    (action,) = rule["actions"]
    return str(action["lambda"]["functionArn"])


def invoked(cloud: Cloud, rule: Mapping[str, Any], function_arn: str, message: SqlInput) -> Mapping[str, Any]:
    """The answer of Lambda, called with what the rule's SQL selects of a message."""
    event = parse_statement(rule["sql"]).select(message)
    answer: Mapping[str, Any] = cloud.client("lambda").invoke(FunctionName=function_arn, Payload=event)
    return answer


def test_the_function_gets_the_message_and_does_not_have_the_password_file(
    cloud: Cloud, rule: Mapping[str, Any], function_arn: str
) -> None:
    answer = invoked(cloud, rule, function_arn, SqlInput("rooms/plain", b'{"text": "hi"}', "ann/1", "ann", 5000))
    assert "FunctionError" not in answer, answer["Payload"].read()
    (line,) = [line for line in cloud.log(function_arn) if "event" in line]
    known = {"topic": "rooms/plain", "client_id": "ann/1", "principal": "ann", "timestamp": 5000}
    assert line["event"] == {**known, "payload": {"text": "hi"}}
    assert {"my_rules.py", "passwords.toml", "policy.toml"} & set(line["files"]) == {"my_rules.py", "policy.toml"}


def test_an_error_of_the_function_reaches_lambda(cloud: Cloud, rule: Mapping[str, Any], function_arn: str) -> None:
    answer = invoked(cloud, rule, function_arn, SqlInput("rooms/fails", b"", None, "ann", 5000))
    assert (answer["FunctionError"], json.loads(answer["Payload"].read())["errorMessage"]) == ("Unhandled", "no")


def test_only_the_rule_may_invoke_the_function(cloud: Cloud, function_arn: str) -> None:
    (statement,) = cloud.statements(function_arn)
    assert statement["Principal"] == {"Service": "iot.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"AWS:SourceArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:rule/{RULE}"},
        "StringEquals": {"AWS:SourceAccount": ACCOUNT},
    }


def test_errors_of_the_rule_and_of_the_function_go_to_one_queue(
    cloud: Cloud, plain: Project, rule: Mapping[str, Any], function_arn: str
) -> None:
    queue = rule["errorAction"]["sqs"]["queueUrl"]
    assert queue in plain.outputs(cloud).values()
    name, _, alias = function_arn.rpartition(":")
    config = cloud.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier=alias)
    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(f":{queue.rpartition('/')[2]}")
