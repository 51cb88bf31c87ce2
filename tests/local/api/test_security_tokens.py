"""STS: AssumeRole and GetCallerIdentity, asked by boto3 and by hand."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import boto3
import pytest

from iot_core.iam.access_keys import AccessKey
from iot_core.iam.roles import CLIENT_ROLE, Role, RoleSession
from iot_policies.documents import parse_document
from tests.local.api.conftest import REGION, Boto, Send, refused
from tests.local.api.server import Service
from tests.local.iam.signers import Signer, policy, stranger

NOW = 1_000_000
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
ARN = f"arn:aws:iot:{REGION}:123456789012:"
ROLE = f"arn:aws:iam::123456789012:role/{CLIENT_ROLE}"
ANN = {"RoleArn": ROLE, "RoleSessionName": "ann"}
ONLY_A = policy(("iot:Publish", f"{ARN}topic/a"))
EVERYTHING = policy(("*", "*"))
Client = Callable[..., Boto]


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    """Boto3's client of a service, with a key: the owner's by default. The core's time is the real one."""
    service.core.clock.now = time.time()
    with ExitStack() as stack:

        def client(name: str, key: AccessKey | None = None) -> Boto:
            key = key or service.core.access_keys.owner
            session = boto3.Session(key.key_id, key.secret, key.session_token, REGION)
            return stack.enter_context(Boto.connected(service, session, name))

        yield client


@pytest.fixture
def sts(client: Client) -> Boto:
    return client("sts")


def as_key(answer: Mapping[str, Any]) -> AccessKey:
    """The credentials of an answer."""
    found = answer["Credentials"]
    key = stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])
    return replace(key, expires_at=found["Expiration"].timestamp())


def session(
    service: Service, role: str = CLIENT_ROLE, session_policy: str | None = None, seconds: int = 60
) -> AccessKey:
    """A temporary key that was issued without STS."""
    now = int(service.core.clock())
    return service.do(
        lambda core: core.temporary_keys.issue(RoleSession(role, "ann", now, now + seconds, session_policy))
    )


# What it answers.


def test_the_owner_is_a_user_of_the_account(service: Service, sts: Boto) -> None:
    user_id = f"AIDA{service.core.access_keys.owner.key_id[4:]}"
    found = sts("get_caller_identity")
    expected = ("123456789012", user_id, "arn:aws:iam::123456789012:user/owner")
    assert (found["Account"], found["UserId"], found["Arn"]) == expected


def test_credentials_of_a_role_last_as_long_as_asked_for_and_know_who_they_are(client: Client, sts: Boto) -> None:
    answer = sts("assume_role", **ANN, DurationSeconds=900)
    key = as_key(answer)
    assert key.key_id.startswith("ASIA")
    assert key.expires_at == pytest.approx(time.time() + 900, abs=5)
    arn, user = f"arn:aws:sts::123456789012:assumed-role/{CLIENT_ROLE}/ann", answer["AssumedRoleUser"]
    assert (user["Arn"], user["AssumedRoleId"][-4:], "PackedPolicySize" in answer) == (arn, ":ann", False)
    found = client("sts", key)("get_caller_identity")
    assert (found["Arn"], found["UserId"]) == (arn, user["AssumedRoleId"])


def test_credentials_last_an_hour_by_default(sts: Boto) -> None:
    assert as_key(sts("assume_role", **ANN)).expires_at == pytest.approx(time.time() + 3600, abs=5)


def test_a_session_policy_limits_the_role(client: Client, sts: Boto) -> None:
    answer = sts("assume_role", **ANN, Policy=ONLY_A)
    assert answer["PackedPolicySize"] > 0
    data = client("iot-data", as_key(answer))
    data("publish", topic="a")
    with refused("ForbiddenException", 403):
        data("publish", topic="b")


def test_a_session_policy_for_everything_gives_no_more_than_the_role(client: Client, sts: Boto) -> None:
    key = as_key(sts("assume_role", **ANN, Policy=EVERYTHING))
    client("iot-data", key)("publish", topic="any/topic")
    with refused("AccessDeniedException", 403) as refusal:
        client("iot", key)("list_authorizers")
    assert "is not authorized to perform: iot:ListAuthorizers on resource: *" in refusal.message
    with refused("AccessDenied", 403):
        client("sts", key)("assume_role", **ANN)


def test_the_feed_says_who_got_credentials(service: Service, sts: Boto) -> None:
    sts("assume_role", **ANN)
    record = service.do(lambda core: list(core.feed.recent()))[-1]
    assert (record["action"], record["resource"], record["principal"]) == ("assume_role", f"{CLIENT_ROLE}/ann", "owner")


# What a session may do with IoT Core's other operations.

OPERATIONS = [
    ("GET", "/authorizers/", "iot"),
    ("GET", "/authorizer/chat", "iot"),
    ("POST", "/authorizer/other", "iot"),
    ("PUT", "/authorizer/chat", "iot"),
    ("DELETE", "/authorizer/chat", "iot"),
    ("POST", "/authorizer/chat/test", "iot"),
    ("GET", "/default-authorizer", "iot"),
    ("POST", "/default-authorizer", "iot"),
    ("DELETE", "/default-authorizer", "iot"),
    ("GET", "/endpoint", "iot"),
    ("GET", "/connections/listener", "iotdata"),
    ("DELETE", "/connections/listener", "iotdata"),
    ("GET", "/connections/listener/subscriptions", "iotdata"),
    ("GET", "/retainedMessage", "iotdata"),
    ("POST", "/topics/%24aws%2Fthings", "iotdata"),
]


@pytest.mark.parametrize(("method", "path", "signed_for"), OPERATIONS)
def test_a_session_may_use_no_operation_that_its_policies_do_not_allow(
    send: Send, service: Service, method: str, path: str, signed_for: str
) -> None:
    service.do(lambda core: core.listen("listener"))
    key = session(service, session_policy=ONLY_A)
    headers = signer(service, key, signed_for).headers(method, path, body=b"{}")
    assert send(method, path, b"{}", headers).status == 403
    assert reasons(service)[-1] == "not_allowed_by_policy"
    assert service.do(lambda core: core.broker.client("listener")) is not None


def test_a_session_may_use_an_operation_that_all_its_policies_allow(send: Send, service: Service) -> None:
    service.do(lambda core: core.roles.put(Role("admin", parse_document(EVERYTHING))))
    one = policy(("iot:DescribeAuthorizer", f"{ARN}authorizer/chat"))
    key = session(service, "admin", one)
    answers = {}
    for path in ("/authorizer/chat", "/authorizer/other", "/authorizers/"):
        headers = signer(service, key, "iot").headers("GET", path)
        answers[path] = send("GET", path, None, headers).status
    assert answers == {"/authorizer/chat": 200, "/authorizer/other": 403, "/authorizers/": 403}


def test_a_role_that_is_gone_allows_nothing(send: Send, service: Service) -> None:
    service.do(lambda core: core.roles.put(Role("admin", parse_document(EVERYTHING))))
    key = session(service, "admin")
    service.do(lambda core: core.roles.remove("admin"))
    headers = signer(service, key, "iotdata").headers("POST", "/topics/a")
    assert send("POST", "/topics/a", b"", headers).status == 403


# What it refuses.


def signer(service: Service, key: AccessKey | None = None, signed_for: str = "sts") -> Signer:
    key = key or service.core.access_keys.owner
    return Signer(key, signed_for, at=service.core.clock(), host=f"127.0.0.1:{service.port}")


def reasons(service: Service) -> list[object]:
    return [record.get("reason") for record in service.do(lambda core: list(core.feed.recent()))]


def ask(send: Send, signer: Signer, form: Mapping[str, str] | bytes) -> tuple[int, str, str]:
    """The status, the error's code and its message."""
    body = form if isinstance(form, bytes) else urlencode({"Version": "2011-06-15", **form}).encode()
    answer = send("POST", "/", body, signer.headers("POST", "/", body=body, headers=FORM))
    assert answer.headers["content-type"].startswith("text/xml")
    found = ElementTree.fromstring(answer.body)
    texts = {each.tag.rpartition("}")[2]: each.text or "" for each in found.iter()}
    assert texts["RequestId"] == answer.headers["x-amzn-requestid"]
    return answer.status, texts.get("Code", ""), texts.get("Message", "")


INVALID: dict[str, tuple[dict[str, str | None], str, str]] = {
    "no-role": ({"RoleArn": None}, "ValidationError", "Value null at 'roleArn'"),
    "no-name": ({"RoleSessionName": None}, "ValidationError", "Value null at 'roleSessionName'"),
    "short-name": ({"RoleSessionName": "a"}, "ValidationError", "greater than or equal to 2"),
    "long-name": ({"RoleSessionName": "a" * 65}, "ValidationError", "less than or equal to 64"),
    "name": ({"RoleSessionName": "a/b"}, "ValidationError", "regular expression pattern"),
    "name-with-newline": ({"RoleSessionName": "ann\n"}, "ValidationError", "regular expression pattern"),
    "name-in-other-letters": ({"RoleSessionName": "änn"}, "ValidationError", "regular expression pattern"),
    "short": ({"DurationSeconds": "899"}, "ValidationError", "greater than or equal to 900"),
    "long": ({"DurationSeconds": "43201"}, "ValidationError", "less than or equal to 43200"),
    "negative": ({"DurationSeconds": "-900"}, "ValidationError", "greater than or equal to 900"),
    "no-number": ({"DurationSeconds": "1e3"}, "ValidationError", "whole number"),
    "digits-of-another-script": ({"DurationSeconds": "٩٠٠"}, "ValidationError", "whole number"),
    "no-policy": ({"Policy": ""}, "ValidationError", "greater than or equal to 1"),
    "policy-character": ({"Policy": ONLY_A.replace("topic/a", "topic/€")}, "ValidationError", "regular expression"),
    "long-policy": ({"Policy": ONLY_A.ljust(2049)}, "PackedPolicyTooLarge", "2049 characters, the maximum is 2048"),
    "policy-text": ({"Policy": "x"}, "MalformedPolicyDocument", "expected JSON"),
    "policy-key": ({"Policy": ONLY_A.replace("Action", "Actions")}, "MalformedPolicyDocument", "Actions"),
    "policy-effect": ({"Policy": ONLY_A.replace("Allow", "allow")}, "MalformedPolicyDocument", "Effect"),
    "managed-policy": ({"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/x"}, "ValidationError", "PolicyArns"),
    "tags": ({"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}, "ValidationError", "Tags.member.1.Key"),
    "serial-number": ({"SerialNumber": "123456789"}, "ValidationError", "SerialNumber"),
    "action": ({"Action": "GetSessionToken"}, "InvalidAction", "GetSessionToken for version 2011-06-15"),
    "no-action": ({"Action": None}, "InvalidAction", "Could not find operation"),
    "version": ({"Version": "2010-05-08"}, "InvalidAction", "for version 2010-05-08"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_answered_as_aws_does(send: Send, service: Service, name: str) -> None:
    changes, code, text = INVALID[name]
    form = {key: value for key, value in {"Action": "AssumeRole", **ANN, **changes}.items() if value is not None}
    status, found, message = ask(send, signer(service), form)
    assert (status, found) == (400, code)
    assert text in message


@pytest.mark.parametrize(
    "arn", [ROLE.replace("client", "other"), ROLE.replace("123456789012", "210987654321"), "x", f"{ROLE}/", f"{ROLE}\n"]
)
def test_an_unknown_role_is_denied_and_the_error_names_the_known_one(send: Send, service: Service, arn: str) -> None:
    status, code, message = ask(send, signer(service), {"Action": "AssumeRole", **ANN, "RoleArn": arn})
    assert (status, code) == (403, "AccessDenied")
    assert message.endswith(f"This machine has the role {ROLE}")
    assert reasons(service) == ["credentials_not_issued"]


def test_the_roles_of_the_identity_pool_cannot_be_assumed(send: Send, service: Service) -> None:
    service.do(lambda core: core.configure_identities(EVERYTHING))
    guest = ROLE.replace("client", "guest")
    assert ask(send, signer(service), {"Action": "AssumeRole", **ANN, "RoleArn": guest})[:2] == (403, "AccessDenied")


@pytest.mark.parametrize(("seconds", "status"), [("3600", 200), ("3601", 400)])
def test_role_chaining_ends_after_an_hour(send: Send, service: Service, seconds: str, status: int) -> None:
    service.do(lambda core: core.roles.put(Role("function", parse_document(policy(("sts:AssumeRole", ROLE))))))
    chained = signer(service, session(service, "function"))
    found = ask(send, chained, {"Action": "AssumeRole", **ANN, "DurationSeconds": seconds})
    assert (found[0], "role chaining" in found[2]) == (status, status == 400)


def test_only_keys_that_this_machine_issued_are_accepted(send: Send, service: Service) -> None:
    expired = session(service, seconds=-1)
    other = replace(session(service), secret="wrong")
    changed = replace(session(service), session_token=(session(service).session_token or "")[:-4] + "AAA=")
    table = {
        "unknown": (stranger("AKIAOTHER"), "InvalidClientTokenId", "access_key_unknown"),
        "unknown-temporary": (stranger("ASIAOTHER", "token"), "InvalidClientTokenId", "access_key_unknown"),
        "changed": (changed, "InvalidClientTokenId", "access_key_unknown"),
        "without-token": (replace(other, session_token=None), "InvalidClientTokenId", "session_token_invalid"),
        "expired": (expired, "ExpiredToken", "credentials_expired"),
        "wrong-secret": (other, "SignatureDoesNotMatch", "aws_signature_mismatch"),
    }
    form = {"Action": "GetCallerIdentity"}
    found = {name: ask(send, signer(service, key), form)[:2] for name, (key, *_) in table.items()}
    assert found == {name: (403, code) for name, (_, code, _) in table.items()}
    assert reasons(service) == [reason for *_, reason in table.values()]


def test_a_request_for_another_service_is_refused(send: Send, service: Service) -> None:
    answer = ask(send, signer(service, signed_for="iotdata"), {"Action": "GetCallerIdentity"})
    assert answer[:2] == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("path", "code"), [("/", "MissingAuthenticationToken"), ("/?X-Amz-Signature=00", "IncompleteSignature")]
)
def test_a_request_without_a_signature_in_its_header_is_refused(send: Send, path: str, code: str) -> None:
    answer = send("POST", path, b"Action=GetCallerIdentity&Version=2011-06-15", FORM)
    assert f"<Code>{code}</Code>" in answer.body.decode()


@pytest.mark.parametrize("body", [b"\xff=1", b"Action=GetCallerIdentity&Action=AssumeRole", b"a", b"a=%ff", b"&" * 999])
def test_a_body_that_is_no_form_is_refused(send: Send, service: Service, body: bytes) -> None:
    assert ask(send, signer(service), body)[:2] == (400, "MalformedInput")


def test_an_error_is_valid_xml_whatever_it_quotes(send: Send, service: Service) -> None:
    name = "<a>&\x00\ufffe]]>"
    assert (
        "<a>&\ufffd\ufffd]]>" in ask(send, signer(service), {"Action": "AssumeRole", **ANN, "RoleSessionName": name})[2]
    )


def test_a_post_of_another_protocol_is_an_unknown_operation(send: Send) -> None:
    assert send("POST", "/", b"{}", {"Content-Type": "application/json"}).error == (404, "UnknownOperationException")
