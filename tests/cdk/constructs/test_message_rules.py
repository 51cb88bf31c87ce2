"""The topic rules of `[[rule]]`: their SQL, functions, permissions, and where errors go."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from iot_authorizer_cdk import IotCustomAuthorizer
from iot_authorizer_cdk.properties import InvalidSettings
from iot_identities.passwords import hash_password
from iot_policies import InvalidFile
from tests.cdk.configurations import append
from tests.cdk.conftest import Synth

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:other"
OWN = """\
[[rule]]
name = "on_say"
topics = ["rooms/+/say/+", "$aws/events/presence/#"]
function = "my_rules.on_message"
"""
FOREIGN = f'[[rule]]\nname = "copy"\ntopics = ["rooms/#"]\nfunction = "{FUNCTION_ARN}"\n'
RULE = "AWS::IoT::TopicRule"


@pytest.fixture
def own(config: Path, synth: Synth) -> Template:
    """The construct with a rule for a function of the configuration's folder."""
    append(config, OWN)
    (config.parent / "my_rules.py").write_text("def on_message(event, context): ...\n")
    return synth()


def rules(template: Template) -> dict[str, dict[str, Any]]:
    """The payloads of all rules, by name."""
    found = (each["Properties"] for each in template.find_resources(RULE).values())
    return {each["RuleName"]: each["TopicRulePayload"] for each in found}


def test_each_filter_is_a_topic_rule(own: Template) -> None:
    found = rules(own)
    assert {name: rule["Sql"].partition(" FROM ")[2] for name, rule in found.items()} == {
        "chat_on_say_1": "'rooms/+/say/+'",
        "chat_on_say_2": "'$aws/events/presence/#'",
    }
    assert {rule["AwsIotSqlVersion"] for rule in found.values()} == {"2016-03-23"}


def test_the_function_has_the_handler_that_calls_the_users_function(own: Template) -> None:
    properties = {
        "Handler": "iot_authorizer.rule_handler.lambda_handler",
        "Timeout": 30,
        "Environment": {"Variables": {"AUTHORIZER_RULE_FUNCTION": "my_rules.on_message"}},
    }
    own.resource_properties_count_is("AWS::Lambda::Function", properties, 1)


def test_only_the_rule_of_this_account_may_invoke_the_function(own: Template) -> None:
    for name in ("chat_on_say_1", "chat_on_say_2"):
        place = ["arn:", {"Ref": "AWS::Partition"}, ":iot:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
        own.has_resource_properties(
            "AWS::Lambda::Permission",
            {
                "Principal": "iot.amazonaws.com",
                "SourceArn": {"Fn::Join": ["", [*place, f":rule/{name}"]]},
                "SourceAccount": {"Ref": "AWS::AccountId"},
            },
        )


def test_errors_of_rules_and_of_functions_go_to_one_queue(own: Template) -> None:
    ((queue, _),) = own.find_resources("AWS::SQS::Queue").items()
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    for payload in rules(own).values():
        assert payload["ErrorAction"]["Sqs"]["QueueUrl"] == {"Ref": queue}
    own.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {"Qualifier": "live", "MaximumRetryAttempts": 2, "DestinationConfig": {"OnFailure": {"Destination": arn}}},
    )


def test_the_function_may_write_its_logs_and_send_its_errors_only(own: Template) -> None:
    roles = own.find_resources("AWS::IAM::Role")
    (role,) = (each for name, each in roles.items() if "Lambdaonsay" in name)
    actions = [each["Action"] for each in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]]
    assert actions == [["logs:CreateLogStream", "logs:PutLogEvents"]]
    (policy,) = own.find_resources("AWS::IAM::Policy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"


def test_a_function_by_its_arn_is_invoked_as_it_is(config: Path, synth: Synth) -> None:
    append(config, FOREIGN)
    template = synth()
    assert rules(template)["chat_copy"]["Actions"] == [{"Lambda": {"FunctionArn": FUNCTION_ARN}}]
    template.has_resource_properties(
        "AWS::Lambda::Permission", {"FunctionName": FUNCTION_ARN, "SourceAccount": {"Ref": "AWS::AccountId"}}
    )
    template.resource_count_is("AWS::Lambda::EventInvokeConfig", 0)


@pytest.mark.parametrize(
    ("region", "account", "expected"),
    [
        ("us-east-1", "123456789012", "rule copy: function: found eu-west-1, but the stack is in us-east-1"),
        ("eu-west-1", "210987654321", "rule copy: function: found account 123456789012, but the stack is in 2109"),
    ],
)
def test_a_function_of_another_region_or_account_is_refused(
    config: Path, code: Path, region: str, account: str, expected: str
) -> None:
    append(config, FOREIGN)
    stack = Stack(App(), "Test", env=Environment(region=region, account=account))
    with pytest.raises(InvalidSettings, match=expected):
        IotCustomAuthorizer(stack, "Authorizer", code=code)


@pytest.mark.parametrize(("handler", "has_it"), [("", [False, True]), ('handler = "my_rules.lambda_handler"', [True])])
def test_only_a_handler_of_your_own_gives_the_function_the_password_file(
    config: Path, code: Path, tmp_path: Path, handler: str, has_it: list[bool]
) -> None:
    name = "users[1]{a}.toml"
    config.write_text(f"{handler}\n{config.read_text()}")
    append(config, f'{OWN}\n[passwords]\nfile = "{name}"\n')
    (code / name).write_text(f'[users.ann]\nhash = "{hash_password("secret")}"\n')
    (code / "my_rules.py").write_text("def on_message(event, context): ...\ndef lambda_handler(event, context): ...\n")
    app = App(outdir=str(tmp_path / "out"))
    stack = Stack(app, "Test")
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    app.synth()
    assets = [{path.name for path in asset.iterdir()} for asset in (tmp_path / "out").glob("asset.*") if asset.is_dir()]
    with_code = [names for names in assets if "my_rules.py" in names]
    assert sorted(name in names for names in with_code) == has_it  # One directory if both functions have all files.


def test_without_rules_there_is_nothing_of_them(template: Template) -> None:
    for kind in (RULE, "AWS::SQS::Queue", "AWS::Lambda::EventInvokeConfig"):
        template.resource_count_is(kind, 0)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (None, "rule[0].function: my_rules is not beside this file: expected my_rules.py"),
        ("def on_massage(event, context): ...\n", "rule[0].function: my_rules.py defines no on_message"),
    ],
)
def test_a_function_that_is_not_there_is_refused(config: Path, synth: Synth, module: str | None, expected: str) -> None:
    append(config, OWN)
    if module is not None:
        (config.parent / "my_rules.py").write_text(module)
    with pytest.raises(InvalidFile) as refused:
        synth()
    assert expected in str(refused.value)
