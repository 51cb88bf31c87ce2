"""What CloudFormation calls, against IoT Core's own API."""

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
    """Lambda's `cfnresponse`, as far as the functions know it."""

    SUCCESS, FAILED = "SUCCESS", "FAILED"

    def __init__(self) -> None:
        super().__init__("cfnresponse")
        self.sent: list[tuple[str, dict[str, str], str]] = []

    def send(
        self, _: object, __: object, status: str, found: dict[str, str], physical_id: str, *, reason: str = ""
    ) -> None:
        self.sent.append((status, found, physical_id))


class Calls:
    """Requests as CloudFormation sends them."""

    def __init__(self, function: str, responses: Responses) -> None:
        self._handle = importlib.reload(importlib.import_module(f"iot_authorizer_cdk.{function}")).handle
        self._responses = responses

    def __call__(
        self, kind: str, physical_id: str | None = None, *, request: str | None = None, **properties: str
    ) -> tuple[str, dict[str, str], str]:
        """Sends a request, a new one unless it is named; gives what was answered."""
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
    """The functions' environment: the endpoint, a region, credentials, `/tmp`, and `cfnresponse`."""
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


def test_it_becomes_the_default_one_and_what_was_before_is_remembered(service: Service, default: Calls) -> None:
    service.do(make)
    assert default("Create", AuthorizerName="new") == ("SUCCESS", {}, "previous:chat")
    assert current(service) == "new"


def test_what_was_before_is_set_back(service: Service, default: Calls) -> None:
    service.do(make)
    _, _, physical_id = default("Create", AuthorizerName="new")
    assert default("Delete", physical_id, AuthorizerName="new") == ("SUCCESS", {}, "previous:chat")
    assert current(service) == "chat"


def test_where_there_was_none_there_is_none_again(service: Service, default: Calls) -> None:
    service.do(lambda core: core.authorizers.clear_default())
    _, _, physical_id = default("Create", AuthorizerName="chat")
    assert (physical_id, current(service)) == ("previous:", "chat")
    default("Delete", physical_id, AuthorizerName="chat")
    assert current(service) is None


def test_an_update_keeps_what_was_before(service: Service, default: Calls) -> None:
    service.do(make)
    assert default("Update", "previous:old", AuthorizerName="new") == ("SUCCESS", {}, "previous:old")
    assert current(service) == "new"


def test_what_somebody_else_chose_since_stays(service: Service, default: Calls) -> None:
    service.do(make)
    default("Delete", "previous:", AuthorizerName="new")
    assert current(service) == "chat"


def test_what_is_the_default_already_was_not_there_before_itself(service: Service, default: Calls) -> None:
    assert default("Create", AuthorizerName="chat") == ("SUCCESS", {}, "previous:")
    default("Delete", "previous:", AuthorizerName="chat")
    assert current(service) is None


def test_a_previous_one_that_is_gone_leaves_none(service: Service, default: Calls) -> None:
    assert default("Delete", "previous:gone", AuthorizerName="chat") == ("SUCCESS", {}, "previous:gone")
    assert current(service) is None


def test_a_previous_one_that_goes_too_leaves_none(service: Service, default: Calls) -> None:
    """As after an update to the authorizer that was the default before."""
    assert default("Delete", "previous:chat", AuthorizerName="chat")[0] == "SUCCESS"
    assert current(service) is None


@pytest.mark.parametrize("done", [True, False], ids=["set", "cleared"])
def test_a_request_that_is_repeated_remembers_what_was_there_at_first(
    service: Service, responses: Responses, done: bool
) -> None:
    """Lambda repeats a request that ran out of time, in a new process; files stay where they are."""
    service.do(make)
    Calls("default_authorizer_function", responses)("Create", request="once", AuthorizerName="new")
    if not done:
        service.do(lambda core: core.authorizers.clear_default())
    again = Calls("default_authorizer_function", responses)("Create", request="once", AuthorizerName="new")
    assert (again, current(service)) == (("SUCCESS", {}, "previous:chat"), "new")


def test_what_fails_is_told_and_changes_nothing(service: Service, default: Calls) -> None:
    assert default("Create", AuthorizerName="nowhere")[0] == "FAILED"
    assert current(service) == "chat"


def test_the_endpoint_is_looked_up(service: Service, responses: Responses) -> None:
    endpoint = Calls("endpoint_function", responses)
    status, found, _ = endpoint("Create")
    assert (status, found) == ("SUCCESS", {"Address": "localhost:8443"})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the functions waited for, in seconds: they do not wait."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def test_an_endpoint_that_is_not_allowed_at_first_is_looked_up_again(
    service: Service, responses: Responses, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As right after its role was made."""
    endpoint, ask = Calls("endpoint_function", responses), boto3.client

    def refused_twice(name: str, config: object) -> Any:  # noqa: ANN401
        if len(pauses) < 2:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeEndpoint")
        return ask("iot")

    monkeypatch.setattr(boto3, "client", refused_twice)
    assert endpoint("Create")[:2] == ("SUCCESS", {"Address": "localhost:8443"})
    assert pauses == [1, 2]


def test_an_endpoint_that_can_not_be_looked_up_fails_no_stack(
    responses: Responses, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", f"http://127.0.0.1:{port}")
    assert Calls("endpoint_function", responses)("Create") == ("SUCCESS", {"Address": "ENDPOINT"}, "endpoint")
    assert sum(pauses) == 10  # Of the 30 seconds that the function has.


def test_an_endpoint_that_goes_is_not_looked_up(responses: Responses) -> None:
    assert Calls("endpoint_function", responses)("Delete", "endpoint") == ("SUCCESS", {}, "endpoint")
