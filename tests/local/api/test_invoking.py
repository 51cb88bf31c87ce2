"""TestInvokeAuthorizer, with boto3."""

import json
from typing import Any

import pytest

from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.core import STATEMENTS
from tests.local.api.server import Service
from tests.local.harness.signing_keys import Keys, SigningKey

PATH = "/authorizer/chat/test"


def invoke(iot: Boto, **contexts: object) -> dict[str, Any]:
    return iot("test_invoke_authorizer", authorizerName="chat", **contexts)


def http(token: str, query: str | None = None) -> dict[str, Any]:
    context = {"headers": {"token": token}} | ({"queryString": query} if query else {})
    return {"httpContext": context}


def test_the_answer_is_that_of_the_function_with_compact_documents(iot: Boto) -> None:
    answer = invoke(iot, **http("ann"))
    del answer["ResponseMetadata"]
    (document,) = answer.pop("policyDocuments")
    assert document == json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS}, separators=(",", ":"))
    assert answer == {
        "isAuthenticated": True,
        "principalId": "ann",
        "refreshAfterInSeconds": 600,
        "disconnectAfterInSeconds": 300,
    }


def test_a_refused_client_is_an_answer_and_not_an_error(iot: Boto) -> None:
    answer = invoke(iot, **http("bob"))
    assert (answer["isAuthenticated"], answer["policyDocuments"]) == (False, [])


def test_the_function_gets_the_contexts_as_they_are(iot: Boto, service: Service) -> None:
    invoke(
        iot,
        httpContext={"headers": {"Token": "ann", "X-A": "b"}, "queryString": "?a=b"},
        mqttContext={"username": "u?SDK=x", "password": b"\xff\x00", "clientId": "c"},
        tlsContext={"serverName": "s"},
    )
    assert service.core.events[-1]["protocolData"] == {
        "tls": {"serverName": "s"},
        "http": {"headers": {"Token": "ann", "X-A": "b"}, "queryString": "?a=b"},
        "mqtt": {"username": "u?SDK=x", "password": "/wA=", "clientId": "c"},
    }


def test_an_inactive_authorizer_can_be_tested(iot: Boto) -> None:
    iot("update_authorizer", authorizerName="chat", status="INACTIVE")
    assert invoke(iot, **http("ann"))["isAuthenticated"] is True


def test_an_unknown_authorizer_is_not_found(iot: Boto) -> None:
    with refused("ResourceNotFoundException", 404):
        iot("test_invoke_authorizer", authorizerName="nobody", **http("ann"))


def test_a_broken_function_is_an_invalid_response(iot: Boto) -> None:
    with refused("InvalidResponseException", 400) as refusal:
        invoke(iot, **http("broken"))
    assert "the handler raised RuntimeError: no" in refusal.message


def test_a_missing_function_is_an_invalid_response(iot: Boto) -> None:
    missing = "arn:aws:lambda:eu-west-1:123456789012:function:missing"
    iot("update_authorizer", authorizerName="chat", authorizerFunctionArn=missing)
    with refused("InvalidResponseException", 400) as refusal:
        invoke(iot, **http("ann"))
    assert refusal.message.startswith("function_not_found")


@pytest.fixture
def signing(service: Service, keys: Keys) -> SigningKey:
    """The configured authorizer verifies signatures with this key."""
    service.do(lambda core: core.put(name="chat", token_key_name="token", public_keys={"k1": keys[0].pem}))
    return keys[0]


def test_a_token_with_a_right_signature_is_verified(iot: Boto, service: Service, signing: SigningKey) -> None:
    assert invoke(iot, token="ann", tokenSignature=signing.sign("ann"))["isAuthenticated"] is True
    assert service.core.events[-1]["signatureVerified"] is True


def test_a_token_with_a_wrong_signature_is_an_invalid_request(iot: Boto, signing: SigningKey) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        invoke(iot, token="ann", tokenSignature=signing.sign("bob"))
    assert refusal.message == "Token signature mismatch for authorizer chat"


def test_a_signature_may_be_in_a_context(iot: Boto, signing: SigningKey) -> None:
    headers = {"token": "ann", "x-amz-customauthorizer-signature": signing.sign("ann")}
    assert invoke(iot, httpContext={"headers": headers})["isAuthenticated"] is True


def test_a_context_without_a_signature_is_an_invalid_request(iot: Boto, signing: SigningKey) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        invoke(iot, **http("ann"))
    assert "x-amz-customauthorizer-signature" in refusal.message


COMBINATIONS = [
    ({}, "Request must have Http/Mqtt/Tls context."),
    ({"token": "ann"}, "Request must provide both token and tokenSignature together."),
    ({"tokenSignature": "c2ln"}, "Request must provide both token and tokenSignature together."),
    ({"token": "ann", "tokenSignature": "c2ln", **http("ann")}, "Request cannot have token and Http/Mqtt/Tls context."),
    (http("ann", query="a=b"), "Invalid arguments in the call"),
    (
        {"token": "ann", "tokenSignature": "c2ln"},
        "Token and token signature provided but signing is disabled for the authorizer.",
    ),
]


@pytest.mark.parametrize(("members", "message"), COMBINATIONS)
def test_members_that_exclude_each_other_are_an_invalid_request(
    iot: Boto, members: dict[str, Any], message: str
) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        invoke(iot, **members)
    assert refusal.message == message


WRONG_MEMBERS = [
    ({"token": 7}, "'token'"),
    ({"token": ""}, "'token' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    ({"token": "x" * 6145}, "'token' failed to satisfy constraint: Member must have length less than or equal to 6144"),
    ({"tokenSignature": "no base64"}, "Member must satisfy regular expression pattern: [A-Za-z0-9+/]+={0,2}"),
    ({"httpContext": {"queryString": ""}}, "'httpContext.queryString'"),
    ({"httpContext": {"queryString": "?" * 4097}}, "less than or equal to 4096"),
    ({"httpContext": {"headers": {"a": 7}}}, "'httpContext.headers.a'"),
    ({"httpContext": []}, "'httpContext'"),
    ({"mqttContext": {"password": "no base64"}}, "'mqttContext.password'"),
    ({"tlsContext": {"serverName": "x" * 254}}, "'tlsContext.serverName'"),
]


@pytest.mark.parametrize(("members", "message"), WRONG_MEMBERS)
def test_a_wrong_member_is_named(send: Send, members: dict[str, Any], message: str) -> None:
    answer = send("POST", PATH, json.dumps(members))
    assert answer.error == (400, "InvalidRequestException")
    assert message in answer.json["message"]


def test_unknown_members_are_ignored(send: Send) -> None:
    answer = send("POST", PATH, json.dumps({**http("ann"), "new": 1, "tlsContext": {"serverName": "s", "new": 2}}))
    assert (answer.status, answer.json["isAuthenticated"]) == (200, True)
