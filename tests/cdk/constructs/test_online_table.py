"""The table of clients that are connected: who may do what with it, and which rule keeps it."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations, aws_iam
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from iot_authorizer_cdk import InvalidSettings, IotCustomAuthorizer, OnlineTable
from tests.cdk.configurations import append

RULE = """\
[[rule]]
name = "online"
topics = ["$aws/events/presence/connected/#", "$aws/events/presence/disconnected/#"]
function = "online.on_presence"
"""


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


def authorizer_of(stack: Stack, code: Path, rule: str = RULE) -> IotCustomAuthorizer:
    append(code / "authorizer.toml", rule)
    (code / "online.py").write_text("def on_presence(event, context): ...\n")
    return IotCustomAuthorizer(stack, "Authorizer", code=code)


@pytest.fixture
def online(stack: Stack, code: Path) -> OnlineTable:
    return OnlineTable(stack, "Online", authorizer=authorizer_of(stack, code))


@pytest.fixture
def backend(stack: Stack) -> aws_iam.Role:
    return aws_iam.Role(stack, "Backend", assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"))


def granted(template: Template, role: str) -> list[Any]:
    """The statements of the policy that grants gave a role."""
    policies = template.find_resources("AWS::IAM::Policy").items()
    (found,) = (each["Properties"] for name, each in policies if name.startswith(role) and "DefaultPolicy" in name)
    statements: list[Any] = found["PolicyDocument"]["Statement"]
    return statements


def test_the_function_of_the_rule_may_read_and_write_items_and_knows_the_table(
    stack: Stack, online: OnlineTable
) -> None:
    template = Template.from_stack(stack)
    (statement,) = granted(template, "AuthorizerRules")
    assert statement["Action"] == ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
    assert statement["Resource"] == stack.resolve(online.table.table_arn)
    functions = template.find_resources("AWS::Lambda::Function").items()
    (function,) = (each["Properties"] for name, each in functions if name.startswith("AuthorizerRules"))
    assert function["Environment"]["Variables"]["ONLINE_TABLE"] == stack.resolve(online.table.table_name)


def test_a_backend_that_reads_cannot_write(stack: Stack, online: OnlineTable, backend: aws_iam.Role) -> None:
    online.grant_read(backend)
    (statement,) = granted(Template.from_stack(stack), "Backend")
    assert statement["Action"] == ["dynamodb:BatchGetItem", "dynamodb:Scan"]


def test_a_backend_that_confirms_may_ask_iot_core_about_any_client(
    stack: Stack, online: OnlineTable, backend: aws_iam.Role
) -> None:
    online.grant_confirm(backend)
    _, asking = granted(Template.from_stack(stack), "Backend")
    assert (asking["Action"], asking["Resource"]["Fn::Join"][1][-1]) == ("iot:GetConnection", ":client/*")


def test_states_expire_and_the_table_ends_with_its_stack(stack: Stack, online: OnlineTable) -> None:
    assert online.environment == {"ONLINE_TABLE": online.table.table_name}
    (table,) = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["DeletionPolicy"] == "Delete"


def test_an_app_with_cdk_nag_can_have_the_table(code: Path, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = Stack(app, "Test")
    online = OnlineTable(stack, "Online", authorizer=authorizer_of(stack, code))
    online.grant_read(aws_iam.Role(stack, "Backend", assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com")))
    app.synth()  # Raises if there is a finding.


@pytest.mark.parametrize("topic", ["$aws/events/presence/#", "$aws/events/#", "$aws/events/+/#"])
def test_a_rule_that_gets_other_events_too_keeps_the_table(stack: Stack, code: Path, topic: str) -> None:
    rule = RULE.replace('"$aws/events/presence/connected/#", "$aws/events/presence/disconnected/#"', f'"{topic}"')
    assert OnlineTable(stack, "Online", authorizer=authorizer_of(stack, code, rule)).environment


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RULE.replace('"online"', '"other"'), 'authorizer.toml has no [[rule]] with name = "online"'),
        (RULE.replace('disconnected/#"', 'disconnected/ann"'), '[[rule]] "online" of authorizer.toml does not get all'),
        (f"{RULE}where = \"clientId <> 'x'\"\n", '[[rule]] "online" of authorizer.toml does not get all'),
    ],
)
def test_a_rule_that_does_not_keep_the_table_is_refused(stack: Stack, code: Path, rule: str, expected: str) -> None:
    authorizer = authorizer_of(stack, code, rule)
    with pytest.raises(InvalidSettings) as refused:
        OnlineTable(stack, "Online", authorizer=authorizer)
    assert expected in str(refused.value)
    assert 'set topics = ["$aws/events/presence/connected/#", ' in str(refused.value)
