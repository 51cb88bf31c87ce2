"""A stranger's CDK app: a user pool, its app client and the authorizer that accepts its tokens, in one stack.

ministack's Cognito signs no tokens where it runs here (it lacks a package for RSA), and nothing here answers for
Cognito's host name. So the tests sign the tokens and serve the keys. Only a parameter of the stack names their server:
the construct refuses a URL that only this machine can fetch, as far as it knows the URL. The other issuer of the pool,
for ID tokens, has the URL of the keys that a user of AWS gets.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authorizer.key_server import KeyServer, key_server
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import mint
from tests.cloud.cloud import REGION, Cloud
from tests.cloud.credentials import query
from tests.cloud.project import THIS_MACHINE, Project

NAME = "ann"
PARTNER = "https://partner.example.com/"
APP = f"""\
from aws_cdk import App, CfnOutput, CfnParameter, Stack, aws_cognito

from iot_authorizer_cdk import AuthorizerProps, Dashboard, IdentityTable, IotCustomAuthorizer, Issuer

app = App()
stack = Stack(app, "Shop")
keys, partner = (CfnParameter(stack, name).value_as_string for name in ("Keys", "Partner"))
pool = aws_cognito.UserPool(stack, "Users")
client = pool.add_client("Web")
authorizer = IotCustomAuthorizer(
    stack,
    "Authorizer",
    issuers=[
        Issuer.cognito(pool, clients=[client], jwks=f"{{keys}}/{{pool.user_pool_id}}"),
        Issuer.cognito(pool, clients=[client], token_use="id"),
        Issuer.of("{PARTNER}", audience=[partner], jwks=keys),
    ],
    table=IdentityTable(stack, "Identities").table,
    props=AuthorizerProps(**{THIS_MACHINE}),
)
Dashboard(stack, "Dashboard", authorizer=authorizer)
CfnOutput(stack, "Pool", value=pool.user_pool_id)
CfnOutput(stack, "Client", value=client.user_pool_client_id)
CfnOutput(stack, "Page", value=f"<script>open('{{authorizer.web_socket_url}}')</script>")
app.synth()
"""
CONFIGURATION = 'name = "shop"\npolicy = "policy.toml"\ntoken_key_name = "token"\n'
POLICY = """\
principal = "username"

[[grant]]
connect = ["{principal}"]
publish = ["orders/{principal}"]
"""


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, folder: Path, keys: KeyServer) -> dict[str, str]:
    """The outputs of the deployed stack."""
    project = Project.empty(folder, "shop")
    for name, content in {"app.py": APP, "authorizer.toml": CONFIGURATION, "policy.toml": POLICY}.items():
        (project.folder / name).write_text(content)
    deploy(cloud, project.folder, keys, partner="first")
    stack = cloud.client("cloudformation").describe_stacks(StackName="Shop")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def deploy(cloud: Cloud, folder: Path, keys: KeyServer, *, partner: str) -> None:
    """Deploys the app. `partner` is the audience of the partner's tokens."""
    app = ("--app", f"{sys.executable} app.py", "--require-approval", "never")
    cloud.cdk(folder, "deploy", *app, "--parameters", f"Partner={partner}", "--parameters", f"Keys={keys.url}")


def access_token(outputs: dict[str, str], signer: str = "main", **changes: object) -> str:
    """An access token of the pool, with changes to its claims."""
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{outputs['Pool']}"
    claims = {"iss": issuer, "aud": ..., "client_id": outputs["Client"], "token_use": "access", "username": NAME}
    return mint(signing_key("RS256", signer), head={"kid": signing_key("RS256").key_id}, **{**claims, **changes})


def resources(answer: dict[str, Any]) -> list[str]:
    documents = [json.loads(document) for document in answer["policyDocuments"]]
    return [name.split(":")[-1] for each in documents for part in each["Statement"] for name in part["Resource"]]


def test_the_authorizer_is_active(cloud: Cloud, outputs: dict[str, str]) -> None:
    assert cloud.describe(outputs["AuthorizerName"])["status"] == "ACTIVE"


def test_a_user_of_the_pool_gets_its_policy(cloud: Cloud, outputs: dict[str, str], keys: KeyServer) -> None:
    answer = cloud.ask(outputs["AuthorizerName"], httpContext=query(access_token(outputs)))
    assert resources(answer) == [f"client/{NAME}", f"topic/orders/{NAME}"]
    assert set(keys.paths) == {f"/keys/{outputs['Pool']}"}


@pytest.mark.parametrize(
    "changes",
    [{"iss": "https://auth.example.com/"}, {"client_id": "another"}, {"signer": "stranger"}, {"token_use": "id"}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_tokens_are_refused(cloud: Cloud, outputs: dict[str, str], changes: dict[str, Any]) -> None:
    token = access_token(outputs, **changes)
    assert cloud.ask(outputs["AuthorizerName"], httpContext=query(token))["isAuthenticated"] is False


def test_the_function_gets_the_issuer_and_its_keys_as_cognito_has_them(cloud: Cloud, outputs: dict[str, str]) -> None:
    function = cloud.function(cloud.describe(outputs["AuthorizerName"])["authorizerFunctionArn"])
    _, ids, _ = json.loads(function["Environment"]["Variables"]["AUTHORIZER__JWT"])
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{outputs['Pool']}"
    assert ids == {
        "issuer": issuer,
        "audience": [outputs["Client"]],
        "token_use": "id",
        "algorithms": ["RS256"],
        "jwks": f"{issuer}/.well-known/jwks.json",
    }


def test_other_resources_of_the_stack_can_use_the_url_of_the_authorizer(cloud: Cloud, outputs: dict[str, str]) -> None:
    endpoint = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    url = f"wss://{endpoint}/mqtt?x-amz-customauthorizer-name=shop&token=TOKEN"
    assert outputs["AuthorizerEndpoint"] == endpoint
    assert (outputs["AuthorizerWebSocketUrl"], outputs["Page"]) == (url, f"<script>open('{url}')</script>")


def test_a_value_that_changes_with_the_deployment_only_is_in_force_after_it(
    cloud: Cloud, folder: Path, keys: KeyServer, outputs: dict[str, str]
) -> None:
    """The template is the same, so that the CDK alone would publish no version of the function (aws-cdk #25997)."""
    first, second = (
        query(mint(iss=PARTNER, aud=audience, username=NAME, sub=NAME)) for audience in ("first", "second")
    )
    name = outputs["AuthorizerName"]
    assert [cloud.ask(name, httpContext=each)["isAuthenticated"] for each in (first, second)] == [True, False]
    deploy(cloud, folder / "shop", keys, partner="second")
    assert [cloud.ask(name, httpContext=each)["isAuthenticated"] for each in (first, second)] == [False, True]
