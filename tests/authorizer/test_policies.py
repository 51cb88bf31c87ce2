"""The policy in an answer: for this account, of this template, or none."""

from pathlib import Path

import pytest

from iot_authorizer import Reason
from tests.authorizer.events import Event, anonymous, bearer, event
from tests.authorizer.handlers import Context, Running, jwt_table, start, table
from tests.authorizer.tokens import mint

PLACES = {
    "version": ("arn:aws:lambda:eu-west-1:123456789012:function:a:live", "arn:aws:iot:eu-west-1:123456789012:"),
    "china": ("arn:aws-cn:lambda:cn-north-1:123456789012:function:a", "arn:aws-cn:iot:cn-north-1:123456789012:"),
    "gov": ("arn:aws-us-gov:lambda:us-gov-west-1:1:function:a", "arn:aws-us-gov:iot:us-gov-west-1:1:"),
}


@pytest.mark.parametrize(("function", "prefix"), PLACES.values(), ids=PLACES)
def test_policies_are_for_the_region_and_account_of_the_function(
    authorizer: Running, function: str, prefix: str
) -> None:
    documents = authorizer(bearer(mint()), Context(function)).answer["policyDocuments"]
    arns = [arn for document in documents for statement in document["Statement"] for arn in statement["Resource"]]
    assert arns
    assert all(arn.startswith(prefix) for arn in arns)


NOWHERE = [None, object(), Context(None), Context(5), Context(""), Context("x"), Context("arn:aws:iam::1:role/x")]


@pytest.mark.parametrize("context", NOWHERE)
def test_without_an_account_there_is_no_policy(authorizer: Running, context: object) -> None:
    assert authorizer(bearer(mint()), context).verdict == Reason.ACCOUNT_UNKNOWN


@pytest.mark.parametrize(("client_id", "verdict"), [("ann/phone", "allowed"), ("eve", Reason.CLIENT_ID_NOT_GRANTED)])
def test_a_client_needs_a_client_id_that_is_granted(authorizer: Running, client_id: str, verdict: str) -> None:
    assert authorizer.verdict(bearer(mint(), client_id)) == verdict


ANONYMOUS = table("[anonymous]", principal="guest") + 'claims = { rooms = ["lobby"] }'


@pytest.fixture
def welcoming(tmp_path: Path) -> Running:
    """Lets in clients that bring no credentials, and verifies those that bring some."""
    return start(tmp_path, ANONYMOUS, jwt_table())


def test_no_client_is_anonymous_unless_that_is_configured(authorizer: Running) -> None:
    assert authorizer.verdict(anonymous()) == Reason.NO_CREDENTIALS


def test_a_client_without_credentials_is_the_anonymous_principal_with_its_configured_claims(
    welcoming: Running,
) -> None:
    outcome = welcoming(anonymous("guest/1"))
    line = outcome.decision
    assert (outcome.verdict, line["principal"], line["source"]) == ("allowed", "guest", "anonymous")
    assert ":topic/rooms/lobby/say" in str(outcome.answer["policyDocuments"])


BROUGHT = {
    "forged-token": bearer("a.b.c"),
    "expired-token": bearer(mint(exp=1)),
    "empty-token": event(token=""),
    "empty-token-in-query": event(query="?token="),
    "user-name": event(user_name="ann"),
    "password": event(password=b"secret"),
    "other-scheme": event(headers={"Authorization": "Basic YTpi"}),
}


@pytest.mark.parametrize("event", BROUGHT.values(), ids=BROUGHT)
def test_wrong_credentials_do_not_make_a_client_anonymous(welcoming: Running, event: Event) -> None:
    assert welcoming.verdict(event) != "allowed"


COOKIE = {"Cookie": "theme=dark; token=s3cret"}
HINT = "Cookie header: a key like `token` behind `;`; expected `token=TOKEN` behind `?` or `&`"


def test_a_cookie_that_looks_like_a_credential_is_a_hint_in_the_log_line_of_an_anonymous_client(
    welcoming: Running,
) -> None:
    outcome = welcoming(event(headers=COOKIE, client_id="guest/1"))
    assert (outcome.verdict, outcome.decision["hint"]) == ("allowed", HINT)


def test_the_hint_is_the_detail_of_the_refusal_if_no_client_is_anonymous(authorizer: Running) -> None:
    outcome = authorizer(event(headers=COOKIE))
    assert (outcome.verdict, outcome.decision["detail"]) == (Reason.NO_CREDENTIALS, HINT)
