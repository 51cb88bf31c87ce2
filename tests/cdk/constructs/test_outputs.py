"""What a user sees after a deployment, and what other resources of the app can use."""

import hashlib
from pathlib import Path

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct

from iot_authorizer_cdk import IotCustomAuthorizer
from iot_authorizer_cdk.package.shipped_proof import certificate_path
from tests.cdk.configurations import with_signing

NAMES = {"Name", "Arn", "Endpoint", "WebSocketUrl", "TestCommand", "Proof"}


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


def test_the_proof_of_the_template_is_there_with_the_hash_of_its_certificate(stack: Stack, code: Path) -> None:
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    certificate = hashlib.sha256(certificate_path(code).read_bytes()).hexdigest()
    assert outputs(stack)["AuthorizerProof"] == f"proved, sha256:{certificate}"


def test_what_is_not_proved_is_a_warning_of_the_app(stack: Stack, code: Path) -> None:
    path = code / "policy.toml"
    path.write_text(path.read_text() + '\n[[grant]]\nname = "wide"\nwiden = true\npublish = ["a/+/b/#"]\n')
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    Annotations.from_stack(stack).has_warning("/Test/Authorizer", Match.string_like_regexp('grant "wide", publish'))


def test_without_a_template_there_is_no_proof_and_no_warning(stack: Stack, code: Path) -> None:
    (code / "authorizer.toml").write_text('name = "own"\nhandler = "rules.lambda_handler"\n')
    (code / "rules.py").write_text("def lambda_handler(event, context): ...\n")
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    assert "AuthorizerProof" not in outputs(stack)
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_with_signing_they_have_the_name_that_clients_use(stack: Stack, code: Path) -> None:
    with_signing(code / "authorizer.toml")
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    assert outputs(stack)["AuthorizerName"] == "chat-signed"
