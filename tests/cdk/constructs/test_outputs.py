"""What a user sees after a deployment, and what other resources of the app can use."""

from pathlib import Path

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk.assertions import Template
from constructs import Construct

from iot_authorizer_cdk import IotCustomAuthorizer
from tests.cdk.configurations import with_signing

NAMES = {"Name", "Arn", "Endpoint", "WebSocketUrl", "TestCommand"}


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


def outputs(stack: Stack) -> dict[str, object]:
    return {name: each["Value"] for name, each in Template.from_stack(stack).find_outputs("*").items()}


def test_the_names_of_the_outputs_begin_with_the_constructs_id(stack: Stack, code: Path) -> None:
    for name in ("Blue", "Green"):
        IotCustomAuthorizer(stack, name, code=code, name=name)
    assert outputs(stack).keys() == {f"{each}{name}" for each in ("Blue", "Green") for name in NAMES}


@pytest.mark.parametrize("names", [("Chat", "Authorizer"), ("my-authorizer",)], ids="/".join)
def test_where_such_names_might_be_taken_the_cdk_chooses_them(stack: Stack, code: Path, names: tuple[str, ...]) -> None:
    scope: Construct = stack
    for name in names[:-1]:
        scope = Construct(scope, name)
    IotCustomAuthorizer(scope, names[-1], code=code)
    prefix = "".join(names).replace("-", "")
    assert {name.removeprefix(prefix)[:-14] for name in outputs(stack)} == NAMES  # "Output" and 8 digits of a hash.


def test_other_resources_can_use_the_endpoint_and_the_url(stack: Stack, code: Path) -> None:
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code)
    CfnOutput(stack, "Own", value=f"{authorizer.authorizer_name} {authorizer.endpoint} {authorizer.web_socket_url}")
    found = outputs(stack)
    url = "/mqtt?x-amz-customauthorizer-name=chat&token=TOKEN"
    endpoint = found["AuthorizerEndpoint"]
    assert found["AuthorizerWebSocketUrl"] == {"Fn::Join": ["", ["wss://", endpoint, url]]}
    assert found["Own"] == {"Fn::Join": ["", ["chat ", endpoint, " wss://", endpoint, url]]}


def test_with_signing_they_have_the_name_that_clients_use(stack: Stack, code: Path) -> None:
    with_signing(code / "authorizer.toml")
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    assert outputs(stack)["AuthorizerName"] == "chat-signed"
