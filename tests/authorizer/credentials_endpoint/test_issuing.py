"""Clients that get temporary credentials: what they get, for how long, and what AWS STS is asked for."""

import hashlib
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from iot_authorizer import Authorizer, Credentials, Grant, Principal, Refusal, VerifiedPrincipal
from iot_authorizer.client_role import StsRole
from iot_authorizer.credentials_endpoint import CredentialsHandler
from iot_identities.passwords import hash_password
from iot_policies.durations import utc_text
from tests.authorizer.credentials_endpoint.endpoint import ROLE, Endpoint, Sts, ann, request, start
from tests.authorizer.handlers import NAME, new_observer, table
from tests.authorizer.tokens import ISSUER, mint

HOUR = 3600


def test_one_answer_has_what_every_sdk_reads(endpoint: Endpoint) -> None:
    body = endpoint(ann()).body
    expiration = time.strptime(body.pop("Expiration"), "%Y-%m-%dT%H:%M:%SZ")
    assert expiration > time.gmtime(time.time() + HOUR - 60)
    assert body == {
        "Version": 1,
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "secret-key",
        "SessionToken": "session-token",
        "Token": "session-token",
        "endpoint": "abc-ats.iot.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "clientId": "ann/phone",
    }


def test_the_session_is_of_the_client_role_and_its_policy_has_one_client_id(endpoint: Endpoint) -> None:
    endpoint(ann())
    (asked,) = endpoint.sts.asked
    assert (asked["RoleArn"], asked["RoleSessionName"]) == (ROLE, "ann")
    assert "client/ann/phone" in asked["Policy"]
    assert "client/ann/*" not in asked["Policy"]
    assert "arn:aws:iot:eu-west-1:123456789012:topic/users/ann/outbox" in asked["Policy"]


WAYS = {
    "body": ann(),
    "query": ann(None, query="clientId=ann/phone"),
    "encoded": ann(None, query="clientId=ann%2Fphone"),
    "both": ann(query="clientId=ann/phone"),
    "base64": ann(body="eyJjbGllbnRJZCI6ICJhbm4vcGhvbmUifQ==", isBase64Encoded=True),
    "get": ann(None, method="GET", query="clientId=ann/phone"),
    "token-in-query": request(method="GET", query=f"clientId=ann/phone&access_token={quote(mint())}"),
    "token-key-name": request(query="clientId=ann/phone", headers={"token": mint()}),
}


@pytest.mark.parametrize("event", WAYS.values(), ids=WAYS)
def test_a_client_id_and_a_token_are_taken_from_each_place(endpoint: Endpoint, event: object) -> None:
    assert endpoint(event).body["clientId"] == "ann/phone"


def test_a_user_name_and_a_password_are_taken_from_the_body(tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("pässword")))
    endpoint = start(tmp_path, table("[passwords]", file="users.toml"))
    body = {"username": "ann", "password": "pässword", "clientId": "ann"}
    assert endpoint(request(body=body)).body["clientId"] == "ann"


def test_anonymous_clients_get_credentials_if_the_configuration_accepts_them(tmp_path: Path) -> None:
    endpoint = start(tmp_path, table("[anonymous]", principal="guest"))
    assert endpoint(request(body={"clientId": "guest/1"})).body["clientId"] == "guest/1"


def test_the_client_id_is_the_only_one_that_the_template_allows(tmp_path: Path) -> None:
    policy = '[[grant]]\nconnect = ["{principal}"]\npublish = ["a/{client_id}"]\n'
    endpoint = start(tmp_path, policy=policy)
    assert endpoint(ann(None)).body["clientId"] == "ann"
    assert "topic/a/ann" in endpoint.sts.asked[0]["Policy"]


@pytest.mark.parametrize(
    ("life", "seconds"), [(2 * HOUR, HOUR), (HOUR // 2, HOUR // 2), (900, 900), (60, 900)], ids=str
)
def test_credentials_last_as_long_as_the_token_and_at_most_an_hour(endpoint: Endpoint, life: int, seconds: int) -> None:
    endpoint(request(token=mint(exp=int(time.time()) + life), query="clientId=ann"))
    assert seconds - 2 <= endpoint.sts.asked[0]["DurationSeconds"] <= seconds


def test_the_policy_ends_credentials_that_aws_would_let_outlive_the_token(endpoint: Endpoint) -> None:
    ends = int(time.time()) + 60
    body = endpoint(request(token=mint(exp=ends), query="clientId=ann")).body
    assert body["Expiration"] == utc_text(ends)
    assert dates(endpoint) == {utc_text(ends)}


def test_the_policy_allows_a_connection_that_outlives_its_credentials_nothing_after_the_token(
    endpoint: Endpoint,
) -> None:
    ends = int(time.time()) + 2 * HOUR
    body = endpoint(request(token=mint(exp=ends), query="clientId=ann")).body
    assert body["Expiration"] <= utc_text(time.time() + HOUR + 1)
    assert dates(endpoint) == {utc_text(ends)}


def test_a_policy_without_room_for_that_end_has_none(endpoint: Endpoint) -> None:
    ends = int(time.time()) + 2 * HOUR
    found = set()
    for count in range(1, 40):
        rooms = [f"{number:060}" for number in range(count)]
        if endpoint(request(token=mint(exp=ends, rooms=rooms), query="clientId=ann")).status == 200:
            found.add("aws:CurrentTime" in endpoint.sts.asked[-1]["Policy"])
    assert found == {True, False}


def dates(endpoint: Endpoint) -> set[str]:
    """The times until which the last session policy allows something."""
    allowed = [each for each in endpoint.sts.policy["Statement"] if each["Effect"] == "Allow"]
    return {each["Condition"]["DateLessThan"]["aws:CurrentTime"] for each in allowed}


@pytest.mark.parametrize(("longest", "seconds"), [("24h", HOUR), ("30m", HOUR // 2), ("5m", 900)])
def test_credentials_last_no_longer_than_the_template_lets_a_connection_last(
    tmp_path: Path, longest: str, seconds: int
) -> None:
    policy = f'[session]\ndisconnect_after = "{longest}"\n\n[[grant]]\nconnect = ["{{principal}}"]\n'
    endpoint = start(tmp_path, policy=policy)
    body = endpoint(request(token=mint(exp=int(time.time()) + 2 * HOUR))).body
    assert seconds - 2 <= endpoint.sts.asked[0]["DurationSeconds"] <= seconds
    if longest == "5m":
        assert dates(endpoint) == {body["Expiration"]}
        assert body["Expiration"] <= utc_text(time.time() + 300)


def test_the_credentials_are_verified_with_the_client_id_that_the_template_chooses() -> None:
    asked: list[str | None] = []

    def verify(credentials: Credentials) -> Principal:
        asked.append(credentials.client_id)
        if credentials.client_id == "ann":
            raise Refusal("another_device")
        return Principal("ann")

    sts, authorizer = Sts(), Authorizer(verify=verify, grant=lambda _: Grant(connect=("ann",)))
    handler = CredentialsHandler(authorizer, lambda: StsRole(ROLE, "host", sts), observer=new_observer())
    assert Endpoint(handler, sts)(request()).code == "another_device"
    assert (asked, sts.asked) == ([None, "ann"], [])


def test_a_policy_has_no_date_if_iot_core_ends_the_connection_before(endpoint: Endpoint) -> None:
    endpoint(ann(token=mint(exp=int(time.time()) + 48 * HOUR)))
    assert "aws:CurrentTime" not in endpoint.sts.asked[0]["Policy"]


@pytest.mark.parametrize("name", ["a", "auth0|ann", "jörg", "a" * 65, "a" * 64, hashlib.sha256(b"x").hexdigest()])
def test_a_name_that_is_no_name_of_a_session_is_hashed(tmp_path: Path, name: str) -> None:
    endpoint = start(tmp_path, policy='[[grant]]\nconnect = ["x"]\n')
    endpoint(request(token=mint(sub=name)))
    assert endpoint.sts.asked[0]["RoleSessionName"] == hashlib.sha256(name.encode()).hexdigest()


def test_credentials_are_short_if_revocations_could_not_be_read() -> None:
    sts, observer = Sts(), new_observer()
    verified = VerifiedPrincipal(Principal("ann"), unchecked="table_unavailable")
    authorizer = Authorizer(verify=lambda _: verified, grant=lambda _: Grant(connect=("ann",)))
    endpoint = Endpoint(CredentialsHandler(authorizer, lambda: StsRole(ROLE, "host", sts), observer=observer), sts)
    assert endpoint(request()).decision["unchecked"] == "table_unavailable"
    assert sts.asked[0]["DurationSeconds"] == 900
    assert {date <= utc_text(time.time() + 900) for date in dates(endpoint)} == {True}


def test_the_log_line_names_the_access_key_and_no_secret(endpoint: Endpoint) -> None:
    event = ann()
    outcome = endpoint(event)
    line = outcome.decision
    assert (line["decision"], line["service"], line["issuer"]) == ("allowed", NAME, ISSUER)
    found = (line["principal"], line["client_id"], line["source"], line["access_key_id"])
    assert found == ("ann", "ann/phone", "authorization", "ASIAEXAMPLE")
    assert not [
        each for each in ("secret-key", "session-token", str(event["headers"])[20:40]) if each in outcome.output
    ]
