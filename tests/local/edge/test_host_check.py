"""The host check refuses HTTP requests of other web pages."""

import socket
from collections.abc import Mapping

import pytest

from iot_core.edge.host_check import HostNames, aws_names
from tests.local.harness.channels import SocketChannel
from tests.local.harness.function import allow, statement
from tests.local.harness.running import Running

AWS_NAMES = [
    "abc-ats.iot.us-east-1.amazonaws.com",
    "iot.eu-west-1.amazonaws.com:443",
    "data.iot-fips.us-gov-west-1.amazonaws.com",
    "abc.ats.iot.cn-north-1.amazonaws.com.cn",
    "data-ats.iot.us-east-1.api.aws",
]
NOT_AWS_NAMES = [
    "ec2-1-2-3-4.compute-1.amazonaws.com",
    "iot.us-east-1.amazonaws.com.evil.example",
    "eviliot.us-east-1.amazonaws.com",
    "evil.iot.s3.amazonaws.com",
    "evil.iot.us-east-1.amazonaws.com.evil",
    "iot.us-east-1.api.aws.evil.example",
]


def ask(
    running: Running,
    method: str = "GET",
    path: str = "/endpoint?endpointType=iot:Data-ATS",
    channel: SocketChannel | None = None,
    **sent: str,
) -> int:
    """The status of an answer, on the plain port by default; headers by name, with _ for -."""
    body = sent.pop("body", "")
    headers = {"Host": f"localhost:{running.core.port}", "Content-Length": str(len(body))}
    headers |= {name.replace("_", "-"): value for name, value in sent.items()}
    return raw(channel or running.plain(), method, path, headers, body)


def raw(channel: SocketChannel, method: str, path: str, headers: Mapping[str, str], body: str = "") -> int:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    channel.send("\r\n".join([*lines, "Connection: close", "", body]).encode("latin-1"))
    return int(channel.receive_all().split(b" ")[1])


COGNITO = "AWSCognitoIdentityService.GetId"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/", {"X_Amz_Target": COGNITO}, 400),
        ("OPTIONS", "/", {"Access_Control_Request_Headers": "content-type, X-Amz-Target"}, 200),
        ("POST", "/authorizer/chat", {"X_Amz_Target": COGNITO}, 403),
        ("POST", "/console/token", {"X_Amz_Target": COGNITO}, 403),
        ("POST", "/", {"X_Amz_Target": "Other.GetId"}, 403),
        ("POST", "/", {"X_Amz_Target": COGNITO.lower(), "Content_Type": "application/x-www-form-urlencoded"}, 403),
        ("GET", "/", {"X_Amz_Target": COGNITO}, 403),
        ("POST", "/", {"Content_Type": "application/x-www-form-urlencoded"}, 403),
        ("OPTIONS", "/", {"Access_Control_Request_Headers": "authorization"}, 403),
        ("OPTIONS", "/topics/a", {"Access_Control_Request_Headers": "x-amz-target"}, 403),
        ("POST", "/", {"X_Amz_Target": COGNITO, "Host": "evil.example"}, 421),
    ],
)
def test_a_page_of_another_origin_may_ask_only_the_identity_pool(
    running: Running, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert ask(running, method, path, None, Origin="https://page.example", **headers) == status


@pytest.mark.one_core
@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8080",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:8080",
        "192.168.1.7",
        "me.localhost",
        "localhost.",
        "[::ffff:127.0.0.1]",
        socket.gethostname(),
    ],
)
def test_a_host_header_that_names_the_server_is_accepted(running: Running, host: str) -> None:
    assert ask(running, Host=host) == 200


@pytest.mark.one_core
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil-localhost",
        "x@evil.example",
        "",
        "[",
        "localhost..",
        "localhost:123456",
        "localhost:8080:8080",
        "localhost.evil.example.",
        "localhost/evil.example",
        "localhost?evil.example",
        "localhost#evil.example",
        "[::1].evil.example",
        "127.1",
        "0x7f000001",
        *AWS_NAMES,
        *NOT_AWS_NAMES,
    ],
)
def test_any_other_host_header_is_refused(running: Running, host: str) -> None:
    assert ask(running, Host=host) == 421


@pytest.mark.one_core
@pytest.mark.parametrize(
    ("host", "status"), [*((name, 200) for name in ("localhost", *AWS_NAMES)), *((name, 421) for name in NOT_AWS_NAMES)]
)
def test_only_the_tls_port_has_the_names_of_aws(running: Running, host: str, status: int) -> None:
    assert ask(running, channel=running.tls(), Host=host) == status


@pytest.mark.parametrize("name", ["abc-ats.iot.us-east-1.amazonaws.com", "data-ats.iot.us-east-1.api.aws"])
def test_the_certificate_has_the_names_of_aws(running: Running, name: str) -> None:
    assert ask(running, channel=running.tls(server_name=name), Host=name) == 200


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-3"])
def test_the_host_check_knows_the_names_that_the_certificate_has(region: str) -> None:
    own = HostNames(())
    names = [name.replace("*", "abc") for name in aws_names(region)]
    assert [own.know(name, tls=True) for name in names] == [True, True]
    assert not any(own.know(name, tls=False) for name in names)


@pytest.mark.parametrize("target", ["http://localhost/endpoint", "http://evil.example/endpoint", "*", "localhost:80"])
def test_a_request_target_that_is_not_a_path_is_refused(running: Running, target: str) -> None:
    assert ask(running, "OPTIONS" if target == "*" else "GET", target) == 400


def test_the_servers_own_page_can_post(running: Running) -> None:
    origin = f"http://localhost:{running.core.port}"
    assert ask(running, "POST", "/topics/a", body="x", Origin=origin) == 200


@pytest.mark.one_core
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost",
        "http://localhost:1",
        "http://[",
        "",
        "localhost:{port}",
        "http://localhost:{port}.evil.example",
        "http://evil.example/localhost:{port}",
    ],
)
def test_a_page_of_another_origin_is_refused(running: Running, origin: str) -> None:
    origin = origin.format(port=running.core.port)
    assert ask(running, "POST", "/topics/a", body="x", Origin=origin) == 403
    assert ask(running, "GET", Origin=origin) == 403


@pytest.mark.parametrize("path", ["/topics/a", "/console/token", "/authorizer/x"])
def test_a_body_that_is_too_long_is_refused_and_its_connection_aborted(
    running: Running, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    channel = running.plain()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"{running.secret}\r\n"
    channel.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(80):
        channel.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")
    assert channel.receive().startswith(b"HTTP/1.1 413 ")
    running.pass_time(0)
    running.pass_time(11)
    channel.receive_all()
    assert capfd.readouterr() == ("", "")


def test_a_client_cannot_choose_its_source_ip(running: Running) -> None:
    """It is a policy variable, `aws:SourceIp`."""
    running.function.answer = lambda _: allow(statement("iot:Publish", "topic/from/${aws:SourceIp}"))
    forwarded = {"X_Forwarded_For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X_Real_IP": "10.0.0.1"}
    assert ask(running, "POST", "/topics/from%2F10.0.0.1", None, body="x", **forwarded) == 403
    assert ask(running, "POST", "/topics/from%2F127.0.0.1", None, body="x", **forwarded) == 200


def test_an_unknown_path_is_answered_as_aws_does(running: Running) -> None:
    channel = running.plain()
    channel.send(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = channel.receive_all()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"UnknownOperationException" in answer


def test_the_websocket_path_without_an_upgrade_is_426(running: Running) -> None:
    assert ask(running, path="/mqtt") == 426


@pytest.mark.parametrize("host", ["rebound.evil.example", AWS_NAMES[0]])
def test_a_websocket_to_another_host_is_refused(running: Running, host: str) -> None:
    channel = running.plain()
    channel.send(
        f"GET /mqtt HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n".encode()
        + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    assert channel.receive_all().startswith(b"HTTP/1.1 421 ")
    running.record("refused_bytes", reason="not_mqtt")


def test_a_websocket_of_another_origin_is_accepted_as_at_aws(running: Running) -> None:
    assert running.web_socket(headers=[("Origin", "https://app.example")]).status == 101


def test_an_http_request_over_tls_has_the_server_name(running: Running) -> None:
    channel = running.tls(("http/1.1",), "abc-ats.iot.us-east-1.amazonaws.com")
    channel.send(b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
    assert channel.receive_all().startswith(b"HTTP/1.1 200 ")
    data = running.function.events.get(timeout=10)["protocolData"]
    assert isinstance(data, dict)
    assert data["tls"] == {"serverName": "abc-ats.iot.us-east-1.amazonaws.com"}
