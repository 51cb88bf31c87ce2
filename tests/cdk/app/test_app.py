"""The app's templates: stacks, operations, outputs; and what other tools find in them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack, aws_sqs
from aws_cdk.assertions import Annotations, Match, Template

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.app.__main__ import main
from iot_authorizer_cdk.app.synthesis import build_app, synthesize
from tests.cdk.configurations import KEY_ARN, append, with_secret, with_signing
from tests.cdk.conftest import write_code

STACK, DOMAIN_STACK = "IotAuthorizer-chat-prod", "IotAuthorizerDomain-chat-prod"
DOMAIN = "AWS::IoT::DomainConfiguration"
CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
ALL = {
    "suffix": "-prod",
    "snap_start": True,
    "tracing": True,
    "default": True,
    "alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:alarms",
    "identity_table": True,
    "domain": {"name": "chat"},
}
"""A stage with everything that the app adds."""
RULE = '[[rule]]\nname = "on_say"\ntopics = ["rooms/#"]\nfunction = "my_rules.on_message"'
OTHER = {
    "provisioned_concurrency": 3,
    "topic_prefix": "other",
    "secret_kms_key_arns": [KEY_ARN],
    "architecture": "x86_64",
    "python": "3.13",
    "domain": {
        "name": "chat",
        "protocol": "SECURE_MQTT",
        "allow_authorizer_override": True,
        "domain_name": "mqtt.example.com",
        "certificate_arn": CERTIFICATE_ARN,
        "validation_certificate_arn": f"{CERTIFICATE_ARN}2",
        "status": "DISABLED",
        "tls_policy": "IotSecurityPolicy_TLS13_1_2_2022_10",
    },
}
"""A stage with the other choice wherever there are two."""


class Output:
    """The templates of a stage, which cdk-nag has checked: it fails if a rule is broken."""

    def __init__(self, config: Path, stage: Mapping[str, object]) -> None:
        context: dict[str, object] = {"stage": "prod", "stages": {"prod": stage}}
        self.folder = Path(build_app(config, context).synth().directory)
        self.template = self.read(STACK)

    def read(self, stack: str) -> Template:
        return Template.from_string((self.folder / f"{stack}.template.json").read_text())

    def values(self, stack: str = STACK) -> dict[str, Any]:
        """The outputs of a stack."""
        return {name: each["Value"] for name, each in self.read(stack).find_outputs("*").items()}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Output:
    folder = write_code(tmp_path_factory.mktemp("all") / "project")
    append(folder / "authorizer.toml", RULE)
    (folder / "my_rules.py").write_text("def on_message(event, context): ...\n")
    return Output(folder / "authorizer.toml", ALL)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Its authorizer verifies signatures and a shared secret."""
    config = write_code(tmp_path_factory.mktemp("other") / "project") / "authorizer.toml"
    with_secret(config)
    with_signing(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHORIZER__NAME", "shell")
        return Output(config, OTHER)


def test_cdk_nag_finds_only_what_is_acknowledged_with_a_reason(output: Output) -> None:
    reports = json.loads((output.folder / "validation-report.json").read_text())["pluginReports"]
    assert {(report["conclusion"], *report["violations"]) for report in reports} == {("success",)}
    acknowledged = [finding for report in reports for finding in report.get("suppressedViolations", ())]
    assert {finding["ruleName"].partition("[")[0] for finding in acknowledged} == {
        "AwsSolutions-IAM5",
        "AwsSolutions-SQS3",
    }
    assert all(finding["reason"] for finding in acknowledged)


@pytest.mark.slow
def test_cfn_lint_finds_nothing(output: Output, other: Output) -> None:
    program = Path(sys.executable).with_name("cfn-lint")
    templates = sorted(map(str, [*output.folder.glob("*.template.json"), *other.folder.glob("*.template.json")]))
    done = subprocess.run(
        [program, "--regions", "us-east-1", "--", *templates], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_no_feature_flag_is_left_to_a_warning_of_the_cdk(output: Output) -> None:
    artifacts = json.loads((output.folder / "manifest.json").read_text())["artifacts"].values()
    (report,) = (each["properties"]["flags"] for each in artifacts if each["type"] == "cdk:feature-flag-report")
    assert [name for name, flag in report.items() if "userValue" not in flag and has_warning(flag)] == []


def has_warning(flag: dict[str, Any]) -> bool:
    by_default = flag.get("unconfiguredBehavesLike", {}).get("v2", False)
    return bool(by_default != flag["recommendedValue"])


ROLE = "AWS::IAM::Role"


def statement(expected: dict[str, object]) -> dict[str, object]:
    """A role that has this statement."""
    document = {"Statement": Match.array_with([Match.object_like(expected)])}
    return {"Policies": [Match.object_like({"PolicyDocument": document})]}


@pytest.mark.parametrize(
    ("stage", "kind", "properties"),
    [
        ("output", "AWS::IoT::Authorizer", {"AuthorizerName": "chat-prod"}),
        ("output", "AWS::IoT::TopicRule", {"RuleName": "chat_prod_on_say"}),
        (
            "output",
            "AWS::CloudWatch::Alarm",
            {"Namespace": "AWS/SQS", "Threshold": 0, "AlarmActions": Match.any_value()},
        ),
        ("output", "AWS::Lambda::Function", {"SnapStart": {"ApplyOn": "PublishedVersions"}}),
        ("output", "Custom::DefaultAuthorizer", {"AuthorizerName": "chat-prod", "ServiceToken": Match.any_value()}),
        ("output", ROLE, statement({"Action": ["iot:ClearDefaultAuthorizer", "iot:DescribeDefaultAuthorizer"]})),
        ("output", ROLE, statement({"Action": "iot:SetDefaultAuthorizer"})),
        ("output", ROLE, statement({"Action": "iot:DescribeEndpoint"})),
        ("other", "AWS::IoT::Authorizer", {"AuthorizerName": "chat-signed"}),
        ("other", ROLE, statement({"Action": "kms:Decrypt", "Resource": KEY_ARN})),
        ("other", "AWS::Lambda::Function", {"Runtime": "python3.13", "Architectures": ["x86_64"]}),
        ("other", "AWS::Lambda::Alias", {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}),
    ],
)
def test_a_stage_is_deployed_as_it_says(
    request: pytest.FixtureRequest, stage: str, kind: str, properties: dict[str, object]
) -> None:
    found: Output = request.getfixturevalue(stage)
    found.template.has_resource_properties(kind, properties)


def test_resources_have_the_stage_as_a_tag_and_the_authorizer_has_no_tags(output: Output) -> None:
    tags = {"Tags": Match.array_with([{"Key": "stage", "Value": "prod"}])}
    for stack, kind in ((STACK, "AWS::Lambda::Function"), (STACK, "AWS::DynamoDB::Table"), (DOMAIN_STACK, DOMAIN)):
        output.read(stack).all_resources_properties(kind, tags)
    output.template.all_resources_properties("AWS::IoT::Authorizer", {"Tags": Match.absent()})


def test_the_table_of_a_stage_is_the_functions(output: Output) -> None:
    (table,) = output.template.find_resources("AWS::DynamoDB::Table")
    variables = Match.object_like({"AUTHORIZER__TABLE": {"Ref": table}})
    output.template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})
    assert output.values()["IdentityTable"] == {"Ref": table}


def test_the_outputs_are_what_a_user_types_next(output: Output) -> None:
    found = output.values()
    context = """--http-context '{"queryString": "?token=TOKEN"}'"""
    assert found["AuthorizerTestCommand"] == f"aws iot test-invoke-authorizer --authorizer-name chat-prod {context}"
    (endpoint,) = output.template.find_resources("Custom::IotEndpoint")
    address = {"Fn::GetAtt": [endpoint, "Address"]}
    assert found["AuthorizerEndpoint"] == address
    query = "/mqtt?x-amz-customauthorizer-name=chat-prod&token=TOKEN"
    assert found["AuthorizerWebSocketUrl"] == {"Fn::Join": ["", ["wss://", address, query]]}
    assert found["AuthorizerName"] == "chat-prod"


def test_with_signing_the_outputs_have_a_signature(other: Output) -> None:
    outputs = other.values()
    query = "/mqtt?x-amz-customauthorizer-name=chat-signed&token=TOKEN&x-amz-customauthorizer-signature=SIGNATURE"
    assert outputs["AuthorizerWebSocketUrl"]["Fn::Join"][1][-1] == query
    command = "aws iot test-invoke-authorizer --authorizer-name chat-signed --token TOKEN --token-signature SIGNATURE"
    assert outputs["AuthorizerTestCommand"] == command


def test_a_stage_may_have_the_table_that_a_configuration_with_only_passwords_needs(config: Path) -> None:
    config.write_text('name = "chat"\npolicy = "policy.toml"')
    append(config, "[passwords]")
    found = Output(config, {"identity_table": True}).values()
    context = """--mqtt-context '{"username": "NAME", "password": "BASE64"}'"""
    assert found["AuthorizerTestCommand"] == f"aws iot test-invoke-authorizer --authorizer-name chat {context}"


def test_a_domain_has_its_own_stack_which_waits_for_the_authorizers(output: Output) -> None:
    artifacts = json.loads((output.folder / "manifest.json").read_text())["artifacts"]
    assert STACK in artifacts[DOMAIN_STACK]["dependencies"]
    output.template.resource_count_is(DOMAIN, 0)
    output.read(DOMAIN_STACK).has_resource_properties(
        DOMAIN,
        {
            "AuthenticationType": "CUSTOM_AUTH",
            "ApplicationProtocol": "MQTT_WSS",
            "ServiceType": "DATA",
            "AuthorizerConfig": {"DefaultAuthorizerName": "chat-prod", "AllowAuthorizerOverride": False},
            "DomainConfigurationStatus": "ENABLED",
        },
    )
    command = output.values(DOMAIN_STACK)["AddressCommand"]
    assert "describe-domain-configuration --domain-configuration-name chat " in command


def test_a_custom_domain_is_deployed_as_the_stage_says(other: Output) -> None:
    other.read(DOMAIN_STACK).has_resource_properties(
        DOMAIN,
        {
            "ApplicationProtocol": "SECURE_MQTT",
            "AuthorizerConfig": {"DefaultAuthorizerName": "chat-signed", "AllowAuthorizerOverride": True},
            "DomainConfigurationStatus": "DISABLED",
            "DomainName": "mqtt.example.com",
            "ServerCertificateArns": [CERTIFICATE_ARN],
            "ValidationCertificateArn": f"{CERTIFICATE_ARN}2",
            "TlsConfig": {"SecurityPolicy": "IotSecurityPolicy_TLS13_1_2_2022_10"},
        },
    )
    assert other.values(DOMAIN_STACK)["AddressCommand"] == "aws iot describe-endpoint --endpoint-type iot:Data-ATS"


@pytest.mark.parametrize(
    ("prod", "dev", "warns"),
    [
        ({}, None, False),
        ({}, {"suffix": "-dev"}, True),
        ({"topic_prefix": "prod"}, {"suffix": "-dev", "topic_prefix": "dev"}, True),
        ({"own_account": False}, {"suffix": "-dev"}, False),
        ({"own_account": True}, {}, False),
        ({}, {"own_account": True}, False),
    ],
)
def test_stages_that_may_share_an_account_are_a_warning_until_a_stage_says_what_it_is(
    config: Path, prod: dict[str, object], dev: dict[str, object] | None, warns: bool
) -> None:
    stages = {"prod": prod} | ({} if dev is None else {"dev": dev})
    stack = build_app(config, {"stage": "prod", "stages": stages}).node.find_child(STACK)
    assert isinstance(stack, Stack)
    message = Match.string_like_regexp("stage prod and dev share IoT Core's endpoint, topics and client IDs")
    assert bool(Annotations.from_stack(stack).find_warning(f"/{STACK}", message)) is warns


def test_a_table_that_the_configuration_names_for_two_stages_is_refused(config: Path) -> None:
    config.write_text('table = "identities"\n' + config.read_text())
    stages = {"prod": {}, "dev": {"suffix": "-dev"}}
    with pytest.raises(InvalidSettings, match=r"^authorizer\.toml: table: stages prod and dev would use one table"):
        build_app(config, {"stage": "prod", "stages": stages})


@pytest.mark.parametrize("suffix", ["-" + "x" * 124, "/prod"])
def test_a_suffix_that_makes_an_invalid_name_is_refused(config: Path, suffix: str) -> None:
    message = r"cdk\.json: context\.stages\.prod\.suffix: found 'chat.*', expected 1 to 128 letters"
    with pytest.raises(InvalidSettings, match=message):
        build_app(config, {"stage": "prod", "stages": {"prod": {"suffix": suffix}}})


def test_a_template_that_breaks_a_rule_is_one_line(config: Path) -> None:
    app = build_app(config, {"stage": "dev", "stages": {"dev": {}}})
    aws_sqs.Queue(Stack(app, "Other"), "Queue")  # Without TLS: AwsSolutions-SQS4.
    with pytest.raises(InvalidSettings, match=r"^a template breaks a rule: .+ validation-report\.json name it$"):
        synthesize(app)


@pytest.mark.parametrize("arguments", [[], ["destroy"]])
def test_an_error_is_one_line(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["app", *arguments])
    with pytest.raises(SystemExit, match=r"^cdk: stage dev: not in cdk\.json under context\.stages, which has: none$"):
        main()
