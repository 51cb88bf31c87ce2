"""The identity table, and what the function may do with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack, Token, aws_kms
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk import IdentityTable, InvalidSettings, IotCustomAuthorizer
from iot_policies import InvalidFile
from tests.cdk.conftest import Synth, statements

TABLE = "AWS::DynamoDB::Table"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/identities"
NEEDS_A_TABLE = ["[passwords]", "[passwords]\n[revocation]", "[passwords]\n[guessing]\nlock_after = 3"]
Statement = Mapping[str, Any]


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


def test_tables_are_kept_and_encrypted_by_aws_unless_told_otherwise(stack: Stack) -> None:
    IdentityTable(stack, "Identities")
    key = aws_kms.Key(stack, "Key")
    destroyed = RemovalPolicy.DESTROY
    IdentityTable(
        stack, "Own", table_name="own", deletion_protection=False, removal_policy=destroyed, encryption_key=key
    )
    template = Template.from_stack(stack)
    properties = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TableName": Match.absent(),
        "SSESpecification": Match.absent(),
    }
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    template.has_resource(TABLE, kept | {"Properties": properties})
    own = {"TableName": "own", "DeletionProtectionEnabled": False, "SSESpecification": {"SSEType": "KMS"}}
    template.has_resource(TABLE, {"DeletionPolicy": "Delete", "Properties": Match.object_like(own)})


@pytest.mark.parametrize("name", ["ab", "my table", "x" * 256])
def test_an_invalid_table_name_is_refused(stack: Stack, name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"table_name: found '.*', expected 3 to 255 letters"):
        IdentityTable(stack, "Identities", table_name=name)


def used(stack: Stack, code: Path, **properties: Any) -> tuple[Template, list[Statement], object]:  # noqa: ANN401
    """A stack with a table: its template, what the function may do except write logs, and the table's ARN."""
    table = IdentityTable(stack, "Identities", **properties).table
    IotCustomAuthorizer(stack, "Authorizer", code=code, table=table)
    template = Template.from_stack(stack)
    _, *found = statements(template)
    return template, found, stack.resolve(table.table_arn)


def test_the_function_knows_the_table_reads_it_and_writes_only_counts_of_wrong_passwords(
    stack: Stack, code: Path
) -> None:
    template, found, arn = used(stack, code)
    assert found == [
        {"Action": "dynamodb:BatchGetItem", "Effect": "Allow", "Resource": arn},
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
    (table,) = template.find_resources(TABLE)
    variables = Match.object_like({"AUTHORIZER__TABLE": {"Ref": table}})
    template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_the_function_may_decrypt_with_the_tables_key_only_through_dynamodb(stack: Stack, code: Path) -> None:
    key = aws_kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:123456789012:key/1")
    _, (*_, decrypts), _ = used(stack, code, encryption_key=key)
    service = {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert (decrypts["Action"], decrypts["Resource"]) == ("kms:Decrypt", key.key_arn)
    assert decrypts["Condition"] == {"StringEquals": {"kms:ViaService": [service]}}


def need_a_table(code: Path, line: str = "", tables: str = "[passwords]") -> None:
    """Makes the configuration need an identity table."""
    config = code / "authorizer.toml"
    config.write_text(f"{line}\n{config.read_text()}\n{tables}\n")


@pytest.mark.parametrize("tables", NEEDS_A_TABLE)
def test_a_configuration_may_need_the_table_that_is_deployed(stack: Stack, code: Path, tables: str) -> None:
    need_a_table(code, tables=tables)
    _, (reads, _), _ = used(stack, code)
    assert reads["Action"] == "dynamodb:BatchGetItem"


def test_a_configuration_that_needs_a_table_and_has_none_is_refused(synth: Synth, code: Path) -> None:
    need_a_table(code)
    with pytest.raises(InvalidFile, match='passwords: expected file = "…" or table = "NAME" above'):
        synth()


@pytest.mark.parametrize("name", [TABLE_ARN, "identities"])
def test_the_function_may_use_the_table_that_the_configuration_names(synth: Synth, code: Path, name: str) -> None:
    need_a_table(code, f'table = "{name}"')
    _, reads, counts = statements(synth())
    assert reads["Resource"] == counts["Resource"]
    resource = reads["Resource"]
    assert resource == TABLE_ARN if name == TABLE_ARN else resource["Fn::Join"][1][-1] == ":table/identities"


def test_the_table_of_the_stack_replaces_the_configurations(stack: Stack, code: Path) -> None:
    need_a_table(code, f'table = "{TABLE_ARN}"')
    _, (reads, counts), arn = used(stack, code)
    assert (reads["Resource"], counts["Resource"]) == (arn, arn)


@pytest.mark.parametrize("prefix", ["", "arn:aws:dynamodb:eu-west-1:123456789012:table/"], ids=["name", "arn"])
def test_a_table_that_values_name_may_be_known_only_to_the_deployment(synth: Synth, code: Path, prefix: str) -> None:
    need_a_table(code)
    name = prefix + Token.as_string({"Ref": "Own"})
    _, reads, _ = statements(synth(values={"AUTHORIZER__TABLE": name}))
    assert reads["Resource"]["Fn::Join"][1][-1] == {"Ref": "Own"}
