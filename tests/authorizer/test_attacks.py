"""Attacks that were found by reviewers, each refused."""

import math
from collections.abc import Iterator

import pytest

from iot_authorizer import Authorizer, Credentials, Deny, Grant, LambdaHandler, Principal, VerifiedPrincipal
from iot_authorizer.credentials import read_credentials
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

ATTEMPTS: dict[str, dict[str, object]] = {
    "key in another case": {"http": {"queryString": "?Token=x"}},
    "key without a value": {"http": {"queryString": "?token"}},
    "empty value": {"http": {"queryString": "?token="}},
    "empty header": {"http": {"headers": {"Token": " "}}},
    "signature without a token": {"http": {"queryString": "?x-amz-customauthorizer-signature=AAAA"}},
    "two question marks": {"http": {"queryString": "??token=x"}},
    "header with a space": {"http": {"headers": {"token ": "x"}}},
    "user name's query": {"mqtt": {"username": "?TOKEN=x"}},
}


@pytest.mark.parametrize("data", ATTEMPTS.values(), ids=ATTEMPTS)
def test_credentials_gone_wrong_are_not_anonymous(data: dict[str, object]) -> None:
    with pytest.raises(Refusal) as refusal:
        read_credentials(AuthorizerEvent.parse({"protocolData": data}), "token")
    assert refusal.value.reason == Reason.NO_CREDENTIALS


def test_an_empty_token_is_not_an_anonymous_client_either() -> None:
    with pytest.raises(Refusal) as refusal:
        read_credentials(AuthorizerEvent.parse({"token": ""}), None)
    assert refusal.value.reason == Reason.NO_CREDENTIALS


def test_a_signature_of_an_empty_token_vouches_for_no_other_token() -> None:
    data = {"http": {"queryString": "?token=header.payload"}}
    event = AuthorizerEvent.parse({"token": "", "signatureVerified": True, "protocolData": data})
    assert (read_credentials(event, "token").token, read_credentials(event, "token").signature_verified) == (
        "header.payload",
        False,
    )


def test_an_empty_value_beside_a_token_says_nothing() -> None:
    event = AuthorizerEvent.parse({"protocolData": {"http": {"queryString": "?token=&token=x"}}})
    assert read_credentials(event, "token").token == "x"


def test_what_a_grant_function_raises_names_the_source_and_the_principal(capsys: pytest.CaptureFixture[str]) -> None:
    def grant(principal: Principal) -> Grant:
        raise KeyError("a secret")

    LambdaHandler(Authorizer(verify=lambda credentials: Principal("ann"), grant=grant))({"token": "x"}, Context())
    line = capsys.readouterr().out
    assert ('"source":"token"' in line, '"principal":"ann"' in line, "a secret" in line) == (True, True, False)


def test_a_query_string_longer_than_any_client_sends_is_refused() -> None:
    event = AuthorizerEvent.parse({"protocolData": {"http": {"queryString": "&" * 100_000}}})
    with pytest.raises(Refusal) as refusal:
        read_credentials(event, "token")
    assert refusal.value.reason == Reason.MALFORMED_QUERY


class Context:
    """Lambda's."""

    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"


def answer(proof: object, *blocks: Grant | Deny) -> dict[str, object]:
    def verify(credentials: Credentials) -> Principal:
        if isinstance(proof, BaseException):
            raise proof
        return proof  # type: ignore[return-value]

    def grant(principal: Principal) -> Iterator[Grant | Deny]:
        yield from blocks or (Grant(connect=["{principal}"]),)

    return dict(LambdaHandler(Authorizer(verify=verify, grant=grant))({}, Context()))


PROOFS: dict[str, object] = {
    "text": "ann",
    "nothing": None,
    "nameless": Principal(""),
    "name of another type": Principal(5),  # type: ignore[arg-type]
    "ends never": VerifiedPrincipal(Principal("ann"), expires_at=math.nan),
    "ends in infinity": VerifiedPrincipal(Principal("ann"), expires_at=math.inf),
    "exits": SystemExit(0),
}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_a_verifier_that_returns_something_else_allows_no_client(
    proof: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(proof)["isAuthenticated"] is False
    assert '"reason":"internal_error"' in capsys.readouterr().out


def test_a_grant_function_that_yields_keeps_its_denials() -> None:
    documents = answer(Principal("ann"), Grant(publish=["a/#"]), Deny(publish=["a/secret"]))["policyDocuments"]
    assert "Deny" in str(documents)
