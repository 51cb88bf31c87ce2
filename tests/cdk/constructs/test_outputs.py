"""What a user sees after a deployment, and what other resources of the app can use."""

import hashlib
from pathlib import Path

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct

from iot_authorizer_cdk import IdentityTable, IotCustomAuthorizer
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


ISSUER = '[[jwt]]\nissuer = "https://a.example/"\naudience = ["chat"]\nalgorithms = ["RS256"]\njwks = "keys.json"\n'
TOKEN_KEY = 'token_key_name = "token"\n'
ANONYMOUS = '[anonymous]\nprincipal = "guest"\n'
WITH_TOKEN = """--http-context '{"queryString": "?token=TOKEN"}'"""
WITH_PASSWORD = """--mqtt-context '{"username": "NAME", "password": "BASE64"}'"""
PUBLIC = '[[grant]]\nconnect = ["public/*"]\nconnect_with = []\nacknowledge = ["shared_client_ids"]\n'
FIRST_USE: dict[str, tuple[str, str, str]] = {
    "tokens": (TOKEN_KEY + ISSUER + ANONYMOUS, WITH_TOKEN, "&token=TOKEN"),
    "tokens in the password": (ISSUER, WITH_PASSWORD, ""),
    "passwords": (f"{TOKEN_KEY}[passwords]\n{ANONYMOUS}", WITH_PASSWORD, ""),
    "anonymous clients only": (TOKEN_KEY + ANONYMOUS, """--mqtt-context '{"clientId": "CLIENT_ID"}'""", ""),
    "a handler of your own": (f'handler = "rules.lambda_handler"\n{TOKEN_KEY}', WITH_TOKEN, "&token=TOKEN"),
}


@pytest.mark.parametrize(("toml", "command", "query"), FIRST_USE.values(), ids=FIRST_USE)
def test_the_outputs_have_placeholders_only_for_credentials_that_are_accepted(
    stack: Stack, code: Path, toml: str, command: str, query: str
) -> None:
    (code / "authorizer.toml").write_text(f'name = "chat"\npolicy = "policy.toml"\n{toml}')
    (code / "policy.toml").write_text(PUBLIC)
    (code / "rules.py").write_text("def lambda_handler(event, context): ...\n")
    IotCustomAuthorizer(stack, "Authorizer", code=code, table=IdentityTable(stack, "Identities").table)
    found = outputs(stack)
    assert found["AuthorizerTestCommand"] == f"aws iot test-invoke-authorizer --authorizer-name chat {command}"
    url = f"/mqtt?x-amz-customauthorizer-name=chat{query}"
    assert found["AuthorizerWebSocketUrl"] == {"Fn::Join": ["", ["wss://", found["AuthorizerEndpoint"], url]]}


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


def test_with_signing_they_have_the_name_that_clients_use_and_a_signature(stack: Stack, code: Path) -> None:
    with_signing(code / "authorizer.toml")
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    found = outputs(stack)
    assert found["AuthorizerName"] == "chat-signed"
    assert str(found["AuthorizerTestCommand"]).endswith("chat-signed --token TOKEN --token-signature SIGNATURE")
    assert "&token=TOKEN&x-amz-customauthorizer-signature=SIGNATURE" in str(found["AuthorizerWebSocketUrl"])
