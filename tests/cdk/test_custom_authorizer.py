"""What the construct asks of CloudFormation."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Aws, Token
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk.authorizer_function import FunctionProps
from tests.cdk.conftest import Synth, with_secret
from tests.cdk.keys import KEY_ARN, with_signing

AUTHORIZER = "AWS::IoT::Authorizer"
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"


def only(template: Template, kind: str) -> Mapping[str, Any]:
    """The properties of the one resource of a kind."""
    (found,) = template.find_resources(kind).values()
    properties: Mapping[str, Any] = found["Properties"]
    return properties


def test_the_authorizer_is_as_the_configuration_says(synth: Synth) -> None:
    synth().has_resource_properties(
        AUTHORIZER,
        {"AuthorizerName": "chat", "TokenKeyName": "token", "Status": "ACTIVE", "SigningDisabled": True},
    )


def test_without_keys_there_are_none_in_the_template(synth: Synth) -> None:
    assert "TokenSigningPublicKeys" not in only(synth(), AUTHORIZER)


def test_with_keys_signing_is_on(synth: Synth, config: Path) -> None:
    pem = with_signing(config)
    synth().has_resource_properties(
        AUTHORIZER, {"SigningDisabled": False, "TokenSigningPublicKeys": {"2026-11": pem}, "TokenKeyName": "token"}
    )


def test_it_may_be_inactive_cache_for_http_and_have_tags(synth: Synth) -> None:
    synth(status="INACTIVE", caching_for_http=True, tags={"team": "chat"}).has_resource_properties(
        AUTHORIZER,
        {"Status": "INACTIVE", "EnableCachingForHttp": True, "Tags": [{"Key": "team", "Value": "chat"}]},
    )


def test_another_name_is_the_functions_too(synth: Synth) -> None:
    template = synth(name="chat-dev")
    template.has_resource_properties(AUTHORIZER, {"AuthorizerName": "chat-dev"})
    variables = {"AUTHORIZER_CONFIG": "authorizer.toml", "AUTHORIZER__NAME": "chat-dev"}
    template.has_resource_properties(FUNCTION, {"Environment": {"Variables": variables}})


def test_a_single_value_may_stand_in_place_of_the_files(synth: Synth) -> None:
    template = synth(values={"AUTHORIZER__TOKEN_KEY_NAME": "session"})
    template.has_resource_properties(AUTHORIZER, {"TokenKeyName": "session"})
    variables = Match.object_like({"AUTHORIZER__TOKEN_KEY_NAME": "session"})
    template.has_resource_properties(FUNCTION, {"Environment": {"Variables": variables}})


def test_the_lambda_reads_the_configuration_that_was_checked(synth: Synth) -> None:
    variables = Match.object_like({"AUTHORIZER_CONFIG": "authorizer.toml"})
    template = synth(values={"AUTHORIZER_CONFIG": "other.toml"})
    template.has_resource_properties(FUNCTION, {"Environment": {"Variables": variables}})


def test_what_the_shell_says_is_not_for_lambda(synth: Synth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZER__NAME", "shell")
    monkeypatch.setenv("AUTHORIZER_DEVELOPMENT_JWKS", str(tmp_path / "nowhere.json"))
    synth().has_resource_properties(AUTHORIZER, {"AuthorizerName": "chat"})


def test_nothing_is_fetched_at_synthesis(synth: Synth, config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/keys.json"
        config.write_text(config.read_text().replace("keys.json", url))
        synth()
        with pytest.raises(BlockingIOError):
            server.accept()


def test_bounds_let_through_what_only_a_deployment_knows(synth: Synth) -> None:
    most = Token.as_number({"Ref": "Most"})
    props = FunctionProps(reserved_concurrency=most, provisioned_concurrency=2)  # type: ignore[arg-type]
    template = synth(function=props, tags={"team": Aws.STACK_NAME})
    template.has_resource_properties(FUNCTION, {"ReservedConcurrentExecutions": {"Ref": "Most"}})


def test_the_function_runs_as_measured(synth: Synth) -> None:
    synth().has_resource_properties(
        FUNCTION,
        {
            "Architectures": ["arm64"],
            "Runtime": "python3.14",
            "MemorySize": 512,
            "Timeout": 5,
            "Handler": "iot_authorizer.handler.lambda_handler",
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": Match.any_value()},
        },
    )


def test_its_logs_are_kept_for_a_month(synth: Synth) -> None:
    synth().has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})


def test_concurrency_may_be_reserved(synth: Synth) -> None:
    synth(function=FunctionProps(reserved_concurrency=20)).has_resource_properties(
        FUNCTION, {"ReservedConcurrentExecutions": 20}
    )


def test_tracing_is_opt_in(synth: Synth) -> None:
    assert "TracingConfig" not in only(synth(), FUNCTION)
    synth(function=FunctionProps(tracing=True)).has_resource_properties(FUNCTION, {"TracingConfig": {"Mode": "Active"}})


def test_only_this_authorizer_of_this_account_may_invoke_it(synth: Synth) -> None:
    permission = only(synth(), PERMISSION)
    assert (permission["Action"], permission["Principal"]) == ("lambda:InvokeFunction", "iot.amazonaws.com")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    account = {"Ref": "AWS::AccountId"}
    place = ["arn:", {"Ref": "AWS::Partition"}, ":iot:", {"Ref": "AWS::Region"}, ":", account, ":authorizer/chat"]
    assert permission["SourceArn"] == {"Fn::Join": ["", place]}


@pytest.mark.parametrize(
    "props",
    [FunctionProps(snap_start=True), FunctionProps(provisioned_concurrency=2)],
    ids=["SnapStart", "provisioned"],
)
def test_an_alias_is_called_where_there_is_one_and_the_permission_is_on_it(synth: Synth, props: FunctionProps) -> None:
    template = synth(function=props)
    (alias,) = template.find_resources("AWS::Lambda::Alias")
    assert only(template, AUTHORIZER)["AuthorizerFunctionArn"] == {"Ref": alias}
    assert only(template, PERMISSION)["FunctionName"] == {"Ref": alias}


def test_without_an_alias_the_function_is_called(synth: Synth) -> None:
    template = synth()
    (function,) = template.find_resources(FUNCTION)
    arn = {"Fn::GetAtt": [function, "Arn"]}
    assert (only(template, AUTHORIZER)["AuthorizerFunctionArn"], only(template, PERMISSION)["FunctionName"]) == (
        arn,
        arn,
    )


def statements(template: Template) -> list[Mapping[str, Any]]:
    """What the function's role may do."""
    role = only(template, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    found: list[Mapping[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_its_role_may_write_its_own_logs_and_nothing_else(synth: Synth) -> None:
    template = synth()
    (logs,) = template.find_resources("AWS::Logs::LogGroup")
    assert statements(template) == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [logs, "Arn"]},
        }
    ]
    template.resource_count_is("AWS::IAM::Policy", 0)


@pytest.mark.parametrize(
    ("secret", "action", "end"),
    [
        ("secretsmanager:chat/hs256", "secretsmanager:GetSecretValue", ":secret:chat/hs256-??????"),
        ("ssm:/chat/hs256", "ssm:GetParameter", ":parameter/chat/hs256"),
        ("ssm:hs256", "ssm:GetParameter", ":parameter/hs256"),
    ],
)
def test_it_may_read_the_one_secret_that_is_configured(
    synth: Synth, config: Path, secret: str, action: str, end: str
) -> None:
    with_secret(config, secret)
    _, reads = statements(synth())
    assert reads["Action"] == action
    assert str(reads["Resource"]).endswith(f"{end}']]}}")


SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chat/hs256"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/chat/hs256"


@pytest.mark.parametrize(
    ("secret", "resource"),
    [
        (f"secretsmanager:{SECRET_ARN}", f"{SECRET_ARN}-??????"),
        (f"secretsmanager:{SECRET_ARN}-AbCd12", [f"{SECRET_ARN}-AbCd12", f"{SECRET_ARN}-AbCd12-??????"]),
        (f"ssm:{PARAMETER_ARN}", PARAMETER_ARN),
    ],
    ids=["partial", "whole", "parameter"],
)
def test_a_secret_may_be_named_by_its_arn_with_or_without_the_end_that_it_was_given(
    synth: Synth, config: Path, secret: str, resource: object
) -> None:
    with_secret(config, secret)
    _, reads = statements(synth())
    assert reads["Resource"] == resource


def test_a_secret_may_be_one_that_only_a_deployment_knows(synth: Synth, config: Path) -> None:
    with_secret(config)
    secret = f"secretsmanager:{Token.as_string({'Ref': 'Secret'})}"
    _, reads = statements(synth(values={"AUTHORIZER__JWT__0__SECRET": secret}))
    assert reads["Resource"] == {"Ref": "Secret"}


def test_it_may_decrypt_with_the_secrets_key_what_secrets_manager_hands_out(synth: Synth, config: Path) -> None:
    with_secret(config)
    _, _, decrypts = statements(synth(function=FunctionProps(secret_keys=[KEY_ARN])))
    service = {"Fn::Join": ["", ["secretsmanager.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert decrypts == {
        "Action": "kms:Decrypt",
        "Effect": "Allow",
        "Resource": KEY_ARN,
        "Condition": {"StringEquals": {"kms:ViaService": [service]}},
    }
