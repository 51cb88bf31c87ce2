"""A stack that was deployed, used, changed and deployed again. The authorizer's resource cannot be updated."""

import json

import pytest

from tests.authorizer.tokens import mint
from tests.cloud.cloud import Cloud
from tests.cloud.credentials import query
from tests.cloud.project import Project


@pytest.fixture
def alias_arn(cloud: Cloud, updated: Project) -> str:
    """The alias that the authorizer invokes."""
    return str(cloud.describe(updated.authorizer)["authorizerFunctionArn"])


def test_the_next_client_is_answered_by_the_new_template(cloud: Cloud, updated: Project) -> None:
    document = cloud.ask(updated.authorizer, httpContext=query(mint()))["policyDocuments"][0]
    publish = next(each for each in json.loads(document)["Statement"] if "iot:Publish" in each["Action"])
    assert [resource.partition(":topic/")[2] for resource in publish["Resource"]] == ["rooms/after"]


def test_the_authorizer_invokes_the_alias(alias_arn: str) -> None:
    assert alias_arn.endswith(":live")


def test_the_function_behind_the_alias_has_its_new_memory(cloud: Cloud, alias_arn: str) -> None:
    assert cloud.function(alias_arn)["MemorySize"] == 384


def test_iot_core_may_invoke_the_alias_and_not_the_function(cloud: Cloud, alias_arn: str) -> None:
    function_arn = alias_arn.removesuffix(":live")  # Its policy shows all statements here, also those of aliases.
    assert [statement["Resource"] for statement in cloud.statements(function_arn)] == [alias_arn]


def test_its_settings_are_the_new_ones(cloud: Cloud, updated: Project) -> None:
    described = cloud.describe(updated.authorizer)
    assert (described["status"], described["enableCachingForHttp"], described["tokenKeyName"]) == (
        "ACTIVE",
        True,
        "token",
    )
