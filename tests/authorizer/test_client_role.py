"""AWS STS that is slow or unreachable: the endpoint gives up in time."""

import socket
import time
from collections.abc import Iterator

import pytest

from iot_authorizer import Reason, Refusal
from iot_authorizer.client_role import StsRole, sts_client

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


@pytest.mark.parametrize("port", ["silent", "closed"])
def test_sts_that_does_not_answer_is_given_up_in_time(port: str, request: pytest.FixtureRequest) -> None:
    client = sts_client(
        endpoint_url=f"http://127.0.0.1:{request.getfixturevalue(port)}",
        region_name="eu-west-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
    )
    role = StsRole("arn:aws:iam::123456789012:role/client", "host", client)
    started = time.monotonic()
    with pytest.raises(Refusal) as refused:
        role.assume("ann", "{}", 900)
    assert time.monotonic() - started < LONGEST
    assert refused.value.reason == Reason.STS_UNAVAILABLE
