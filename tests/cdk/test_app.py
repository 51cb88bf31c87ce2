"""The app: stages, operations, outputs; and what other tools find in its templates."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack, aws_sqs
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk.app import build_app, synthesize
from iot_authorizer_cdk.settings import InvalidSettings
from tests.cdk.conftest import with_secret
from tests.cdk.keys import KEY_ARN, with_signing

ALL = {
    "suffix": "-prod",
    "snap_start": True,
    "tracing": True,
    "default": True,
    "alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:alarms",
    "identity_table": True,
    "domain": {"name": "chat"},
}
"""A stage with all there is."""


@pytest.fixture
def output(code: Path) -> Path:
    """The templates of a stage with all there is, checked by cdk-nag: it fails where a rule is broken."""
    context: dict[str, object] = {"stage": "prod", "stages": {"prod": ALL}}
    return Path(build_app(code, context).synth().directory)


def template(output: Path, name: str = "IotAuthorizer-chat-prod") -> Template:
    return Template.from_string((output / f"{name}.template.json").read_text())


def test_cdk_nag_finds_nothing_but_what_is_acknowledged_with_a_reason(output: Path) -> None:
    reports = json.loads((output / "validation-report.json").read_text())["pluginReports"]
    assert {(report["conclusion"], *report["violations"]) for report in reports} == {("success",)}
    acknowledged = [finding for report in reports for finding in report.get("suppressedViolations", ())]
    assert {finding["ruleName"].partition("[")[0] for finding in acknowledged} == {"AwsSolutions-IAM5"}
    assert all(finding["reason"] for finding in acknowledged)


def test_cfn_lint_finds_nothing(output: Path) -> None:
    """But W3005, dependencies that are said twice, which the CDK writes."""
    templates = sorted(map(str, output.glob("*.template.json")))
    done = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--regions",
            "us-east-1",
            "--ignore-checks",
            "W3005",
            "--",
            *templates,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_no_feature_flag_is_left_to_the_cdks_warning(output: Path) -> None:
    artifacts = json.loads((output / "manifest.json").read_text())["artifacts"].values()
    (report,) = (each["properties"]["flags"] for each in artifacts if each["type"] == "cdk:feature-flag-report")
    assert [name for name, flag in report.items() if "userValue" not in flag and is_warned_of(flag)] == []


def is_warned_of(flag: dict[str, Any]) -> bool:
    by_itself = flag.get("unconfiguredBehavesLike", {}).get("v2", False)
    return bool(by_itself != flag["recommendedValue"])


def test_a_stage_has_a_name_of_its_own(output: Path) -> None:
    template(output).has_resource_properties("AWS::IoT::Authorizer", {"AuthorizerName": "chat-prod"})


def stacks(config: Path, name: str) -> set[str]:
    """The names of the stacks of an authorizer."""
    config.write_text(config.read_text().replace('"chat"', f'"{name}"', 1))
    app = build_app(config.parent, {"stage": "prod", "stages": {"prod": {"domain": {"name": "chat"}}}})
    return {stack.stack_name for stack in app.synth().stacks}


def test_two_authorizers_have_stacks_of_their_own(code: Path, tmp_path: Path) -> None:
    configs = [shutil.copytree(code, tmp_path / each) / "authorizer.toml" for each in "abcd"]
    names = ["chat", "a=b", "a@b", "x" * 128]
    found = [stacks(config, name) for config, name in zip(configs, names, strict=True)]
    assert found[0] == {"IotAuthorizer-chat-prod", "IotAuthorizerDomain-chat-prod"}
    assert len(set[str]().union(*found)) == 8


def test_alarms_go_to_the_topic(output: Path) -> None:
    alarms = template(output).find_resources("AWS::CloudWatch::Alarm").values()
    assert len(alarms) == 10
    assert all(alarm["Properties"]["AlarmActions"] == [ALL["alarm_topic_arn"]] for alarm in alarms)


def test_refusals_of_a_few_clients_wake_nobody(output: Path) -> None:
    (alarm,) = (
        alarm["Properties"]
        for alarm in template(output).find_resources("AWS::CloudWatch::Alarm").values()
        if "Metrics" in alarm["Properties"]
    )
    (share,) = (metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric)
    decisions = "(refused + FILL(allowed, 0))"
    assert share == f"IF({decisions} >= 20, 100 * refused / {decisions}, 0)"


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        ("IotAuthorizer-chat-prod", "AWS::IoT::Authorizer"),
        ("IotAuthorizer-chat-prod", "AWS::Lambda::Function"),
        ("IotAuthorizer-chat-prod", "AWS::DynamoDB::Table"),
        ("IotAuthorizerDomain-chat-prod", "AWS::IoT::DomainConfiguration"),
    ],
)
def test_the_stage_is_a_tag_of_everything(output: Path, stack: str, kind: str) -> None:
    template(output, stack).all_resources_properties(
        kind, {"Tags": Match.array_with([{"Key": "stage", "Value": "prod"}])}
    )


def test_the_table_of_a_stage_is_the_functions(output: Path) -> None:
    found = template(output)
    (table,) = found.find_resources("AWS::DynamoDB::Table")
    variables = Match.object_like({"AUTHORIZER__TABLE": {"Ref": table}})
    found.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})
    assert found.find_outputs("IdentityTable")["IdentityTable"]["Value"] == {"Ref": table}


def test_what_a_stage_says_is_deployed(code: Path) -> None:
    stage = {
        "memory_size": 1024,
        "reserved_concurrency": 20,
        "provisioned_concurrency": 3,
        "tracing": True,
        "caching_for_http": True,
    }
    app = build_app(code, {"stage": "prod", "stages": {"prod": stage}})
    found = template(Path(app.synth().directory))
    found.has_resource_properties(
        "AWS::Lambda::Function",
        {"MemorySize": 1024, "ReservedConcurrentExecutions": 20, "TracingConfig": {"Mode": "Active"}},
    )
    provisioned = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}
    found.has_resource_properties("AWS::Lambda::Alias", provisioned)
    found.has_resource_properties("AWS::IoT::Authorizer", {"EnableCachingForHttp": True})


def test_snap_start_is_deployed(output: Path) -> None:
    template(output).has_resource_properties(
        "AWS::Lambda::Function",
        {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Description": "AWS IoT Core custom authorizer"},
    )


def test_the_keys_of_a_stages_secrets_are_the_functions(code: Path) -> None:
    with_secret(code / "authorizer.toml")
    app = build_app(code, {"stage": "prod", "stages": {"prod": {"secret_kms_key_arns": [KEY_ARN]}}})
    assert KEY_ARN in str(template(Path(app.synth().directory)).find_resources("AWS::IAM::Role"))


def test_there_are_a_dashboard_and_two_queries(output: Path) -> None:
    found = template(output)
    found.resource_count_is("AWS::CloudWatch::Dashboard", 1)
    names = [query["Properties"]["Name"] for query in found.find_resources("AWS::Logs::QueryDefinition").values()]
    assert sorted(names) == [
        "iot-authorizer/chat-prod/top refused principals",
        "iot-authorizer/chat-prod/why was this client refused",
    ]


def test_the_dashboard_has_the_region_in_its_name_since_an_account_has_one_of_a_name(output: Path) -> None:
    name = {"Fn::Join": ["", ["iot-authorizer-chat-prod-", {"Ref": "AWS::Region"}]]}
    template(output).has_resource_properties("AWS::CloudWatch::Dashboard", {"DashboardName": name})


def test_with_signing_the_outputs_have_a_signature(code: Path) -> None:
    with_signing(code / "authorizer.toml")
    app = build_app(code, {"stage": "dev", "stages": {"dev": {}}})
    outputs = template(Path(app.synth().directory), "IotAuthorizer-chat-dev").find_outputs("*")
    url = outputs["WebSocketUrl"]["Value"]["Fn::Join"][1][-1]
    assert url == ("/mqtt?x-amz-customauthorizer-name=chat&token=TOKEN&x-amz-customauthorizer-signature=SIGNATURE")
    command = "aws iot test-invoke-authorizer --authorizer-name chat --token TOKEN --token-signature SIGNATURE"
    assert outputs["TestCommand"]["Value"] == command


def test_what_the_shell_says_is_not_for_lambda(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZER__NAME", "shell")
    app = build_app(code, {"stage": "dev", "stages": {"dev": {}}})
    found = template(Path(app.synth().directory), "IotAuthorizer-chat-dev")
    found.has_resource_properties("AWS::IoT::Authorizer", {"AuthorizerName": "chat"})


def test_the_stack_with_the_domain_waits_for_the_authorizers(output: Path) -> None:
    artifacts = json.loads((output / "manifest.json").read_text())["artifacts"]
    assert "IotAuthorizer-chat-prod" in artifacts["IotAuthorizerDomain-chat-prod"]["dependencies"]


def test_the_default_authorizer_is_set_by_a_custom_resource(output: Path) -> None:
    template(output).has_resource_properties(
        "Custom::DefaultAuthorizer", {"AuthorizerName": "chat-prod", "ServiceToken": Match.any_value()}
    )


def test_the_outputs_are_what_one_types_next(output: Path) -> None:
    found = {name: each["Value"] for name, each in template(output).find_outputs("*").items()}
    context = """--http-context '{"queryString": "?token=TOKEN"}'"""
    assert found["TestCommand"] == f"aws iot test-invoke-authorizer --authorizer-name chat-prod {context}"
    (endpoint,) = template(output).find_resources("Custom::IotEndpoint")
    address = {"Fn::GetAtt": [endpoint, "Address"]}
    assert found["EndpointAddress"] == address
    query = "/mqtt?x-amz-customauthorizer-name=chat-prod&token=TOKEN"
    assert found["WebSocketUrl"] == {"Fn::Join": ["", ["wss://", address, query]]}
    assert found["AuthorizerName"] == "chat-prod"


def test_what_sets_the_default_authorizer_may_look_and_put_back(output: Path) -> None:
    roles = str(template(output).find_resources("AWS::IAM::Role"))
    for action in ("DescribeDefaultAuthorizer", "ClearDefaultAuthorizer", "SetDefaultAuthorizer", "DescribeEndpoint"):
        assert f"'iot:{action}'" in roles


def test_a_template_that_breaks_a_rule_is_told_in_one_line(code: Path) -> None:
    app = build_app(code, {"stage": "dev", "stages": {"dev": {}}})
    aws_sqs.Queue(Stack(app, "Other"), "Queue")  # Without TLS: AwsSolutions-SQS4.
    with pytest.raises(InvalidSettings, match=r"^the templates break a rule: .+ validation-report\.json$"):
        synthesize(app)


def test_a_domain_is_a_stack_of_its_own(output: Path) -> None:
    template(output).resource_count_is("AWS::IoT::DomainConfiguration", 0)
    template(output, "IotAuthorizerDomain-chat-prod").has_resource_properties(
        "AWS::IoT::DomainConfiguration",
        {
            "AuthenticationType": "CUSTOM_AUTH",
            "ApplicationProtocol": "MQTT_WSS",
            "ServiceType": "DATA",
            "AuthorizerConfig": {"DefaultAuthorizerName": "chat-prod", "AllowAuthorizerOverride": False},
            "DomainConfigurationStatus": "ENABLED",
        },
    )


CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"


def test_a_domain_is_as_the_stage_says(code: Path) -> None:
    domain = {
        "name": "chat",
        "protocol": "SECURE_MQTT",
        "allow_authorizer_override": True,
        "domain_name": "mqtt.example.com",
        "certificate_arn": CERTIFICATE_ARN,
        "validation_certificate_arn": f"{CERTIFICATE_ARN}2",
        "status": "DISABLED",
        "tls_policy": "IotSecurityPolicy_TLS13_1_2_2022_10",
    }
    app = build_app(code, {"stage": "prod", "stages": {"prod": {"domain": domain}}})
    found = template(Path(app.synth().directory), "IotAuthorizerDomain-chat-prod")
    found.has_resource_properties(
        "AWS::IoT::DomainConfiguration",
        {
            "ApplicationProtocol": "SECURE_MQTT",
            "AuthorizerConfig": {"DefaultAuthorizerName": "chat", "AllowAuthorizerOverride": True},
            "DomainConfigurationStatus": "DISABLED",
            "DomainName": "mqtt.example.com",
            "ServerCertificateArns": [CERTIFICATE_ARN],
            "ValidationCertificateArn": f"{CERTIFICATE_ARN}2",
            "TlsConfig": {"SecurityPolicy": "IotSecurityPolicy_TLS13_1_2_2022_10"},
        },
    )
    command = "aws iot describe-endpoint --endpoint-type iot:Data-ATS"
    assert found.find_outputs("AddressCommand")["AddressCommand"]["Value"] == command


def test_the_address_of_a_domain_that_aws_manages_is_asked_for(output: Path) -> None:
    outputs = template(output, "IotAuthorizerDomain-chat-prod").find_outputs("AddressCommand")
    assert "describe-domain-configuration --domain-configuration-name chat " in outputs["AddressCommand"]["Value"]
