"""Whom a token names, and which issuer may say so."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.jwt_verifier import AcceptedTokens, Expectations
from iot_authorizer.keys import KeySet
from iot_authorizer.tokens import read_token
from tests.authorizer.events import bearer
from tests.authorizer.handlers import POLICY, Running, jwt_table, start
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import AUDIENCE, ISSUER, mint

OTHER_ISSUER = "https://other.example.com/"


def named_by(folder: Path, claim: str) -> Running:
    """An authorizer whose principals are named by another claim than `sub`."""
    return start(folder, policy=f'principal = "{claim}"\n{POLICY}')


NAMES = {
    "the-subject": ("sub", {"sub": "bob"}, "bob"),
    "other-claim": ("user", {"user": "bob"}, "bob"),
    "number": ("user", {"user": 42}, "42"),
    "nested": ("device.serial", {"device": {"serial": "s1"}}, "s1"),
    "with-dots": ("https://example.com/user", {"https://example.com/user": "bob"}, "bob"),
    "whole-name": ("a.b", {"a.b": "first", "a": {"c": "second"}}, "first"),
}


@pytest.mark.parametrize(("claim", "changes", "name"), NAMES.values(), ids=NAMES)
def test_the_template_names_the_claim_of_the_principal(
    tmp_path: Path, claim: str, changes: dict[str, object], name: str
) -> None:
    assert named_by(tmp_path, claim)(bearer(mint(**changes))).decision["principal"] == name


NAMELESS = {
    "missing": ({}, Reason.MISSING_CLAIM),
    "null": ({"device": {"serial": None}}, Reason.MISSING_CLAIM),
    "no-object": ({"device": "s1"}, Reason.MISSING_CLAIM),
    "empty": ({"device": {"serial": ""}}, Reason.INVALID_CLAIM),
    "true": ({"device": {"serial": True}}, Reason.INVALID_CLAIM),
    "fraction": ({"device": {"serial": 1.5}}, Reason.INVALID_CLAIM),
    "list": ({"device": {"serial": ["s1"]}}, Reason.INVALID_CLAIM),
    "object": ({"device": {"serial": {}}}, Reason.INVALID_CLAIM),
}


@pytest.mark.parametrize(("changes", "reason"), NAMELESS.values(), ids=NAMELESS)
def test_a_token_without_a_principal_is_refused(tmp_path: Path, changes: dict[str, object], reason: Reason) -> None:
    assert named_by(tmp_path, "device.serial").verdict(bearer(mint(**changes))) == reason


def test_a_token_that_names_its_principal_twice_is_refused(tmp_path: Path) -> None:
    decision = named_by(tmp_path, "a.b")(bearer(mint(**{"a.b": "ann", "a": {"b": "bob"}}))).decision
    assert (decision["reason"], decision["detail"]) == (Reason.AMBIGUOUS_CLAIM, "claims.a.b")


@pytest.mark.parametrize("name", ["a/b", "a+", "#", "*", "a?", "$aws", "x" * 129, "é" * 65])
def test_a_name_that_would_change_the_shape_of_a_topic_is_refused(authorizer: Running, name: str) -> None:
    assert authorizer.verdict(bearer(mint(sub=name))) == Reason.UNSAFE_VALUE


COGNITO: dict[str, object] = {"aud": ..., "client_id": "app1", "token_use": "access"}


@pytest.fixture
def cognito(tmp_path: Path) -> Running:
    return start(tmp_path, jwt_table(audience=None, client_id=["app1", "app2"]))


def test_cognitos_access_tokens_are_allowed(cognito: Running) -> None:
    assert cognito.verdict(bearer(mint(**COGNITO))) == "allowed"


CLIENTS = {
    "other-client": ({"client_id": "app3"}, Reason.WRONG_CLIENT),
    "no-client": ({"client_id": ...}, Reason.WRONG_CLIENT),
    "client-list": ({"client_id": ["app1"]}, Reason.WRONG_CLIENT),
    "client-object": ({"client_id": {}}, Reason.WRONG_CLIENT),
    "id-token": ({"token_use": "id"}, Reason.WRONG_TOKEN_USE),
    "no-use": ({"token_use": ...}, Reason.WRONG_TOKEN_USE),
    "use-list": ({"token_use": ["access"]}, Reason.WRONG_TOKEN_USE),
    "for-a-resource-server": ({"aud": "billing"}, Reason.WRONG_AUDIENCE),
}


@pytest.mark.parametrize(("changes", "reason"), CLIENTS.values(), ids=CLIENTS)
def test_other_tokens_of_cognito_are_refused(cognito: Running, changes: dict[str, object], reason: Reason) -> None:
    assert cognito.verdict(bearer(mint(**{**COGNITO, **changes}))) == reason


CLIENT_CLAIMS = {
    "clerk": ({"client_claim": "azp"}, {"aud": ..., "azp": "app1"}, "allowed"),
    "okta": ({"client_claim": "cid", "audience": ["api"]}, {"aud": "api", "cid": "app1"}, "allowed"),
    "rfc-9068": ({"audience": ["api"]}, {"aud": "api", "client_id": "app1"}, "allowed"),
    "hydra": ({"client_claim": "client_id"}, {"aud": ..., "client_id": "app1"}, "allowed"),
    "other-client": ({"client_claim": "azp"}, {"aud": ..., "azp": "app3"}, Reason.WRONG_CLIENT),
    "client-elsewhere": ({"client_claim": "azp"}, {"aud": ..., "client_id": "app1"}, Reason.WRONG_CLIENT),
    "client-list": ({"client_claim": "azp"}, {"aud": ..., "azp": ["app1"]}, Reason.WRONG_CLIENT),
    "unexpected-audience": ({"client_claim": "azp"}, {"aud": "billing", "azp": "app1"}, Reason.WRONG_AUDIENCE),
    "other-audience": ({"client_claim": "cid", "audience": ["api"]}, {"cid": "app1"}, Reason.WRONG_AUDIENCE),
    "client-missing": ({"client_claim": "cid", "audience": ["api"]}, {"aud": "api"}, Reason.WRONG_CLIENT),
    "id-token-instead": (
        {"client_claim": "azp", "token_use": "access"},
        {"aud": ..., "azp": "app1", "token_use": "id"},
        Reason.WRONG_TOKEN_USE,
    ),
}


@pytest.mark.parametrize(("configured", "changes", "verdict"), CLIENT_CLAIMS.values(), ids=CLIENT_CLAIMS)
def test_the_client_is_in_the_claim_that_is_configured(
    tmp_path: Path, configured: dict[str, object], changes: dict[str, object], verdict: str
) -> None:
    running = start(tmp_path, jwt_table(**{"audience": None, "client_id": ["app1", "app2"]} | configured))
    assert running.verdict(bearer(mint(**changes))) == verdict


@pytest.fixture
def two_issuers(tmp_path: Path) -> Running:
    other = jwt_table(issuer=OTHER_ISSUER, algorithms=["ES256"], audience=["other"])
    return start(tmp_path, jwt_table(), other, keys=[signing_key("RS256"), signing_key("ES256")])


@pytest.mark.parametrize(
    ("algorithm", "issuer", "audience"),
    [("RS256", "https://auth.example.com/", "chat"), ("ES256", OTHER_ISSUER, "other")],
    ids=["first", "second"],
)
def test_each_issuer_vouches_for_its_own(two_issuers: Running, algorithm: str, issuer: str, audience: str) -> None:
    line = two_issuers(bearer(mint(signing_key(algorithm), iss=issuer, aud=audience))).decision
    assert (line["decision"], line["issuer"]) == ("allowed", issuer)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "chat"}, Reason.ALGORITHM_NOT_ALLOWED),
        ({"iss": OTHER_ISSUER, "aud": "chat"}, Reason.WRONG_AUDIENCE),
    ],
    ids=["algorithm", "audience"],
)
def test_an_issuer_can_not_use_the_algorithm_or_the_audience_of_another(
    two_issuers: Running, claims: dict[str, object], reason: Reason
) -> None:
    assert two_issuers.verdict(bearer(mint(signing_key("ES256"), **claims))) == reason


def test_tokens_are_refused_if_no_issuer_is_configured(tmp_path: Path) -> None:
    running = start(tmp_path, '[anonymous]\nprincipal = "anonymous"')
    assert running.verdict(bearer(mint())) == Reason.TOKENS_NOT_CONFIGURED


def test_threads_get_the_claims_of_their_own_tokens() -> None:
    keys = KeySet.parse(json.dumps(public_keys(signing_key("RS256"))).encode())
    accepted = AcceptedTokens(Expectations(ISSUER, (AUDIENCE,)), ("RS256",), keys)
    tokens = {name: mint(sub=name) for name in ("ann", "bob", "eve")}
    names = [*tokens] * 100

    def verified(name: str) -> object:
        return accepted.verify(read_token(tokens[name])).principal.claims["sub"]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(verified, names)) == names
