"""Paths, methods, bodies and errors that all operations have in common."""

import logging
import re
import socket

import pytest

from tests.local.api.conftest import Send
from tests.local.api.core import Core
from tests.local.api.server import Service

SERVED = [
    *(("GET", path) for path in ("/endpoint", "/authorizers", "/authorizer/nobody", "/retainedMessage", "/nothing")),
    *(("PATCH", "/endpoint"), ("POST", "/topics/a")),
]


@pytest.mark.parametrize(("method", "path"), SERVED)
def test_every_answer_has_a_request_id_of_its_own(send: Send, method: str, path: str) -> None:
    ids = {send(method, path).headers["x-amzn-requestid"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    "path", ["/things", "/topics", "/authorizer/", "/authorizer/a/b", "/retainedMessages", "/x%2Fy"]
)
def test_an_unknown_path_is_404_with_its_name(send: Send, path: str) -> None:
    answer = send("GET", path)
    assert answer.error == (404, "UnknownOperationException")
    assert answer.json["message"].startswith("GET /")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/topics/a", "POST"),
        ("POST", "/endpoint", "GET"),
        ("POST", "/authorizers/", "GET"),
        ("PUT", "/default-authorizer", "POST, GET, DELETE"),
        ("GET", "/authorizer/a/test", "POST"),
        ("PATCH", "/authorizer/a", "POST, GET, PUT, DELETE"),
        ("POST", "/retainedMessage/a", "GET"),
        ("POST", "/connections/a", "GET, DELETE"),
        ("DELETE", "/connections/a/subscriptions", "GET"),
        ("HEAD", "/endpoint", "GET"),
        ("NONSENSE", "/endpoint", "GET"),
    ],
)
def test_a_wrong_method_is_405_with_the_allowed_methods(send: Send, method: str, path: str, allowed: str) -> None:
    answer = send(method, path)
    assert answer.error == (405, "MethodNotAllowedException")
    assert answer.headers["allow"] == allowed


BODIES = {
    "not JSON": "{",
    "a list": "[]",
    "a string": '"a"',
    "not UTF-8": b"\xff\xfe\xfd",
    "NaN": '{"authorizerFunctionArn": NaN}',
    "endless nesting": '{"a":' * 100_000,
    "half a character": '{"authorizerFunctionArn": "\\ud800"}',
    "a huge number": '{"a": ' + "9" * 10_000 + "}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_not_a_json_object_is_an_invalid_request(send: Send, body: str | bytes) -> None:
    assert send("POST", "/authorizer/a", body).error == (400, "InvalidRequestException")


@pytest.mark.parametrize(
    ("member", "value", "more"),
    [
        ("authorizerFunctionArn", "7", ""),
        ("authorizerFunctionArn", "null", ""),
        ("signingDisabled", '"true"', ""),
        ("enableCachingForHttp", "1", ""),
        ("status", '"BUSY"', "Member must satisfy enum value set: [ACTIVE, INACTIVE]"),
        ("tokenKeyName", "[]", ""),
        ("tokenSigningPublicKeys", "[]", ""),
        ("tokenSigningPublicKeys", '{"k1": 7}', ""),
    ],
)
def test_a_member_of_a_wrong_type_is_named(send: Send, member: str, value: str, more: str) -> None:
    body = f'{{"authorizerFunctionArn": "f", "signingDisabled": true, "{member}": {value}}}'
    answer = send("POST", "/authorizer/a", body)
    assert answer.error == (400, "InvalidRequestException")
    assert f"'{member}" in answer.json["message"]
    assert answer.json["message"].endswith(more)


def test_a_value_is_not_echoed(send: Send) -> None:
    answer = send("POST", "/authorizer/chat/test", '{"token": ["s3cret"], "tokenSignature": "s3cret!"}')
    assert (answer.status, b"s3cret" in answer.body) == (400, False)


def test_a_member_that_is_null_is_missing(send: Send) -> None:
    assert send("PUT", "/authorizer/chat", '{"status": null, "tokenKeyName": null}').status == 200


@pytest.mark.parametrize("size", [1_048_577, 5_000_000])
def test_a_body_of_over_a_mebibyte_is_too_large(service: Service, size: int) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        head = f"POST /authorizer/a HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + b" " * min(size, 4_200_000))
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_closes_its_connection_disturbs_no_other(service: Service, send: Send) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(b"POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal")
    assert send("GET", "/endpoint").status == 200


def test_an_exception_is_500_and_logged(
    send: Send, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Core, kind: str, name: str) -> str:
        raise RuntimeError("s3cret")

    monkeypatch.setattr(Core, "arn", fail)
    with caplog.at_level(logging.ERROR):
        answer = send("GET", "/authorizer/chat")
    assert answer.error == (500, "InternalFailureException")
    assert b"s3cret" not in answer.body
    assert "GET /authorizer/chat failed" in caplog.text


def test_a_name_with_a_percent_sign_is_decoded_once(send: Send) -> None:
    assert send("GET", "/authorizer/ch%61t").status == 200
    assert send("GET", "/authorizer/ch%2561t").error == (400, "InvalidRequestException")


def test_requests_follow_each_other_on_one_connection_after_an_error(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        request = b"POST /topics/%2B HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
        last = b"GET /endpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request + request + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+) ", answers) == [b"400", b"400", b"200"]


def test_the_path_of_websockets_explains_itself_to_a_browser(send: Send) -> None:
    answer = send("GET", "/mqtt")
    assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")
    assert b"connect an MQTT client" in answer.body
