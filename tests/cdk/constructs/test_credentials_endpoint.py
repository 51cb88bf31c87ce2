"""The credentials endpoint: its API, its function, and the role that clients get."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, CfnParameter, Stack
from aws_cdk.assertions import Template

from iot_authorizer_cdk import AuthorizerProps, InvalidSettings, IotCustomAuthorizer
from iot_authorizer_cdk.constructs.alarms import Alarms
from iot_policies.actions import RESOURCE_TYPES
from tests.cdk.configurations import append, with_secret
from tests.cdk.conftest import Synth, write_code
from tests.cdk.constructs.test_custom_authorizer import here


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A stack with an authorizer, the endpoint and alarms. No test changes it."""
    return synthesized(tmp_path_factory.mktemp("endpoint"))


def synthesized(folder: Path) -> Template:
    code = write_code(folder / "lambda")
    append(code / "authorizer.toml", "[credentials]")
    stack = Stack(App(), "Test")
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code)
    Alarms(stack, "Alarms", authorizer=authorizer)
    assert authorizer.credentials_url is not None
    CfnOutput(stack, "Url", value=authorizer.credentials_url)
    return Template.from_stack(stack)


def only(template: Template, kind: str, name: str) -> tuple[str, Any]:
    """The logical ID and the properties of the only resource of a kind whose ID begins so."""
    (found,) = ((key, each) for key, each in template.find_resources(kind).items() if key.startswith(name))
    return found[0], found[1]["Properties"]


FUNCTION_ROLE, CLIENT_ROLE = "AuthorizerCredentialsLambdaRole", "AuthorizerCredentialsClientRole"


def test_clients_get_exactly_the_actions_that_session_policies_can_have(endpoint: Template) -> None:
    _, role = only(endpoint, "AWS::IAM::Role", CLIENT_ROLE)
    (policy,) = role["Policies"]
    found = [
        (action, statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    assert sorted(map(str, found)) == sorted(
        str((action, here("iot", f"{kind}/*"))) for action, kind in RESOURCE_TYPES.items()
    )
    assert role["MaxSessionDuration"] == 3600


def test_only_the_function_may_assume_the_role_and_no_other_role(endpoint: Template) -> None:
    function_role, _ = only(endpoint, "AWS::IAM::Role", FUNCTION_ROLE)
    client_role, role = only(endpoint, "AWS::IAM::Role", CLIENT_ROLE)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"Fn::GetAtt": [function_role, "Arn"]}}
    _, policy = only(endpoint, "AWS::IAM::Policy", "AuthorizerCredentialsAssume")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": [client_role, "Arn"]}
    assert (statement["Action"], policy["Roles"]) == ("sts:AssumeRole", [{"Ref": function_role}])


def test_the_function_has_the_authorizers_configuration_and_what_only_the_deployment_knows(endpoint: Template) -> None:
    client_role, _ = only(endpoint, "AWS::IAM::Role", CLIENT_ROLE)
    _, function = only(endpoint, "AWS::Lambda::Function", "AuthorizerCredentialsLambdaFunction")
    variables = function["Environment"]["Variables"]
    assert function["Handler"] == "iot_authorizer.credentials_handler.lambda_handler"
    assert variables["AUTHORIZER__CREDENTIALS__ROLE"] == {"Fn::GetAtt": [client_role, "Arn"]}
    assert "Fn::GetAtt" in variables["AUTHORIZER__CREDENTIALS__ENDPOINT"]
    assert variables["AUTHORIZER_CONFIG"] == "authorizer.toml"


def test_the_api_has_one_route_throttles_and_logs_no_query(endpoint: Template) -> None:
    _, route = only(endpoint, "AWS::ApiGatewayV2::Route", "")
    _, integration = only(endpoint, "AWS::ApiGatewayV2::Integration", "")
    _, stage = only(endpoint, "AWS::ApiGatewayV2::Stage", "")
    assert (route["RouteKey"], integration["PayloadFormatVersion"]) == ("ANY /credentials", "2.0")
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert not {"path", "queryString", "authorizer"} & logged.keys()


def test_the_access_log_says_from_where_the_request_of_a_log_line_came(endpoint: Template) -> None:
    _, stage = only(endpoint, "AWS::ApiGatewayV2::Stage", "")
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged["ip"] == "$context.identity.sourceIp"
    assert logged["functionRequestId"] == "$context.integration.requestId"


@pytest.mark.parametrize(
    ("properties", "reserved"),
    [
        ({"status": "INACTIVE"}, 0),
        ({"reserved_concurrency": 0}, 0),
        ({"reserved_concurrency": 10}, None),
        ({}, None),
    ],
    ids=str,
)
def test_what_stops_the_authorizer_stops_the_endpoint(
    synth: Synth, config: Path, properties: dict[str, Any], reserved: int | None
) -> None:
    append(config, "[credentials]")
    _, function = only(
        synth(props=AuthorizerProps(**properties)), "AWS::Lambda::Function", "AuthorizerCredentialsLambdaFunction"
    )
    assert function.get("ReservedConcurrentExecutions") == reserved


def test_a_status_that_only_the_deployment_knows_is_refused(code: Path, config: Path) -> None:
    append(config, "[credentials]")
    stack = Stack(App(), "Test")
    status: Any = CfnParameter(stack, "Status").value_as_string
    with pytest.raises(InvalidSettings, match="status: expected ACTIVE or INACTIVE"):
        IotCustomAuthorizer(stack, "Authorizer", code=code, props=AuthorizerProps(status=status))


def test_the_outputs_have_the_url(endpoint: Template) -> None:
    assert "/credentials" in str(endpoint.find_outputs("AuthorizerCredentialsUrl"))


def test_alarms_watch_the_endpoint_by_its_own_name(endpoint: Template) -> None:
    _, alarm = only(endpoint, "AWS::CloudWatch::Alarm", "AlarmsSts")
    assert {"Name": "service", "Value": "chat-credentials"} in alarm["Dimensions"]
    assert {"Name": "reason", "Value": "sts_unavailable"} in alarm["Dimensions"]


def test_without_the_table_there_is_no_endpoint(template: Template) -> None:
    template.resource_count_is("AWS::ApiGatewayV2::Api", 0)
    assert [name for name in template.find_resources("AWS::Lambda::Function") if "Credentials" in name] == []


def test_a_host_name_of_the_configuration_is_kept_and_secrets_can_be_read(synth: Synth, config: Path) -> None:
    with_secret(config)
    append(config, '[credentials]\nendpoint = "mqtt.example.com"')
    template = synth()
    _, function = only(template, "AWS::Lambda::Function", "AuthorizerCredentialsLambdaFunction")
    assert "AUTHORIZER__CREDENTIALS__ENDPOINT" not in function["Environment"]["Variables"]
    _, role = only(template, "AWS::IAM::Role", FUNCTION_ROLE)
    assert "secretsmanager:GetSecretValue" in str(role["Policies"])


@pytest.mark.slow
def test_cfn_lint_finds_nothing(endpoint: Template, tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps(endpoint.to_json()))
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([program, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
