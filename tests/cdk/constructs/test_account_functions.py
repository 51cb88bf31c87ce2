"""The functions that CloudFormation invokes, against the API of IoT Core on this machine."""

import importlib
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from iot_core.authorizers.rules import AuthorizerDescription
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
        self, kind: str, physical_id: str | None = None, *, request: str | None = None, **properties: object
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


def test_an_endpoint_that_cannot_be_read_fails_the_deployment(
    responses: Responses, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", f"http://127.0.0.1:{port}")
    assert Calls("endpoint_function", responses)("Create") == ("FAILED", {}, "endpoint")
    assert sum(pauses) == 10  # The function has 30 seconds.


def test_deletion_does_not_read_the_endpoint(responses: Responses) -> None:
    assert Calls("endpoint_function", responses)("Delete", "endpoint") == ("SUCCESS", {}, "endpoint")


def test_texts_that_differ_have_different_fingerprints(responses: Responses) -> None:
    fingerprint = Calls("fingerprint_function", responses)
    answers = [fingerprint("Create", Text="one"), fingerprint("Update", "fingerprint", Text="two")]
    assert [answer[1]["Sha256"] for answer in answers] == [sha256(text).hexdigest() for text in (b"one", b"two")]
    assert {(answer[0], answer[2]) for answer in answers} == {("SUCCESS", "fingerprint")}


@dataclass(frozen=True)
class Settings:
    """Requests for the settings of one authorizer, and the authorizer as it is then."""

    service: Service
    call: Calls
    name: str

    def __call__(self, kind: str, **members: object) -> tuple[str, dict[str, str], str]:
        """Sends a request as CloudFormation does, which makes texts of all values."""
        settings = {"status": "ACTIVE", "enableCachingForHttp": "false", "tokenKeyName": "token", **members}
        return self.call(kind, self.name, AuthorizerName=self.name, Settings=settings)

    @property
    def authorizer(self) -> AuthorizerDescription:
        return self.service.do(lambda core: core.authorizers.describe(self.name))


@pytest.fixture
def settings(service: Service, responses: Responses) -> Settings:
    """An authorizer with signing as CloudFormation creates it."""
    keys = {"key-1": pem()}
    service.do(
        lambda core: core.authorizers.create(
            "signed", function_arn=FUNCTION_ARN, token_key_name="token", public_keys=keys
        )
    )
    return Settings(service, Calls("authorizer_settings_function", responses), "signed")


@cache
def pem(number: int = 0) -> str:
    """A public key; another one for each number."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_settings_activate_the_authorizer_and_replace_the_key_that_it_was_created_with(settings: Settings) -> None:
    keys = {"key-1": pem(1), "key-2": pem(1)}
    changed = {"tokenKeyName": "session", "enableCachingForHttp": "true", "tokenSigningPublicKeys": keys}
    assert settings("Create", **changed) == ("SUCCESS", {}, "signed")
    found = settings.authorizer
    assert (found.status, found.token_key_name, found.enable_caching_for_http) == ("ACTIVE", "session", True)
    assert found.public_keys == keys


def test_a_retired_key_is_gone_after_the_update_and_back_after_a_rollback(settings: Settings) -> None:
    both, rest = {"key-1": pem(1), "key-2": pem(2)}, {"key-1": pem(2), "key-2": pem(2)}
    for kind, keys in (("Create", both), ("Update", rest), ("Update", both)):
        settings(kind, tokenSigningPublicKeys=keys)
        assert settings.authorizer.public_keys == keys


def test_deletion_makes_the_authorizer_inactive_so_that_it_can_be_deleted(settings: Settings) -> None:
    settings("Create")
    assert settings("Delete") == ("SUCCESS", {}, "signed")
    settings.service.do(lambda core: core.authorizers.delete("signed"))
    assert settings("Delete") == ("SUCCESS", {}, "signed")  # Deleting settings of no authorizer is no failure.


def test_deletion_keeps_the_id_that_cloudformation_chose_for_a_creation_without_an_answer(
    settings: Settings, responses: Responses
) -> None:
    deleted = settings.call("Delete", "chosen", AuthorizerName="signed", Settings={})
    endpoint = Calls("endpoint_function", responses)("Delete", "chosen")
    assert deleted == endpoint == ("SUCCESS", {}, "chosen")


def test_settings_that_iot_core_refuses_fail_the_deployment_at_once(settings: Settings, pauses: list[float]) -> None:
    assert settings("Update", tokenSigningPublicKeys={"key-1": "no key"})[0] == "FAILED"
    assert settings.authorizer.status == "INACTIVE"
    assert settings.call("Update", "gone", AuthorizerName="gone", Settings={"enableCachingForHttp": "false"})[0] == (
        "FAILED"
    )
    assert pauses == []


@pytest.mark.parametrize(("refusals", "status", "waited"), [(2, "SUCCESS", [1, 2]), (9, "FAILED", [1, 2, 3, 4])])
def test_a_role_that_is_not_known_yet_is_tried_again(
    settings: Settings,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    refusals: int,
    status: str,
    waited: list[float],
) -> None:
    left = [ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateAuthorizer")] * refusals
    client = boto3.client("iot")
    accepted = client.update_authorizer

    def update(**parameters: Any) -> object:  # noqa: ANN401
        if left:
            raise left.pop()
        return accepted(**parameters)

    monkeypatch.setattr(client, "update_authorizer", update)
    monkeypatch.setattr(boto3, "client", lambda name, config: client)
    assert settings("Create")[0] == status
    assert pauses == waited
