"""The table of users, revocations and counts of wrong passwords, and what the function may do with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack, aws_kms
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk.app import build_app
from iot_authorizer_cdk.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.identity_table import IdentityTable
from iot_policies import InvalidFile
from tests.cdk.conftest import Synth

TABLE = "AWS::DynamoDB::Table"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/identities"
NEEDS_A_TABLE = ["[passwords]", "[passwords]\n[revocation]", "[passwords]\n[guessing]\nslow_after = 3"]
Statement = Mapping[str, Any]


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


def test_it_is_keyed_by_id_and_forgets_what_has_expired(stack: Stack) -> None:
    IdentityTable(stack, "Identities")
    Template.from_stack(stack).has_resource_properties(
        TABLE,
        {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "BillingMode": "PAY_PER_REQUEST",
            "TableName": Match.absent(),
        },
    )


def test_users_are_not_lost_by_mistake(stack: Stack) -> None:
    IdentityTable(stack, "Identities")
    Template.from_stack(stack).has_resource(
        TABLE,
        {
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "DeletionProtectionEnabled": True,
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        },
    )


def test_a_table_to_try_things_out_may_go_with_its_stack(stack: Stack) -> None:
    IdentityTable(
        stack, "Identities", table_name="trial", deletion_protection=False, removal_policy=RemovalPolicy.DESTROY
    )
    properties = {"TableName": "trial", "DeletionProtectionEnabled": False}
    Template.from_stack(stack).has_resource(TABLE, {"DeletionPolicy": "Delete", "Properties": properties})


def test_aws_owns_its_key_unless_one_is_given(stack: Stack) -> None:
    IdentityTable(stack, "Identities")
    IdentityTable(stack, "Own", table_name="own", encryption_key=aws_kms.Key(stack, "Key"))
    template = Template.from_stack(stack)
    template.has_resource_properties(TABLE, {"SSESpecification": Match.absent()})
    own = {"TableName": "own", "SSESpecification": Match.object_like({"SSEType": "KMS"})}
    template.has_resource_properties(TABLE, own)


def used(stack: Stack, code: object, **properties: Any) -> tuple[Template, list[Statement], object]:  # noqa: ANN401
    """A stack whose authorizer has a table: its template, what the function may do but write logs, the table's ARN."""
    table = IdentityTable(stack, "Identities", **properties).table
    IotCustomAuthorizer(stack, "Authorizer", code=str(code), table=table)
    template = Template.from_stack(stack)
    _, *statements = allowed(template)
    return template, statements, stack.resolve(table.table_arn)


def allowed(template: Template) -> list[Statement]:
    """What the function may do."""
    (role,) = template.find_resources("AWS::IAM::Role").values()
    (policy,) = role["Properties"]["Policies"]
    statements: list[Statement] = policy["PolicyDocument"]["Statement"]
    return statements


def test_the_function_reads_it_and_writes_nothing_but_counts_of_wrong_passwords(stack: Stack, code: object) -> None:
    _, statements, arn = used(stack, code)
    assert statements == [
        {"Action": ["dynamodb:BatchGetItem", "dynamodb:GetItem"], "Effect": "Allow", "Resource": arn},
        {
            "Action": "dynamodb:UpdateItem",
            "Effect": "Allow",
            "Resource": arn,
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["failures#*"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        },
    ]


def test_the_function_is_told_its_name(stack: Stack, code: object) -> None:
    template, *_ = used(stack, code)
    (table,) = template.find_resources(TABLE)
    variables = Match.object_like({"AUTHORIZER__TABLE": {"Ref": table}})
    template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_without_a_table_the_function_hears_of_none(stack: Stack, code: object) -> None:
    IotCustomAuthorizer(stack, "Authorizer", code=str(code))
    variables = {"AUTHORIZER_CONFIG": "authorizer.toml"}
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_a_key_of_ones_own_decrypts_for_dynamodb_alone(stack: Stack, code: object) -> None:
    key = aws_kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:123456789012:key/1")
    _, (*_, decrypts), _ = used(stack, code, encryption_key=key)
    service = {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert (decrypts["Action"], decrypts["Resource"]) == ("kms:Decrypt", key.key_arn)
    assert decrypts["Condition"] == {"StringEquals": {"kms:ViaService": [service]}}


def asking_the_table(code: Path, line: str = "", tables: str = "[passwords]") -> None:
    """A configuration that needs a table of identities."""
    config = code / "authorizer.toml"
    config.write_text(f"{line}\n{config.read_text()}\n{tables}\n")


@pytest.mark.parametrize("tables", NEEDS_A_TABLE)
def test_a_configuration_may_need_the_table_that_is_deployed(stack: Stack, code: Path, tables: str) -> None:
    asking_the_table(code, tables=tables)
    _, (reads, _), _ = used(stack, code)
    assert reads["Action"] == ["dynamodb:BatchGetItem", "dynamodb:GetItem"]


def test_a_stage_may_have_the_table_that_the_configuration_needs(code: Path) -> None:
    asking_the_table(code)
    assert build_app(code, {"stage": "prod", "stages": {"prod": {"identity_table": True}}}).synth().stacks


def test_a_configuration_that_needs_a_table_and_gets_none_is_refused(synth: Synth, code: Path) -> None:
    asking_the_table(code)
    with pytest.raises(InvalidFile, match=r'passwords: expected file = "…", or table = "NAME" above all tables'):
        synth()


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        (TABLE_ARN, TABLE_ARN),
        (
            "identities",
            {
                "Fn::Join": [
                    "",
                    [
                        "arn:",
                        {"Ref": "AWS::Partition"},
                        ":dynamodb:",
                        {"Ref": "AWS::Region"},
                        ":",
                        {"Ref": "AWS::AccountId"},
                        ":table/identities",
                    ],
                ]
            },
        ),
    ],
    ids=["ARN", "name"],
)
def test_the_function_may_use_the_table_that_the_configuration_names(
    stack: Stack, code: Path, name: str, arn: object
) -> None:
    asking_the_table(code, f'table = "{name}"')
    IotCustomAuthorizer(stack, "Authorizer", code=str(code))
    _, reads, counts = allowed(Template.from_stack(stack))
    assert (reads["Resource"], counts["Resource"]) == (arn, arn)


def test_the_table_of_the_stack_stands_in_place_of_the_configurations(stack: Stack, code: Path) -> None:
    asking_the_table(code, f'table = "{TABLE_ARN}"')
    _, (reads, counts), arn = used(stack, code)
    assert (reads["Resource"], counts["Resource"]) == (arn, arn)
