"""Cognito: GetId and GetCredentialsForIdentity, asked by boto3 and by hand."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.api.conftest import REGION, Boto, Send, refused
from tests.local.api.core import PROVIDER, login
from tests.local.api.server import Service
from tests.local.iam.signers import policy

ARN = f"arn:aws:iot:{REGION}:123456789012:"
POLICY = policy(("iot:Publish", f"{ARN}topic/guests/${{cognito-identity.amazonaws.com:sub}}"))
POOL = f"{REGION}:10ca1107-c02e-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def configured(service: Service) -> None:
    """A pool with guests and with users of one provider. The core's time is the real one."""
    service.core.clock.now = time.time()
    service.do(lambda core: core.configure_identities(POLICY))


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(region_name=REGION)


@pytest.fixture
def connections() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def cognito(service: Service, session: boto3.Session, connections: ExitStack) -> Boto:
    """Boto3's client, which signs none of these operations."""
    return connections.enter_context(Boto.connected(service, session, "cognito-identity"))


def published(service: Service, connections: ExitStack, answer: dict[str, dict[str, str]], topic: str) -> bool:
    """Whether the credentials of an answer allow a publish."""
    found = answer["Credentials"]
    session = boto3.Session(found["AccessKeyId"], found["SecretKey"], found["SessionToken"], REGION)
    data = connections.enter_context(Boto.connected(service, session, "iot-data"))
    with suppress(ClientError):
        data("publish", topic=topic)
    return bool(last(service)["allowed"])


def last(service: Service) -> dict[str, object]:
    return dict(service.do(lambda core: list(core.feed.recent()))[-1])


def test_a_guest_gets_credentials_for_what_the_policy_allows_its_identity(
    service: Service, cognito: Boto, connections: ExitStack
) -> None:
    ann, bob = (cognito("get_id", IdentityPoolId=POOL)["IdentityId"] for _ in range(2))
    answer = cognito("get_credentials_for_identity", IdentityId=ann)
    assert answer["IdentityId"] == ann
    assert answer["Credentials"]["Expiration"].timestamp() == pytest.approx(time.time() + 3600, abs=5)
    assert published(service, connections, answer, f"guests/{ann}")
    assert last(service)["principal"] == ann
    assert not published(service, connections, answer, f"guests/{bob}")


def test_a_user_has_one_identity_for_all_logins_and_needs_one_each_time(cognito: Boto) -> None:
    ann, again, bob = (
        cognito("get_id", IdentityPoolId=POOL, Logins={PROVIDER: login(name)})["IdentityId"]
        for name in ("ann", "ann", "bob")
    )
    assert ann == again != bob
    answer = cognito("get_credentials_for_identity", IdentityId=ann, Logins={PROVIDER: login("ann")})
    assert answer["IdentityId"] == ann
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_credentials_for_identity", IdentityId=ann)
    assert refusal.message == f"Access to Identity '{ann}' is forbidden."
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_credentials_for_identity", IdentityId=bob, Logins={PROVIDER: login("ann")})
    assert "Logins don't match" in refusal.message


def test_a_guest_that_signs_in_becomes_the_user(service: Service, cognito: Boto, connections: ExitStack) -> None:
    guest = cognito("get_id", IdentityPoolId=POOL)["IdentityId"]
    ann = cognito("get_id", IdentityPoolId=POOL, Logins={PROVIDER: login("ann")})["IdentityId"]
    answer = cognito("get_credentials_for_identity", IdentityId=guest, Logins={PROVIDER: login("ann")})
    assert answer["IdentityId"] == ann
    assert not published(service, connections, answer, f"guests/{guest}")
    assert published(service, connections, answer, f"guests/{ann}")


@pytest.mark.parametrize(
    ("provider", "token"),
    [
        ("accounts.google.com", login("ann")),
        (f"https://{PROVIDER}", login("ann")),
        (PROVIDER, login("ann", "https://accounts.google.com")),
        (PROVIDER, "ann"),
        (PROVIDER, "a..b"),
        (PROVIDER, "a.W10.b"),
        (PROVIDER, "a.%.b"),
    ],
)
def test_a_token_of_another_provider_is_refused(cognito: Boto, provider: str, token: str) -> None:
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_id", IdentityPoolId=POOL, Logins={provider: token})
    assert refusal.message == f"Token is not from a supported provider of this identity pool. Logins names {provider}"


def test_a_token_that_the_authorizer_refuses_is_refused_and_the_feed_has_its_reason(
    service: Service, cognito: Boto
) -> None:
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_id", IdentityPoolId=POOL, Logins={PROVIDER: login("eve")})
    assert refusal.message == "Invalid login token: expired"
    record = last(service)
    assert (record["action"], record["reason"], record["detail"]) == ("cognito_identity", "expired", "an hour ago")


def test_a_token_that_the_authorizer_did_not_read_is_refused(cognito: Boto) -> None:
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_id", IdentityPoolId=POOL, Logins={PROVIDER: login("anonymous")})
    assert "does not say whose token it is" in refusal.message


def test_a_token_in_the_place_of_the_providers_name_is_not_shown(service: Service, cognito: Boto) -> None:
    token = "eyJh" + "x" * 200
    with refused("InvalidParameterException", 400) as refusal:
        cognito("get_id", IdentityPoolId=POOL, Logins={token: PROVIDER})
    assert token[:8] not in f"{refusal.message}{last(service)}"


def test_without_a_policy_for_guests_there_are_no_credentials(service: Service, cognito: Boto) -> None:
    ann = cognito("get_id", IdentityPoolId=POOL, Logins={PROVIDER: login("ann")})["IdentityId"]
    service.do(lambda core: core.configure_identities(None, "the template has no guests"))
    with refused("NotAuthorizedException", 400) as refusal:
        cognito("get_id", IdentityPoolId=POOL)
    assert "Unauthenticated access is not supported" in refusal.message
    assert last(service)["detail"] == "the template has no guests"
    with refused("InvalidIdentityPoolConfigurationException", 400):
        cognito("get_credentials_for_identity", IdentityId=ann, Logins={PROVIDER: login("ann")})


# Other requests.

HEADERS = {"Content-Type": "application/x-amz-json-1.1"}
UNKNOWN = f"{REGION}:00000000-0000-0000-0000-000000000000"


def ask(send: Send, operation: str, body: bytes | dict[str, object]) -> tuple[str, str]:
    """The type and the message of an error."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    target = {"x-amz-target": f"AWSCognitoIdentityService.{operation}"}
    answer = send("POST", "/", content, {**HEADERS, **target})
    assert (answer.status, answer.headers["content-type"]) == (400, "application/x-amz-json-1.1")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-amzn-errortype"] == answer.json["__type"]
    return answer.json["__type"], answer.json["message"]


INVALID: dict[str, tuple[str, bytes | dict[str, object], str, str]] = {
    "operation": ("GetOpenIdToken", {"IdentityId": UNKNOWN}, "UnknownOperationException", "the enhanced flow"),
    "no-operation": ("", {}, "UnknownOperationException", "GetCredentialsForIdentity"),
    "text": ("GetId", b"x", "SerializationException", "valid request"),
    "bytes": ("GetId", b"\xff\x00", "SerializationException", "valid request"),
    "list": ("GetId", b"[]", "SerializationException", "valid request"),
    "number": ("GetId", {"IdentityPoolId": 1}, "SerializationException", "IdentityPoolId"),
    "logins": ("GetId", {"IdentityPoolId": POOL, "Logins": {"a": 1}}, "SerializationException", "Logins"),
    "no-pool": ("GetId", {}, "InvalidParameterException", "'identityPoolId'"),
    "no-identity": ("GetCredentialsForIdentity", {}, "InvalidParameterException", "'identityId'"),
    "pool-form": ("GetId", {"IdentityPoolId": "x"}, "InvalidParameterException", "regular expression"),
    "pool-long": ("GetId", {"IdentityPoolId": f"{POOL}{'0' * 20}"}, "InvalidParameterException", "at most 55"),
    "pool": ("GetId", {"IdentityPoolId": UNKNOWN}, "ResourceNotFoundException", f"has the pool {POOL}"),
    "identity": ("GetCredentialsForIdentity", {"IdentityId": UNKNOWN}, "ResourceNotFoundException", UNKNOWN),
    "pool-as-identity": ("GetCredentialsForIdentity", {"IdentityId": POOL}, "ResourceNotFoundException", POOL),
    "role": (
        "GetCredentialsForIdentity",
        {"IdentityId": UNKNOWN, "CustomRoleArn": "arn:aws:iam::123456789012:role/x"},
        "InvalidParameterException",
        "CustomRoleArn",
    ),
    "two-logins": (
        "GetId",
        {"IdentityPoolId": POOL, "Logins": {PROVIDER: login("ann"), "graph.facebook.com": "ann"}},
        "InvalidParameterException",
        "one provider",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_answered_as_aws_does(send: Send, service: Service, name: str) -> None:
    operation, body, error_type, text = INVALID[name]
    found, message = ask(send, operation, body)
    assert found == error_type
    assert text in message
    assert last(service)["reason"] == "credentials_not_issued"


def test_a_browser_may_use_the_operations_from_any_page(send: Send) -> None:
    wanted = "amz-sdk-invocation-id,amz-sdk-request,cache-control,content-type,x-amz-target,x-amz-user-agent"
    asked = {"Origin": "http://page", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    answer = send("OPTIONS", "/", None, asked)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert set(wanted.split(",")) <= set(answer.headers["access-control-allow-headers"].split(","))
