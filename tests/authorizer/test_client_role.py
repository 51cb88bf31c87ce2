"""AWS STS that is slow or unreachable: the endpoint gives up in time."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer import Reason, Refusal
from iot_authorizer.client_role import StsRole, development_role

pytestmark = pytest.mark.slow

LONGEST = 5.0
"""Seconds within which the endpoint answers."""


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def role_at(folder: Path, port: int) -> StsRole:
    """The client role at the STS of this machine."""
    content = {
        "role": "arn:aws:iam::123456789012:role/client",
        "endpoint": "localhost",
        "url": f"http://127.0.0.1:{port}",
        "region": "eu-west-1",
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "secret",
    }
    path = folder / "sts.json"
    path.write_text(json.dumps(content))
    return development_role(path)


@pytest.mark.parametrize("port", ["silent", "closed"])
def test_sts_that_does_not_answer_is_given_up_in_time(
    port: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    role = role_at(tmp_path, request.getfixturevalue(port))
    started = time.monotonic()
    with pytest.raises(Refusal) as refused:
        role.assume("ann", "{}", 900)
    assert time.monotonic() - started < LONGEST
    assert refused.value.reason == Reason.STS_UNAVAILABLE


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTP_PROXY", "http://127.0.0.1:9"), ("http_proxy", "http://127.0.0.1:9"), ("AWS_PROFILE", "unknown")],
)
def test_sts_of_this_machine_is_asked_whatever_the_users_environment_says(
    closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Refusal) as refused:
        role_at(tmp_path, closed).assume("ann", "{}", 900)
    assert refused.value.detail == "EndpointConnectionError"  # A proxy would be another error.
