"""HTTPS requests that are signed with an access key."""

import contextlib
import http.client
import socket
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_core.iam.access_keys import AccessKey
from iot_core.iam.roles import CLIENT_ROLE, RoleSession
from tests.local.api.conftest import Send
from tests.local.api.server import Service
from tests.local.iam.signers import Signer, policy, stranger

NOW = 1_000_000
TOPIC = "/topics/a%2Fb%20c"


@pytest.fixture
def signer(service: Service) -> Signer:
    """Signs with the owner's key."""
    host = f"127.0.0.1:{service.port}"
    return Signer(service.core.access_keys.owner, "iotdata", at=NOW, host=host)


def reasons(service: Service) -> list[object]:
    return [record.get("reason") for record in service.do(lambda core: list(core.feed.recent()))]


def test_the_owner_publishes_and_no_authorizer_is_asked(send: Send, service: Service, signer: Signer) -> None:
    listener = service.do(lambda core: core.listen("listener", "#"))
    headers = signer.headers("POST", TOPIC, "qos=1", b"hello")
    assert send("POST", f"{TOPIC}?qos=1", b"hello", headers).status == 200
    assert (listener.message().topic, service.core.events) == ("a/b c", [])


def test_a_second_request_on_the_same_connection_needs_a_signature_of_its_own(service: Service, signer: Signer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    with contextlib.closing(connection):
        statuses = []
        signed, other = signer.headers("POST", TOPIC), signer.headers("POST", "/topics/b")
        for headers in (signed, {}, other):
            connection.request("POST", TOPIC, b"", headers)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
    assert statuses == [200, 401, 403]


def test_the_body_is_signed(send: Send, service: Service, signer: Signer) -> None:
    headers = signer.headers("POST", TOPIC, body=b"hello")
    assert send("POST", TOPIC, b"hellO", headers).error == (403, "InvalidSignatureException")
    assert reasons(service) == ["aws_signature_mismatch"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_in_a_signed_request_are_refused_with_a_reason(
    service: Service, signer: Signer, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    headers = signer.headers("POST", TOPIC, "qos=1", b"x")
    head = bytearray(f"{TOPIC}?qos=1 HTTP/1.1\r\n".encode())
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at, cut = data.draw(st.integers(0, len(head))), data.draw(st.integers(0, 40))
        head[at : at + cut] = data.draw(st.binary(min_size=1, max_size=8))
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(b"POST %b\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx" % bytes(head))
        answer = connection.recv(65_536)
    assert answer[9:12] in {b"200", b"400", b"401", b"403", b"404"}
    assert caplog.records == []


@pytest.mark.parametrize("path", ["/topics/a//b", "/topics//a", "/topics/./a", "/topics/x/../a", "/topics/a/.."])
def test_a_path_whose_signature_fits_another_path_is_refused(
    send: Send, service: Service, signer: Signer, path: str
) -> None:
    assert send("POST", path, b"", signer.headers("POST", path)).status == 403
    assert reasons(service) == ["aws_signature_malformed"]


@pytest.mark.parametrize("path", ["/topics/a/b", "/topics/a/", "/topics/%2Fa%2F%2Fb", "/topics/a%2F.."])
def test_a_topic_can_have_any_slashes_if_they_are_escaped(send: Send, signer: Signer, path: str) -> None:
    assert send("POST", path, b"", signer.headers("POST", path)).status == 200


def test_a_body_that_is_too_large_is_refused_by_its_size(send: Send, signer: Signer) -> None:
    body = bytes(200_000)
    answer = send("POST", TOPIC, body, signer.headers("POST", TOPIC, body=body))
    assert answer.error == (413, "RequestEntityTooLargeException")


def test_the_control_plane_has_a_service_of_its_own(send: Send, service: Service, signer: Signer) -> None:
    right = signer._replace(service="iot").headers("GET", "/authorizers/")
    assert send("GET", "/authorizers/", None, right).status == 200
    assert send("GET", "/authorizers/", None, signer.headers("GET", "/authorizers/")).status == 403
    assert reasons(service) == ["credential_scope_invalid"]


def test_a_long_term_key_of_another_endpoint_counts_as_the_owner(send: Send, signer: Signer) -> None:
    headers = signer._replace(key=stranger("AKIAOTHER"), region="us-west-2", at=0).headers("POST", TOPIC)
    assert send("POST", TOPIC, b"x", headers).status == 200


OTHERS = [
    (stranger("ASIAOTHER"), "session_token_invalid"),
    (stranger("ASIAOTHER", "token"), "access_key_unknown"),
    (stranger("AKIAOTHER", "token"), "access_key_unknown"),
]


@pytest.mark.parametrize(("other", "reason"), OTHERS)
def test_a_temporary_key_of_another_endpoint_is_refused(
    send: Send, service: Service, signer: Signer, other: AccessKey, reason: str
) -> None:
    answer = send("POST", TOPIC, b"x", signer._replace(key=other).headers("POST", TOPIC, body=b"x"))
    assert answer.error == (403, "UnrecognizedClientException")
    assert reasons(service) == [reason]


def test_a_long_term_key_of_another_endpoint_is_refused_for_another_service(send: Send, signer: Signer) -> None:
    headers = signer._replace(key=stranger("AKIAOTHER"), service="s3").headers("POST", TOPIC)
    assert send("POST", TOPIC, b"x", headers).error == (403, "InvalidSignatureException")


def test_the_owners_key_with_another_secret_is_refused(send: Send, service: Service, signer: Signer) -> None:
    wrong = signer._replace(key=replace(signer.key, secret="wrong"))
    assert send("POST", TOPIC, b"x", wrong.headers("POST", TOPIC, body=b"x")).status == 403
    assert reasons(service) == ["aws_signature_mismatch"]


@pytest.mark.parametrize("query", ["X-Amz-Signature=00", "x-amz-algorithm=A", "%58-Amz-Credential=A"])
def test_a_signature_in_the_url_is_refused_and_never_reaches_an_authorizer(
    send: Send, service: Service, query: str
) -> None:
    assert send("POST", f"/topics/ann/say?{query}", b"x", {"token": "ann"}).status == 403
    assert (service.core.events, reasons(service)) == ([], ["aws_signature_malformed"])


def test_a_signature_and_an_authorizer_are_refused_together(send: Send, service: Service, signer: Signer) -> None:
    headers = signer.headers("POST", TOPIC, headers={"x-amz-customauthorizer-name": "chat"})
    assert send("POST", TOPIC, b"", headers).status == 403
    assert (service.core.events, reasons(service)) == ([], ["signed_with_authorizer"])


def test_temporary_credentials_may_do_what_their_policy_allows(send: Send, service: Service, signer: Signer) -> None:
    only_a = policy(("iot:Publish", service.core.arn("topic", "a")))
    ann = service.do(lambda core: core.temporary_keys.issue(RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 60, only_a)))
    signed = signer._replace(key=ann)
    statuses = [send("POST", path, b"", signed.headers("POST", path)).status for path in ("/topics/a", "/topics/b")]
    assert statuses == [200, 403]
    assert reasons(service) == [None, "not_allowed_by_policy"]
