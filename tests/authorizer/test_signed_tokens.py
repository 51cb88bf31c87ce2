"""Tokens whose signature IoT Core has verified before it invokes the Lambda."""

import time
from pathlib import Path

import pytest

from iot_authorizer import Reason
from tests.authorizer.events import Event, event, every_source
from tests.authorizer.handlers import Running, jwt_table, start, table
from tests.authorizer.keys import ASYMMETRIC, signing_key
from tests.authorizer.tokens import HOUR, ISSUER, cut, mint

SIGNED = table("[signed_tokens]", issuer=ISSUER, audience=["chat"])


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Trusts what IoT Core has verified, and verifies nothing itself."""
    return start(tmp_path_factory.mktemp("trusting"), SIGNED)


def unsigned(token: str) -> str:
    """A token without its third part, as it is sent where the signature travels on its own."""
    return token.rpartition(".")[0]


def verified(token: str) -> Event:
    return event(token=token, signature_verified=True)


@pytest.mark.parametrize("form", [str, unsigned], ids=["whole", "header-and-payload"])
@pytest.mark.parametrize("key", ["main", "forger"])
def test_a_token_that_iot_core_has_verified_is_allowed_and_not_verified_again(
    trusting: Running, form: type[str], key: str
) -> None:
    line = trusting(verified(form(mint(signing_key("RS256", key))))).decision
    assert (line["decision"], line["principal"], line["issuer"]) == ("allowed", "ann", ISSUER)


NOT_VERIFIED = {
    "false": event(token=mint(), signature_verified=False),
    "missing": event(token=mint()),
    "header-and-payload": event(token=unsigned(mint())),
}


@pytest.mark.parametrize("event", NOT_VERIFIED.values(), ids=NOT_VERIFIED)
def test_a_token_that_iot_core_has_not_verified_is_refused(trusting: Running, event: Event) -> None:
    assert trusting.verdict(event) == Reason.SIGNATURE_NOT_VERIFIED


@pytest.mark.parametrize("value", ["true", 1, [True], "yes"])
def test_only_true_is_true(trusting: Running, value: object) -> None:
    assert trusting.verdict({"token": mint(), "signatureVerified": value}) == Reason.MALFORMED_EVENT


ELSEWHERE = {
    source: {**each, "signatureVerified": True} for source, each in every_source(mint()).items() if source != "token"
}


@pytest.mark.parametrize("event", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_token_that_iot_core_has_not_looked_at_is_refused(trusting: Running, event: Event) -> None:
    assert trusting.verdict(event) == Reason.SIGNATURE_NOT_VERIFIED


@pytest.mark.parametrize("form", [str, unsigned], ids=["whole", "header-and-payload"])
def test_a_token_that_iot_core_has_verified_is_refused_if_that_is_not_configured(
    authorizer: Running, form: type[str]
) -> None:
    reason = Reason.SIGNATURE_NOT_VERIFIED if form is unsigned else Reason.BAD_SIGNATURE
    forged = mint(signing_key("RS256", "forger"), head={"kid": "main-RS256"})
    assert authorizer.verdict(verified(form(forged))) == reason


WRONG = {
    "expired": ({"exp": int(time.time()) - HOUR}, Reason.EXPIRED),
    "no-expiry": ({"exp": ...}, Reason.MISSING_CLAIM),
    "not-before": ({"nbf": int(time.time()) + HOUR}, Reason.NOT_YET_VALID),
    "other-issuer": ({"iss": "https://evil.example/"}, Reason.UNKNOWN_ISSUER),
    "other-audience": ({"aud": "other"}, Reason.WRONG_AUDIENCE),
    "no-subject": ({"sub": ...}, Reason.MISSING_CLAIM),
}
"""One of each check; `test_jwt_claims` has all values."""


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG)
def test_the_claims_of_a_verified_token_are_still_checked(
    trusting: Running, changes: dict[str, object], reason: Reason
) -> None:
    assert trusting.verdict(verified(unsigned(mint(**changes)))) == reason


@pytest.mark.parametrize("algorithm", [*(each for each in ASYMMETRIC if each != "RS256"), "HS256"])
def test_another_algorithm_than_that_of_iot_core_is_refused(trusting: Running, algorithm: str) -> None:
    token = mint(head={"alg": algorithm})
    assert trusting.verdict(verified(token)) == Reason.ALGORITHM_NOT_ALLOWED


def test_a_verified_token_without_an_algorithm_is_refused(trusting: Running) -> None:
    assert trusting.verdict(verified(mint(head={"alg": "none"}))) == Reason.ALG_NONE


HEAD, BODY, SIGNATURE = cut(mint())


@pytest.mark.parametrize("token", [f"{HEAD}.{BODY}.{BODY}.{BODY}.{SIGNATURE}", HEAD], ids=["jwe", "one-part"])
def test_a_verified_text_that_is_not_a_jwt_is_refused(trusting: Running, token: str) -> None:
    assert trusting.verdict(verified(token)) == Reason.MALFORMED_TOKEN


@pytest.mark.parametrize(
    ("required", "reason"),
    [({"token_type": "at+jwt"}, Reason.WRONG_TOKEN_USE), ({"required_claims": ["tenant"]}, Reason.MISSING_CLAIM)],
    ids=["type", "claims"],
)
def test_a_type_and_claims_may_be_required_of_verified_tokens(
    tmp_path: Path, required: dict[str, object], reason: Reason
) -> None:
    running = start(tmp_path, table("[signed_tokens]", issuer=ISSUER, audience=["chat"], **required))
    assert running.verdict(verified(mint())) == reason


@pytest.mark.parametrize(("ignored", "verdict"), [([], Reason.KEY_IN_HEADER), (["jku"], "allowed")])
def test_a_keys_url_in_a_verified_token_is_refused_unless_it_is_ignored(
    tmp_path: Path, ignored: list[str], verdict: str
) -> None:
    running = start(tmp_path, table("[signed_tokens]", issuer=ISSUER, audience=["chat"], ignore_header=ignored))
    assert running.verdict(verified(mint(head={"jku": "https://a.example/keys"}))) == verdict


@pytest.mark.parametrize(("audience", "verdict"), [(..., "allowed"), ("chat", Reason.WRONG_AUDIENCE)])
def test_without_an_audience_verified_tokens_must_name_none(tmp_path: Path, audience: object, verdict: str) -> None:
    running = start(tmp_path, table("[signed_tokens]", issuer=ISSUER))
    assert running.verdict(verified(mint(aud=audience))) == verdict


@pytest.fixture
def both(tmp_path: Path) -> Running:
    """Verifies an issuer's tokens itself where IoT Core has not."""
    return start(tmp_path, jwt_table(), SIGNED)


def test_an_issuer_may_be_verified_by_either(both: Running) -> None:
    assert [both.verdict(each) for each in (verified(unsigned(mint())), event(token=mint()))] == ["allowed"] * 2


def test_a_token_that_iot_core_has_not_verified_is_verified_here(both: Running) -> None:
    forged = mint(signing_key("RS256", "forger"), head={"kid": "main-RS256"})
    assert both.verdict(event(token=forged, signature_verified=False)) == Reason.BAD_SIGNATURE
