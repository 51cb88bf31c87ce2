"""A deployed stack, seen with AWS's APIs and command line."""

import json
import shlex
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import mint
from tests.cloud.cloud import ACCOUNT, REGION, Cloud
from tests.cloud.credentials import login, query
from tests.cloud.project import PASSWORD, Project

STRANGER = "stranger"


@pytest.fixture
def function_arn(cloud: Cloud, plain: Project) -> str:
    """The alias of the function, which the authorizer invokes."""
    return str(cloud.describe(plain.authorizer)["authorizerFunctionArn"])


def test_the_authorizer_is_described_as_it_was_configured(cloud: Cloud, plain: Project) -> None:
    described = cloud.describe(plain.authorizer)
    for changing in ("authorizerFunctionArn", "creationDate", "lastModifiedDate"):
        del described[changing]
    assert described == {
        "authorizerName": "chat-plain",
        "authorizerArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:authorizer/chat-plain",
        "status": "ACTIVE",
        "tokenKeyName": "token",
        "signingDisabled": True,
        "enableCachingForHttp": False,
    }


def test_only_iot_core_may_invoke_the_function_and_only_for_this_authorizer(cloud: Cloud, function_arn: str) -> None:
    statements = cloud.statements(function_arn)
    for statement in statements:
        del statement["Sid"]
    assert statements == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "iot.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": function_arn,
            "Condition": {
                "ArnLike": {"AWS:SourceArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:authorizer/chat-plain"},
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            },
        }
    ]


def test_another_authorizer_may_not_invoke_the_function(cloud: Cloud, function_arn: str) -> None:
    iot = cloud.client("iot")
    options = {"authorizerFunctionArn": function_arn, "signingDisabled": True, "tokenKeyName": "token"}
    iot.create_authorizer(authorizerName=STRANGER, **options)
    with pytest.raises(ClientError, match="may not invoke"):
        cloud.ask(STRANGER, httpContext=query(mint()))
    iot.delete_authorizer(authorizerName=STRANGER)


def test_a_good_token_gets_the_policy_documents(cloud: Cloud, plain: Project) -> None:
    answer = cloud.ask(plain.authorizer, httpContext=query(mint(sub="ann")))
    arn = f"arn:aws:iot:{REGION}:{ACCOUNT}"
    assert [json.loads(document)["Statement"] for document in answer["policyDocuments"]] == [
        [
            {"Effect": "Allow", "Action": ["iot:Connect"], "Resource": [f"{arn}:client/ann"]},
            {"Effect": "Allow", "Action": ["iot:Publish"], "Resource": [f"{arn}:topic/rooms/plain"]},
        ]
    ]


def test_a_forged_token_is_refused(cloud: Cloud, plain: Project) -> None:
    forged = mint(signing_key("RS256", "stranger"), head={"kid": signing_key("RS256").key_id})
    assert cloud.ask(plain.authorizer, httpContext=query(forged))["isAuthenticated"] is False


def test_the_right_password_is_accepted(cloud: Cloud, plain: Project) -> None:
    assert cloud.ask(plain.authorizer, mqttContext=login(PASSWORD))["isAuthenticated"] is True


def test_a_wrong_password_is_refused(cloud: Cloud, plain: Project) -> None:
    assert cloud.ask(plain.authorizer, mqttContext=login("battery staple"))["isAuthenticated"] is False


@pytest.mark.parametrize(("topic", "status"), [("rooms/plain", 200), ("rooms/other", 403)])
def test_clients_publish_only_to_topics_that_the_policy_allows(
    core: LocalIotCore, plain: Project, topic: str, status: int
) -> None:
    headers = {"x-amz-customauthorizer-name": plain.authorizer, "token": mint()}
    request = urllib.request.Request(f"{core.url}/topics/{topic}", b"hello", headers)
    assert answered(request) == status


def answered(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_test_command_of_the_outputs_works(cloud: Cloud, plain: Project) -> None:
    _, *arguments = shlex.split(plain.outputs(cloud)["AuthorizerTestCommand"].replace("TOKEN", mint()))
    assert cloud.aws(*arguments)["isAuthenticated"] is True


def test_the_url_of_the_outputs_has_the_endpoint(cloud: Cloud, plain: Project) -> None:
    endpoint = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    assert urlsplit(plain.outputs(cloud)["AuthorizerWebSocketUrl"]).netloc == endpoint


def test_logs_are_kept_for_a_month(cloud: Cloud, function_arn: str) -> None:
    name = cloud.function(function_arn)["LoggingConfig"]["LogGroup"]
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["retentionInDays"] for group in found] == [30]


def test_decisions_are_logged_there(cloud: Cloud, plain: Project, function_arn: str) -> None:
    cloud.ask(plain.authorizer, httpContext=query(mint(sub="logged")))
    assert "logged" in {line.get("principal") for line in cloud.log(function_arn)}


def test_the_alarms_are_deployed_with_their_thresholds(cloud: Cloud, plain: Project) -> None:
    found = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{plain.stack}-")["MetricAlarms"]
    assert {alarm["MetricName"]: alarm["Threshold"] for alarm in found} == {
        "Errors": 0,
        "Throttles": 0,
        "Duration": 2500,
        "KeysNotFetched": 0,
        "ApproximateNumberOfMessagesVisible": 0,  # In the queue of errors of rules.
        "Refused": 0,  # With the reason internal_error.
        "metric math": 50,  # The share of refusals, as ministack_server.py stores it.
    }


def test_the_dashboard_shows_this_function(cloud: Cloud, function_arn: str) -> None:
    dashboard = cloud.client("cloudwatch").get_dashboard(DashboardName=f"iot-authorizer-chat-plain-{REGION}")
    assert function_arn.removesuffix(":live").rpartition(":")[2] in dashboard["DashboardBody"]
