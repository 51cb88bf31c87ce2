"""The identity table, and what the function may do with it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, RemovalPolicy, Stack, Token, aws_dynamodb, aws_kms
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk import IdentityTable, InvalidSettings, IotCustomAuthorizer
from iot_policies import InvalidFile
from tests.cdk.conftest import Synth, here_and_in_china, statements

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
    assert (decrypts["Action"], decrypts["Resource"]) == ("kms:Decrypt", key.key_arn)
    assert decrypts["Condition"] == {"StringEquals": {"kms:ViaService": here_and_in_china("dynamodb")}}


def test_the_function_may_decrypt_with_the_key_behind_an_alias(stack: Stack, code: Path) -> None:
    """IAM does not compare the ARN of an alias."""
    key = aws_kms.Key(stack, "Key")
    _, (*_, decrypts), _ = used(stack, code, encryption_key=key.add_alias("alias/identities"))
    assert decrypts["Resource"] == stack.resolve(key.key_arn)


def test_an_alias_whose_key_is_not_known_is_refused(stack: Stack, code: Path) -> None:
    alias = aws_kms.Alias.from_alias_name(stack, "Key", "alias/identities")
    with pytest.raises(InvalidSettings, match=r"encryption_key: found alias/identities, .*Key\.from_key_arn\(…\)"):
        used(stack, code, encryption_key=alias)


def table_in(stack: Stack, account: str, region: str) -> aws_dynamodb.ITable:
    """A table of another stack of the same app."""
    other = Stack(stack.node.root, "Other", env=Environment(account=account, region=region))  # type: ignore[arg-type]
    return IdentityTable(other, "Identities", table_name="identities").table


def imported_by(stack: Stack, arn: str) -> aws_dynamodb.ITable:
    return aws_dynamodb.Table.from_table_arn(stack, "Identities", arn)


HERE = Environment(account="123456789012", region="eu-west-1")
ELSEWHERE = "arn:aws:dynamodb:eu-west-1:999999999999:table/identities"
CALLED: dict[str, tuple[Environment | None, Callable[[Stack], aws_dynamodb.ITable], object]] = {
    "ARN of this account": (HERE, lambda stack: imported_by(stack, TABLE_ARN), "identities"),
    "name": (HERE, lambda stack: aws_dynamodb.Table.from_table_name(stack, "T", "identities"), "identities"),
    "name, account not known": (
        None,
        lambda stack: aws_dynamodb.Table.from_table_name(stack, "T", "identities"),
        "identities",
    ),
    "stack of this account": (
        HERE,
        lambda stack: table_in(stack, "123456789012", "eu-west-1"),
        {"Fn::ImportValue": Match.any_value()},
    ),
    "ARN of another account": (HERE, lambda stack: imported_by(stack, ELSEWHERE), ELSEWHERE),
    "ARN, account not known": (None, lambda stack: imported_by(stack, ELSEWHERE), ELSEWHERE),
    "ARN not known": (
        HERE,
        lambda stack: imported_by(stack, Token.as_string({"Ref": "Arn"})),
        {"Ref": "Arn"},
    ),
    "stack of another account": (
        HERE,
        lambda stack: table_in(stack, "999999999999", "eu-west-1"),
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ELSEWHERE.removeprefix("arn:aws")]]},
    ),
}


@pytest.mark.parametrize(("place", "make", "expected"), CALLED.values(), ids=CALLED)
def test_the_function_calls_a_table_by_its_name_only_in_its_own_account(
    code: Path, place: Environment | None, make: Callable[[Stack], aws_dynamodb.ITable], expected: object
) -> None:
    stack = Stack(App(), "Test", env=place)
    IotCustomAuthorizer(stack, "Authorizer", code=code, table=make(stack))
    variables = Match.object_like({"AUTHORIZER__TABLE": expected})
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": variables}}
    )


@pytest.mark.parametrize(
    "properties",
    [
        lambda stack: {"table": imported_by(stack, TABLE_ARN)},
        lambda stack: {"table": table_in(stack, "123456789012", "eu-west-1")},
        lambda _: {"values": {"AUTHORIZER__TABLE": TABLE_ARN}},
    ],
    ids=["imported", "of another stack", "in values"],
)
def test_a_table_of_another_region_is_refused(code: Path, properties: Callable[[Stack], dict[str, Any]]) -> None:
    stack = Stack(App(), "Test", env=Environment(account="123456789012", region="us-east-1"))
    with pytest.raises(InvalidSettings, match=r"table .*: found eu-west-1, but the stack is in us-east-1"):
        IotCustomAuthorizer(stack, "Authorizer", code=code, **properties(stack))


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
