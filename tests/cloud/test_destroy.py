"""A destroyed stack with an identity table: its authorizer was the default, and its signing was turned on.

Then another authorizer takes the place of the first one, also as the default.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.cdk.configurations import with_signing
from tests.cloud.cloud import Cloud
from tests.cloud.conftest import BEFORE
from tests.cloud.project import Project


@dataclass(frozen=True)
class Destroyed:
    """What is known about a destroyed stack."""

    project: Project
    authorizer: str
    """Its authorizer's name, since signing was turned on."""
    others: frozenset[str]
    """The stack's other authorizers then."""
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
    with_signing(project.folder / "authorizer.toml")
    project.deploy(cloud)
    name = f"{project.authorizer}-signed"
    function_arn = cloud.describe(name)["authorizerFunctionArn"]
    meanwhile, table = default(cloud), project.outputs(cloud)["IdentityTable"]
    others = authorizers(cloud, project) - {name}
    project.destroy(cloud)
    return Destroyed(project, name, others, function_arn, meanwhile, table)


def authorizers(cloud: Cloud, project: Project) -> frozenset[str]:
    """The names of the active authorizers of a project."""
    listed = cloud.client("iot").list_authorizers(status="ACTIVE")["authorizers"]
    names = (each["authorizerName"] for each in listed)
    return frozenset(name for name in names if name.startswith(project.authorizer))


def test_the_authorizer_with_signing_took_the_place_of_the_previous_one(destroyed: Destroyed) -> None:
    assert destroyed.others == frozenset()


def test_its_authorizer_was_the_default(destroyed: Destroyed) -> None:
    assert destroyed.default_meanwhile == destroyed.authorizer


def test_the_default_before_is_the_default_again(cloud: Cloud, destroyed: Destroyed) -> None:
    assert default(cloud) == BEFORE


def test_the_authorizer_is_gone(cloud: Cloud, destroyed: Destroyed) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.describe(destroyed.authorizer)


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
