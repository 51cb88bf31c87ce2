"""Requests that get no credentials: status, reason code, message and log line; and hostile requests."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Authorizer, Grant, Principal, Reason, Refusal
from iot_authorizer.client_role import StsRole
from iot_authorizer.credentials_endpoint import CredentialsHandler
from iot_authorizer.temporary_credentials import RoleSessionKeys
from iot_identities.passwords import hash_password
from tests.authorizer.any_event import values
from tests.authorizer.credentials_endpoint.endpoint import PAGE, ROLE, Endpoint, Sts, ann, request, start
from tests.authorizer.handlers import new_observer, table
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import mint

FORGED = mint(signing_key("RS256", "forger"), head={"kid": "main-RS256"})
REFUSED: dict[str, tuple[dict[str, object], int, str]] = {
    "no-credentials": (request(), 401, Reason.NO_CREDENTIALS),
    "forged": (request(token=FORGED), 401, Reason.BAD_SIGNATURE),
    "expired": (request(token=mint(exp=1)), 401, Reason.EXPIRED),
    "no-bearer": (request(headers={"authorization": "Basic YTpi"}), 401, Reason.UNSUPPORTED_SCHEME),
    "two-tokens": (ann(query=f"token={FORGED}"), 400, Reason.CONFLICTING_CREDENTIALS),
    "misplaced": (request(query="acces_token=x"), 400, Reason.MISPLACED_CREDENTIALS),
    "another-client-id": (ann("bob"), 403, Reason.CLIENT_ID_NOT_GRANTED),
    "no-client-id": (ann(None), 400, Reason.CLIENT_ID_MISSING),
    "two-client-ids": (ann(query="clientId=ann"), 400, Reason.MALFORMED_REQUEST),
    "twice-in-query": (ann(None, query="clientId=ann&clientId=ann/a"), 400, Reason.MALFORMED_REQUEST),
    "bad-percent": (ann(None, query="clientId=%ff"), 400, Reason.MALFORMED_QUERY),
    "invisible": (ann("ann/\u200b"), 403, Reason.INVALID_NAME),
    "no-json": (ann(body="clientId=ann"), 400, Reason.MALFORMED_REQUEST),
    "list": (ann(body=[]), 400, Reason.MALFORMED_REQUEST),
    "number": (ann(body={"clientId": 1}), 400, Reason.MALFORMED_REQUEST),
    "surrogate": (ann(body='{"clientId": "\\ud800"}'), 403, Reason.INVALID_NAME),
    "surrogate-password": (request(body='{"password": "\\ud800"}'), 400, Reason.MALFORMED_REQUEST),
    "duplicate": (ann(body='{"clientId": "ann", "clientId": "ann"}'), 400, Reason.MALFORMED_REQUEST),
    "unknown-member": (ann(body={"clientId": "ann", "token": "x"}), 400, Reason.MALFORMED_REQUEST),
    "deep": (ann(body="[" * 16_000), 400, Reason.MALFORMED_REQUEST),
    "long-number": (ann(body="1" * 16_000), 400, Reason.MALFORMED_REQUEST),
    "10-megabytes": (ann(body="x" * 10_000_000), 400, Reason.MALFORMED_REQUEST),
    "not-base64": (ann(body="?", isBase64Encoded=True), 400, Reason.MALFORMED_REQUEST),
    "not-utf-8": (ann(body="/w==", isBase64Encoded=True), 400, Reason.MALFORMED_REQUEST),
    "put": (ann(method="PUT"), 405, Reason.METHOD_NOT_ALLOWED),
    "no-method": (ann(requestContext={}), 405, Reason.METHOD_NOT_ALLOWED),
    "other-origin": (ann(origin="https://evil.example"), 403, Reason.ORIGIN_NOT_ALLOWED),
    "opaque-origin": (ann(origin="null"), 403, Reason.ORIGIN_NOT_ALLOWED),
    "other-preflight": (request(method="OPTIONS", origin=f"{PAGE}:444"), 403, Reason.ORIGIN_NOT_ALLOWED),
    "wrong-type": (ann(rawQueryString=7), 400, Reason.MALFORMED_EVENT),
    "no-event": ({"headers": []}, 400, Reason.MALFORMED_EVENT),
}


@pytest.mark.parametrize(("event", "status", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_refused_request_is_answered_with_its_reason(
    endpoint: Endpoint, event: object, status: int, reason: Reason
) -> None:
    outcome = endpoint(event)
    assert (outcome.status, outcome.code) == (status, reason)
    assert outcome.body["Message"].startswith(reason.cause)
    assert endpoint.sts.asked == []


def test_an_answer_names_what_its_status_requires(endpoint: Endpoint) -> None:
    assert endpoint(request()).answer["headers"]["www-authenticate"] == "Bearer"
    assert endpoint(ann(method="PUT")).answer["headers"]["allow"] == "GET, POST, OPTIONS"


@pytest.mark.parametrize("life", [60, 7200])
def test_a_policy_that_does_not_fit_is_refused_and_with_a_token_that_ends_soon_says_so(
    tmp_path: Path, life: int
) -> None:
    endpoint = start(tmp_path)
    base = int(time.time()) + life
    sizes = [
        endpoint(request(token=mint(exp=base, rooms=[f"{n:060}" for n in range(count)]), query="clientId=ann"))
        for count in range(1, 40)
    ]
    codes = [outcome.code for outcome in sizes if outcome.status != 200]
    expected = [Reason.SESSION_POLICY_TOO_LARGE] if life > 900 else _both()
    assert sorted(set(codes)) == sorted(expected)
    assert {outcome.status for outcome in sizes} == {200, 403}


def _both() -> list[Reason]:
    return [Reason.SESSION_POLICY_TOO_LARGE, Reason.TOKEN_EXPIRES_TOO_SOON]


@pytest.mark.parametrize(
    ("failure", "status", "reason", "detail"),
    [
        (ConnectTimeoutError(endpoint_url="x"), 503, Reason.STS_UNAVAILABLE, "ConnectTimeoutError"),
        (ReadTimeoutError(endpoint_url="x"), 503, Reason.STS_UNAVAILABLE, "ReadTimeoutError"),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"), 503, Reason.STS_UNAVAILABLE, "AccessDenied"),
        (ClientError({}, "AssumeRole"), 503, Reason.STS_UNAVAILABLE, None),
        (
            ClientError({"Error": {"Code": "PackedPolicyTooLarge"}}, "AssumeRole"),
            403,
            Reason.SESSION_POLICY_TOO_LARGE,
            "PackedPolicyTooLarge",
        ),
        (KeyError("x"), 500, Reason.INTERNAL_ERROR, "KeyError at endpoint.py:"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_of_sts_is_answered_and_only_the_log_has_what_is_inside(
    endpoint: Endpoint, failure: Exception, status: int, reason: Reason, detail: str | None
) -> None:
    endpoint.sts.failure = failure
    outcome = endpoint(ann())
    assert (outcome.status, outcome.code) == (status, reason)
    assert str(outcome.decision.get("detail", "")).startswith(detail or "")
    assert status < 500 or outcome.body["Message"] == reason.cause
    assert outcome.decision["principal"] == "ann"


def test_nobody_can_find_out_who_is_a_user(tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("right")))
    endpoint = start(tmp_path, table("[passwords]", file="users.toml"))
    known, unknown = (endpoint(request(body={"username": name, "password": "wrong"})) for name in ("ann", "bob"))
    assert known.answer == unknown.answer
    assert (known.decision["reason"], unknown.decision["reason"]) == (Reason.WRONG_PASSWORD, Reason.UNKNOWN_USER)


def test_a_reason_code_of_your_own_is_told_without_its_detail() -> None:
    def verify(_: object) -> Principal:
        raise Refusal("unknown_session", "detail")

    authorizer, sts = Authorizer(verify=verify, grant=lambda _: Grant(connect=("a",))), Sts()
    handler = CredentialsHandler(authorizer, lambda: StsRole(ROLE, "host", sts), observer=new_observer())
    outcome = Endpoint(handler, sts)(request())
    assert (outcome.status, outcome.code, "detail" in outcome.body["Message"]) == (403, "unknown_session", False)


class Hostile:
    """A context that answers with an error."""

    def __getattr__(self, name: str) -> None:
        raise ValueError(name)


def test_a_context_that_breaks_is_a_refusal(endpoint: Endpoint) -> None:
    assert endpoint(ann(), Hostile()).code == Reason.INTERNAL_ERROR


class Endless:
    """A role whose sessions end at a time that no answer can name."""

    endpoint = "abc-ats.iot.eu-west-1.amazonaws.com"

    def assume(self, name: str, policy: str, seconds: int) -> RoleSessionKeys:
        return RoleSessionKeys("ASIAEXAMPLE", "secret-key", "session-token", 1e300)


def test_what_cannot_be_answered_is_not_logged_as_allowed(tmp_path: Path) -> None:
    endpoint = start(tmp_path, table("[anonymous]", principal="ann"), role=Endless())
    assert endpoint(request(body={"clientId": "ann"})).code == Reason.INTERNAL_ERROR


def test_without_a_function_arn_no_credentials_are_issued(endpoint: Endpoint) -> None:
    assert endpoint(ann(), None).code == Reason.ACCOUNT_UNKNOWN


HOSTILE = st.one_of(
    values,
    st.builds(
        lambda parts: {**ann(), **parts},
        st.dictionaries(
            st.sampled_from(("headers", "rawQueryString", "requestContext", "body", "isBase64Encoded")), values
        ),
    ),
    st.builds(lambda text, query: request(body=text, query=query), st.text(), st.text("?&=%+clientId\ud800f0")),
    st.binary().map(lambda body: request(body=body.decode("latin-1"))),
)


@given(event=HOSTILE)
def test_any_event_is_answered_and_gets_credentials_only_with_a_valid_token(event: Any) -> None:  # noqa: ANN401
    sts = Sts()
    authorizer = Authorizer(verify=_refuse, grant=lambda _: Grant(connect=("a",)))
    handler = CredentialsHandler(authorizer, lambda: StsRole(ROLE, "host", sts), observer=new_observer())
    answer = Endpoint(handler, sts)(event).answer
    assert (answer["statusCode"] in (204, *range(400, 504)), sts.asked) == (True, [])
    assert json.loads(answer["body"] or "{}").keys() <= {"Code", "Message"}


def _refuse(_: object) -> Principal:
    raise Refusal(Reason.BAD_SIGNATURE)
