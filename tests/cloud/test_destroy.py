"""A destroyed stack that had an identity table and had made its authorizer the account's default."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.cloud.cloud import Cloud
from tests.cloud.conftest import BEFORE
from tests.cloud.project import Project


@dataclass(frozen=True)
class Destroyed:
    """What is known about a destroyed stack."""

    project: Project
    function_arn: str
    default_meanwhile: str
    """The account's default authorizer while the stack existed."""
    table: str
    """Its identity table's name."""


def default(cloud: Cloud) -> str:
    return str(cloud.client("iot").describe_default_authorizer()["authorizerDescription"]["authorizerName"])


@pytest.fixture(scope="package")
def destroyed(cloud: Cloud, folder: Path) -> Destroyed:
    project = Project.written(folder, "destroyed", publish="rooms/any", default=True, identity_table=True)
    project.deploy(cloud)
    function_arn = cloud.describe(project.authorizer)["authorizerFunctionArn"]
    meanwhile, table = default(cloud), project.outputs(cloud)["IdentityTable"]
    project.destroy(cloud)
    return Destroyed(project, function_arn, meanwhile, table)


def test_its_authorizer_was_the_default(destroyed: Destroyed) -> None:
    assert destroyed.default_meanwhile == destroyed.project.authorizer


def test_the_default_before_is_the_default_again(cloud: Cloud, destroyed: Destroyed) -> None:
    assert default(cloud) == BEFORE


def test_the_authorizer_is_gone(cloud: Cloud, destroyed: Destroyed) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.describe(destroyed.project.authorizer)


def test_the_function_is_gone(cloud: Cloud, destroyed: Destroyed) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.function(destroyed.function_arn)


def test_the_log_groups_are_gone(cloud: Cloud, destroyed: Destroyed) -> None:
    groups = cloud.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups if destroyed.project.stack in group["logGroupName"]] == []


def test_its_users_stay_in_their_table(cloud: Cloud, destroyed: Destroyed) -> None:
    described = cloud.client("dynamodb").describe_table(TableName=destroyed.table)["Table"]
    assert described["DeletionProtectionEnabled"] is True
    assert described["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]


def test_the_stack_is_gone(cloud: Cloud, destroyed: Destroyed) -> None:
    stacks = cloud.client("cloudformation").list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert destroyed.project.stack in {stack["StackName"] for stack in stacks}
