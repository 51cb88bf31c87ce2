"""AWS's own clients, against a running server."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.local.api.server import Service, running

REGION = "eu-west-1"


@dataclass(frozen=True)
class Answer:
    """An answer over plain HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def error(self) -> tuple[int, str | None]:
        """The status and the type of an error."""
        return self.status, self.headers.get("x-amzn-errortype")


class Refusal:
    """The error that boto3 raised, after the block of `refused`."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}

    @property
    def message(self) -> str:
        """The error's message."""
        return str(self.answer["Error"]["Message"])


@contextmanager
def refused(code: str, status: int) -> Iterator[Refusal]:
    """Expect an error of this type and status from boto3."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    refusal.answer = dict(caught.value.response)
    found = refusal.answer["Error"]["Code"], refusal.answer["ResponseMetadata"]["HTTPStatusCode"]
    assert found == (code, status), refusal.message


class Boto:
    """One of boto3's clients, whose operations are called by name."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    @classmethod
    @contextmanager
    def connected(cls, service: Service, session: boto3.Session, name: str) -> "Iterator[Boto]":
        make = cast("Callable[..., BaseClient]", session.client)
        client = make(name, endpoint_url=service.url)
        try:
            yield cls(client)
        finally:
            client.close()

    def __call__(self, operation: str, **members: object) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._client, operation)(**members)
        return answer

    def pages(self, operation: str, **members: object) -> list[dict[str, Any]]:
        """All pages of an answer."""
        return list(self._client.get_paginator(operation).paginate(**members))


Send = Callable[..., Answer]
Aws = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def server() -> Iterator[Service]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def boto(server: Service) -> Iterator[dict[str, Boto]]:
    """Boto3's clients, made once: that takes longer than most tests."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)
    with Boto.connected(server, session, "iot") as iot, Boto.connected(server, session, "iot-data") as data:
        yield {"iot": iot, "iot-data": data}


@pytest.fixture
def service(server: Service, tmp_path: Path) -> Iterator[Service]:
    """The server with a core of its own."""
    server.begin(tmp_path / "data")
    yield server
    server.end()


@pytest.fixture
def iot(service: Service, boto: dict[str, Boto]) -> Boto:
    """The control plane."""
    return boto["iot"]


@pytest.fixture
def data(service: Service, boto: dict[str, Boto]) -> Boto:
    """The data plane."""
    return boto["iot-data"]


@pytest.fixture
def send(service: Service) -> Send:
    """Send one plain HTTP request, without a signature."""

    def send(
        method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return answer(connection.getresponse())
        finally:
            connection.close()

    return send


def answer(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@pytest.fixture
def aws(service: Service, tmp_path: Path) -> Aws:
    """Run the `aws` CLI with made-up credentials."""

    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "aws"), *arguments, "--endpoint-url", service.url]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_DEFAULT_OUTPUT": "json",
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)

    return aws
