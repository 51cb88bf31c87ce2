"""The functions that CloudFormation invokes, against the API of IoT Core on this machine."""

import importlib
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.api.core import FUNCTION_ARN, Core
from tests.local.api.server import Service, running


class Responses(ModuleType):
    """Lambda's `cfnresponse`, as far as the functions use it."""

    SUCCESS, FAILED = "SUCCESS", "FAILED"

    def __init__(self) -> None:
        super().__init__("cfnresponse")
        self.sent: list[tuple[str, dict[str, str], str]] = []

    def send(
        self, _: object, __: object, status: str, found: dict[str, str], physical_id: str, *, reason: str = ""
    ) -> None:
        self.sent.append((status, found, physical_id))


class Calls:
    """Sends requests like CloudFormation."""

    def __init__(self, function: str, responses: Responses) -> None:
        self._handle = importlib.reload(importlib.import_module(f"iot_authorizer_cdk.constructs.{function}")).handle
        self._responses = responses

    def __call__(
        self, kind: str, physical_id: str | None = None, *, request: str | None = None, **properties: str
    ) -> tuple[str, dict[str, str], str]:
        """Sends a request with a new ID, unless one is given, and returns the answer."""
        request = request or str(uuid.uuid4())
        event: dict[str, Any] = {"RequestType": kind, "RequestId": request, "ResourceProperties": properties}
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        self._handle(event, SimpleNamespace())
        return self._responses.sent[-1]


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with running() as server:
        yield server


@pytest.fixture
def service(server: Service, tmp_path: Path) -> Iterator[Service]:
    server.begin(tmp_path)
    yield server
    server.end()


@pytest.fixture
def responses(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Responses:
    """The environment of the functions: endpoint, region, credentials, `/tmp` and `cfnresponse`."""
    found = Responses()
    monkeypatch.setitem(sys.modules, "cfnresponse", found)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", service.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return found


@pytest.fixture
def default(responses: Responses) -> Calls:
    return Calls("default_authorizer_function", responses)


def make(core: Core) -> None:
    core.authorizers.create("new", function_arn=FUNCTION_ARN, status="ACTIVE", signing_disabled=True)


def current(service: Service) -> str | None:
    return service.do(lambda core: core.authorizers.default)


CASES = {
    "creation remembers the previous default": ("chat", "Create", None, "new", "previous:chat", "new"),
    "creation without a previous default": (None, "Create", None, "chat", "previous:", "chat"),
    "creation for the one that is the default already": ("chat", "Create", None, "chat", "previous:", "chat"),
    "an update keeps the previous default": ("chat", "Update", "previous:old", "new", "previous:old", "new"),
    "deletion sets back the previous default": ("new", "Delete", "previous:chat", "new", "previous:chat", "chat"),
    "deletion without a previous default": ("chat", "Delete", "previous:", "chat", "previous:", None),
    "deletion leaves a default that was chosen since": ("chat", "Delete", "previous:", "new", "previous:", "chat"),
    "the previous default no longer exists": ("chat", "Delete", "previous:gone", "chat", "previous:gone", None),
    "the previous default is deleted too": ("chat", "Delete", "previous:chat", "chat", "previous:chat", None),
}


@pytest.mark.parametrize(("before", "kind", "physical_id", "name", "answer", "after"), CASES.values(), ids=CASES)
def test_the_default_authorizer_is_set_and_set_back(
    service: Service,
    default: Calls,
    before: str | None,
    kind: str,
    physical_id: str | None,
    name: str,
    answer: str,
    after: str | None,
) -> None:
    service.do(make)
    service.do(lambda core: core.authorizers.clear_default())
    if before is not None:
        service.do(lambda core: core.authorizers.set_default(before))
    assert default(kind, physical_id, AuthorizerName=name) == ("SUCCESS", {}, answer)
    assert current(service) == after


@pytest.mark.parametrize("done", [True, False], ids=["set", "cleared"])
def test_a_repeated_request_remembers_the_default_before_the_first_attempt(
    service: Service, responses: Responses, done: bool
) -> None:
    """Lambda repeats a request that timed out in a new process with the same files."""
    service.do(make)
    Calls("default_authorizer_function", responses)("Create", request="once", AuthorizerName="new")
    if not done:
        service.do(lambda core: core.authorizers.clear_default())
    again = Calls("default_authorizer_function", responses)("Create", request="once", AuthorizerName="new")
    assert (again, current(service)) == (("SUCCESS", {}, "previous:chat"), "new")


def test_a_failure_is_reported_and_changes_nothing(service: Service, default: Calls) -> None:
    assert default("Create", AuthorizerName="missing")[0] == "FAILED"
    assert current(service) == "chat"


def test_the_endpoint_is_read(service: Service, responses: Responses) -> None:
    endpoint = Calls("endpoint_function", responses)
    status, found, _ = endpoint("Create")
    assert (status, found) == ("SUCCESS", {"Address": "localhost:8443"})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the functions would have waited."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def test_an_endpoint_that_the_new_role_may_not_read_yet_is_read_again(
    service: Service, responses: Responses, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, ask = Calls("endpoint_function", responses), boto3.client

    def refused_twice(name: str, config: object) -> Any:  # noqa: ANN401
        if len(pauses) < 2:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeEndpoint")
        return ask("iot")

    monkeypatch.setattr(boto3, "client", refused_twice)
    assert endpoint("Create")[:2] == ("SUCCESS", {"Address": "localhost:8443"})
    assert pauses == [1, 2]


def test_an_unreachable_endpoint_fails_no_deployment(
    responses: Responses, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", f"http://127.0.0.1:{port}")
    assert Calls("endpoint_function", responses)("Create") == ("SUCCESS", {"Address": "ENDPOINT"}, "endpoint")
    assert sum(pauses) == 10  # The function has 30 seconds.


def test_deletion_does_not_read_the_endpoint(responses: Responses) -> None:
    assert Calls("endpoint_function", responses)("Delete", "endpoint") == ("SUCCESS", {}, "endpoint")
