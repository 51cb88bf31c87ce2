"""The deployed credentials endpoint: its HTTP API, its function, and the client role at AWS STS.

ministack has all of these. It has no throttling, checks neither who may assume the role nor who may invoke the
function, and evaluates no session policy.
"""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.authorizer.tokens import mint
from tests.cloud.cloud import REGION, Cloud
from tests.cloud.project import Project


def asked(cloud: Cloud, project: Project, body: object, **headers: str) -> tuple[int, Any]:
    """The status and the body of the API's answer. Its host name is not one of this machine: ministack has a path."""
    url = urlsplit(project.outputs(cloud)["AuthorizerCredentialsUrl"])
    api = url.netloc.partition(".")[0]
    local = f"{cloud.environment['AWS_ENDPOINT_URL']}/_aws/execute-api/{api}{url.path}"
    request = urllib.request.Request(local, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def client_role(cloud: Cloud, project: Project) -> str:
    """The name of the role that clients get."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=project.stack)["StackResources"]
    (found,) = (each["PhysicalResourceId"] for each in resources if "ClientRole" in each["LogicalResourceId"])
    return str(found)


def test_a_client_gets_a_session_of_the_client_role(cloud: Cloud, updated: Project) -> None:
    status, found = asked(cloud, updated, {}, Authorization=f"Bearer {mint(sub='ann')}")
    assert status == 200, found
    assert (found["clientId"], found["region"]) == ("ann", REGION)
    assert found["endpoint"] == updated.outputs(cloud)["AuthorizerEndpoint"]
    session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], REGION)
    sts = session.client("sts", endpoint_url=cloud.environment["AWS_ENDPOINT_URL"])
    _, role, name = sts.get_caller_identity()["Arn"].rsplit("/", 2)
    assert (name, role) == ("ann", client_role(cloud, updated))


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no_credentials"),
        ({"Authorization": f"Bearer {mint(exp=1)}"}, 401, "expired"),
        ({"Authorization": f"Bearer {mint()}", "Origin": "https://evil.example"}, 403, "origin_not_allowed"),
    ],
    ids=["none", "expired", "other page"],
)
def test_any_other_client_gets_the_reason_code(
    cloud: Cloud, updated: Project, headers: dict[str, str], status: int, code: str
) -> None:
    found, body = asked(cloud, updated, {}, **headers)
    assert (found, body["Code"]) == (status, code)


def test_another_client_id_is_refused_and_logged(cloud: Cloud, updated: Project) -> None:
    status, found = asked(cloud, updated, {"clientId": "bob"}, Authorization=f"Bearer {mint(sub='ann')}")
    assert (status, found["Code"]) == (403, "client_id_not_granted")
