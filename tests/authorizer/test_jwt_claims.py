"""The claims that a token with a right signature must have."""

import json
import time
from pathlib import Path

import pytest

from iot_authorizer import Reason
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table, start
from tests.authorizer.tokens import AUDIENCE, HOUR, ISSUER, claims, mint, with_payload

MINUTE = 60
"""More than the leeway of 30 seconds by more than any test takes."""

WRONG = {
    "expired": ({"exp": int(time.time()) - MINUTE}, Reason.EXPIRED),
    "expired-long-ago": ({"exp": 0}, Reason.EXPIRED),
    "not-before": ({"nbf": int(time.time()) + HOUR}, Reason.NOT_YET_VALID),
    "issued-in-future": ({"iat": int(time.time()) + HOUR}, Reason.ISSUED_IN_FUTURE),
    "no-expiry": ({"exp": ...}, Reason.MISSING_CLAIM),
    "no-issuer": ({"iss": ...}, Reason.UNKNOWN_ISSUER),
    "other-issuer": ({"iss": "https://evil.example/"}, Reason.UNKNOWN_ISSUER),
    "issuer-without-slash": ({"iss": ISSUER.removesuffix("/")}, Reason.UNKNOWN_ISSUER),
    "issuer-list": ({"iss": [ISSUER]}, Reason.UNKNOWN_ISSUER),
    "issuer-null": ({"iss": None}, Reason.UNKNOWN_ISSUER),
    "issuer-object": ({"iss": {"a": ISSUER}}, Reason.UNKNOWN_ISSUER),
    "no-audience": ({"aud": ...}, Reason.MISSING_CLAIM),
    "empty-audience": ({"aud": []}, Reason.MISSING_CLAIM),
    "other-audience": ({"aud": "chats"}, Reason.WRONG_AUDIENCE),
    "part-of-audience": ({"aud": "cha"}, Reason.WRONG_AUDIENCE),
    "other-audiences": ({"aud": ["a", "b"]}, Reason.WRONG_AUDIENCE),
    "audience-number": ({"aud": 5}, Reason.WRONG_AUDIENCE),
    "audience-object": ({"aud": {AUDIENCE: 1}}, Reason.WRONG_AUDIENCE),
    "audience-mixed": ({"aud": [AUDIENCE, 5]}, Reason.WRONG_AUDIENCE),
    "no-subject": ({"sub": ...}, Reason.MISSING_CLAIM),
    "subject-null": ({"sub": None}, Reason.INVALID_CLAIM),
    "subject-empty": ({"sub": ""}, Reason.INVALID_CLAIM),
    "subject-true": ({"sub": True}, Reason.INVALID_CLAIM),
    "subject-list": ({"sub": ["ann"]}, Reason.INVALID_CLAIM),
    "subject-number": ({"sub": 5}, Reason.INVALID_CLAIM),
    "token-id-number": ({"jti": 5}, Reason.INVALID_CLAIM),
}


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG)
def test_a_token_that_says_something_wrong_is_refused(
    authorizer: Running, changes: dict[str, object], reason: Reason
) -> None:
    assert authorizer.verdict(bearer(mint(**changes))) == reason


TIMES = {
    "true": True,
    "text": str(int(time.time()) + HOUR),
    "empty": "",
    "null": None,
    "list": [int(time.time()) + HOUR],
    "object": {},
    "negative": -1,
    "negative-fraction": -0.5,
    "year-10000": 253_402_300_800,
    "huge": 10**400,
}


@pytest.mark.parametrize("value", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_an_invalid_time_is_refused(authorizer: Running, name: str, value: object) -> None:
    assert authorizer.verdict(bearer(mint(**{name: value}))) == Reason.INVALID_CLAIM


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_a_time_past_all_times_is_refused(authorizer: Running, name: str) -> None:
    """`json` would write the number in its own way."""
    body = json.dumps({**claims(), name: "NUMBER"}).replace('"NUMBER"', "1e300")
    assert authorizer.verdict(bearer(with_payload(body.encode()))) == Reason.INVALID_CLAIM


NAMED = {
    "subject": ({"sub": 42}, Reason.INVALID_CLAIM, "sub"),
    "token-id": ({"jti": None}, Reason.INVALID_CLAIM, "jti"),
    "audience": ({"aud": "chats"}, Reason.WRONG_AUDIENCE, "aud"),
    "time": ({"nbf": "now"}, Reason.INVALID_CLAIM, "nbf"),
    "no-expiry": ({"exp": ...}, Reason.MISSING_CLAIM, "exp"),
}


@pytest.mark.parametrize(("changes", "reason", "detail"), NAMED.values(), ids=NAMED)
def test_the_log_names_the_claim_that_is_wrong(
    authorizer: Running, changes: dict[str, object], reason: Reason, detail: str
) -> None:
    line = authorizer(bearer(mint(**changes))).decision
    assert (line["reason"], line["detail"]) == (reason, detail)


LET_IN = {
    "audience-list": {"aud": ["other", AUDIENCE]},
    "fractions": {"exp": time.time() + HOUR + 0.5, "nbf": time.time() - 0.5, "iat": time.time() - 0.5},
    "zero-times": {"nbf": 0, "iat": 0},
    "no-issue-time": {"iat": ...},
    "scientific": {"exp": 1e11},
    "other-claims": {"x": [{"y": None}], "": 1},
}


@pytest.mark.parametrize("changes", LET_IN.values(), ids=LET_IN)
def test_a_token_with_the_right_claims_is_allowed(tmp_path: Path, changes: dict[str, object]) -> None:
    assert start(tmp_path).verdict(bearer(mint(**changes))) == "allowed"


LEEWAYS = {
    "exp": ("exp", -MINUTE, Reason.EXPIRED),
    "nbf": ("nbf", MINUTE, Reason.NOT_YET_VALID),
    "iat": ("iat", MINUTE, Reason.ISSUED_IN_FUTURE),
}
"""Claims, how far from now they are, and why that is too far. From now, not from when the tests were collected."""


@pytest.mark.parametrize(("name", "away", "reason"), LEEWAYS.values(), ids=LEEWAYS)
def test_clocks_may_differ_by_the_leeway_and_no_more(tmp_path: Path, name: str, away: int, reason: Reason) -> None:
    for leeway, verdict in (("5m", "allowed"), ("0s", reason)):
        running = start(tmp_path, jwt_table(leeway=leeway))
        assert running.verdict(bearer(mint(**{name: int(time.time()) + away}))) == verdict


def test_any_of_several_audiences_will_do(tmp_path: Path) -> None:
    assert start(tmp_path, jwt_table(audience=["web", AUDIENCE])).verdict(bearer(mint())) == "allowed"


@pytest.fixture
def requiring(tmp_path: Path) -> Running:
    return start(tmp_path, jwt_table(required_claims=["tenant"]))


@pytest.mark.parametrize("changes", [{}, {"tenant": None}], ids=["missing", "null"])
def test_a_token_without_a_required_claim_is_refused_and_the_log_names_it(
    requiring: Running, changes: dict[str, object]
) -> None:
    line = requiring(bearer(mint(**changes))).decision
    assert (line["reason"], line["detail"]) == (Reason.MISSING_CLAIM, "tenant")


@pytest.mark.parametrize("value", ["t1", 0, False, [], ""])
def test_a_required_claim_may_have_any_value(requiring: Running, value: object) -> None:
    assert requiring.verdict(bearer(mint(tenant=value))) == "allowed"


SPELLINGS = ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"]


@pytest.mark.parametrize("media_type", SPELLINGS)
@pytest.mark.parametrize("configured", SPELLINGS)
def test_a_token_of_the_expected_type_is_allowed_with_and_without_application(
    tmp_path: Path, configured: str, media_type: str
) -> None:
    running = start(tmp_path, jwt_table(token_type=configured))
    assert running.verdict(bearer(mint(head={"typ": media_type}))) == "allowed"


@pytest.mark.parametrize("media_type", ["JWT", "id+jwt", "text/at+jwt", "application/", "", ...])
def test_a_token_of_another_type_is_refused(tmp_path: Path, media_type: object) -> None:
    running = start(tmp_path, jwt_table(token_type="at+jwt"))
    assert running.verdict(bearer(mint(head={"typ": media_type}))) == Reason.WRONG_TOKEN_USE
