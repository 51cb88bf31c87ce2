"""A deployed CDK app of the user's own: its clients, outputs, and values that change."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.authorizer.tokens import mint
from tests.cloud.cloud import Cloud
from tests.cloud.credentials import query
from tests.cloud.own_app import NAME, PARTNER, STACK, access_token, deploy, issuer_of, own_app
from tests.cloud.project import Project

Outputs = dict[str, str]


@pytest.fixture(scope="module")
def project(cloud: Cloud, folder: Path) -> Project:
    return own_app(cloud, folder)


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, project: Project) -> Outputs:
    return cloud.outputs(STACK)


def test_an_access_token_of_the_pool_gets_the_policy(cloud: Cloud, outputs: Outputs) -> None:
    token = access_token(outputs, rooms=["attic"])
    documents = cloud.ask(outputs["AuthorizerName"], httpContext=query(token))["policyDocuments"]
    assert any(f":topic/rooms/attic/say/{NAME}" in document for document in documents)


def test_a_token_of_another_app_client_is_refused_and_logged(cloud: Cloud, outputs: Outputs) -> None:
    token = access_token(outputs, client_id="another")
    assert cloud.ask(outputs["AuthorizerName"], httpContext=query(token))["isAuthenticated"] is False
    arn = cloud.describe(outputs["AuthorizerName"])["authorizerFunctionArn"]
    assert "wrong_client" in {line.get("reason") for line in cloud.log(arn)}


@pytest.mark.parametrize(
    "changes",
    [{"iss": "https://auth.example.com/"}, {"signer": "stranger"}, {"token_use": "id"}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_tokens_are_refused(cloud: Cloud, outputs: Outputs, changes: dict[str, Any]) -> None:
    token = access_token(outputs, **changes)
    assert cloud.ask(outputs["AuthorizerName"], httpContext=query(token))["isAuthenticated"] is False


def test_the_function_gets_the_issuer_and_its_keys_as_cognito_has_them(cloud: Cloud, outputs: Outputs) -> None:
    function = cloud.function(cloud.describe(outputs["AuthorizerName"])["authorizerFunctionArn"])
    _, ids, _ = json.loads(function["Environment"]["Variables"]["AUTHORIZER__JWT"])
    assert ids == {
        "issuer": issuer_of(outputs),
        "audience": [outputs["Client"]],
        "token_use": "id",
        "algorithms": ["RS256"],
        "jwks": f"{issuer_of(outputs)}/.well-known/jwks.json",
    }


def test_other_resources_of_the_stack_can_use_the_url_of_the_authorizer(cloud: Cloud, outputs: Outputs) -> None:
    endpoint = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    url = f"wss://{endpoint}/mqtt?x-amz-customauthorizer-name=shop&token=TOKEN"
    assert outputs["AuthorizerEndpoint"] == endpoint
    assert (outputs["AuthorizerWebSocketUrl"], outputs["Page"]) == (url, f"<script>open('{url}')</script>")


def test_the_function_of_a_rule_keeps_the_table_of_clients_that_are_online(cloud: Cloud, outputs: Outputs) -> None:
    now = round(time.time() * 1000)
    for kind, client_id in (("connected", "ann/1"), ("connected", "ann/2"), ("disconnected", "ann/1")):
        event = {
            "clientId": client_id,
            "timestamp": now,
            "eventType": kind,
            "principalIdentifier": "ann",
            "versionNumber": 1,
        }
        payload = base64.b64encode(json.dumps(event).encode()).decode()
        selected = {"payload_base64": payload, "topic": f"$aws/events/presence/{kind}/{client_id}", "timestamp": now}
        answer = cloud.client("lambda").invoke(FunctionName=outputs["OnPresence"], Payload=json.dumps(selected))
        assert "FunctionError" not in answer, answer["Payload"].read()
    items = cloud.client("dynamodb").scan(TableName=outputs["OnlineTable"])["Items"]
    assert {each["id"]["S"]: each["connected"]["BOOL"] for each in items} == {
        "online#ann/1": False,
        "online#ann/2": True,
    }


def test_a_value_that_changes_with_the_deployment_only_is_in_force_after_it(
    cloud: Cloud, project: Project, outputs: Outputs
) -> None:
    """The template is the same, so that the CDK alone would publish no version of the function (aws-cdk #25997)."""
    first, second = (query(mint(iss=PARTNER, aud=audience, sub=NAME)) for audience in ("first", "second"))
    name = outputs["AuthorizerName"]
    assert [cloud.ask(name, httpContext=each)["isAuthenticated"] for each in (first, second)] == [True, False]
    deploy(cloud, project, "--parameters", "Partner=second")
    assert [cloud.ask(name, httpContext=each)["isAuthenticated"] for each in (first, second)] == [False, True]
