"""The table of users, revocations and counts of wrong passwords, and what the function may do with it."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack, aws_kms
from aws_cdk.assertions import Match, Template

from cdk.custom_authorizer import IotCustomAuthorizer
from cdk.identity_table import IdentityTable

TABLE = "AWS::DynamoDB::Table"
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
    (role,) = template.find_resources("AWS::IAM::Role").values()
    (policy,) = role["Properties"]["Policies"]
    _, *statements = policy["PolicyDocument"]["Statement"]
    return template, statements, stack.resolve(table.table_arn)


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
