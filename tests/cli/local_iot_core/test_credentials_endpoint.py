"""The credentials endpoint of IoT Core on this machine: from a token to a connection."""

import http.client
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from iot_authorizer_cli.commands.dev.greeting import greeting
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.iam.access_keys import AccessKey
from iot_core.mqtt import ConnectReturnCode
from tests.cli.conftest import fill
from tests.local.harness.client import Client
from tests.local.harness.running import Running
from tests.local.iam.signers import Signer, stranger

REGION = "us-east-1"
PAGE = "https://app.example.com"
CONFIGURATION = 'name = "chat"\npolicy = "policies/chat.toml"\n'
CREDENTIALS = f'\n[credentials]\norigins = ["{PAGE}"]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the ready template for chats, and the endpoint."""
    folder = fill(tmp_path)
    (folder / "authorizer.toml").write_text(CONFIGURATION + CREDENTIALS)
    return folder


def core_of(project: Path, *, in_process: bool = True) -> LocalIotCore:
    limits, data = IOT_CORE.without_throttling(), project / ".iot-authorizer"
    return LocalIotCore(project / "authorizer.toml", folder=data, limits=limits, in_process=in_process)


@pytest.fixture
def chat(project: Path) -> Iterator[Running]:
    with core_of(project) as core, Running.around_core(core) as running:
        yield running


def ask(
    core: LocalIotCore, body: bytes | None = None, method: str = "POST", query: str = "", **headers: str
) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and JSON body of an answer of the endpoint."""
    request = urllib.request.Request(f"{core.url}/credentials{query}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers.items()), json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers.items()), json.loads(error.read())


@pytest.mark.parametrize("path", ["/credentials/", "/topics/a%2F/", "/connections/ann/messages/", "/endpoint/"])
def test_a_path_with_a_slash_more_is_not_redirected(chat: Running, path: str) -> None:
    """As in AWS. A redirect would repeat the query string, which can have a token."""
    with closing(http.client.HTTPConnection("127.0.0.1", chat.core.port)) as connection:
        connection.request("GET", f"{path}?token=secret")
        answer = connection.getresponse()
    assert answer.status in (404, 405)
    assert answer.headers["location"] is None


def credentials(core: LocalIotCore, client_id: str, principal: str = "ann") -> dict[str, str]:
    body = json.dumps({"clientId": client_id}).encode()
    status, _, found = ask(core, body, authorization=f"Bearer {core.token(principal)}")
    assert status == 200
    return dict(found)


def key_of(found: Mapping[str, str]) -> AccessKey:
    return stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])


def signed(running: Running, key: AccessKey) -> Client:
    """A client whose URL is signed with a key."""
    signer = Signer(key, region=REGION, host="localhost", at=time.time())
    return running.client(channel=running.web_socket(path=f"/mqtt?{signer.url()}"))


def test_a_client_gets_keys_for_its_own_topics_and_client_id(chat: Running) -> None:
    found = credentials(chat.core, "ann/phone")
    assert (found["endpoint"], found["region"]) == (chat.core.iot_core.endpoint_address, REGION)
    with signed(chat, key_of(found)) as client:
        assert client.connect("ann/phone").reason_code == 0
        assert [client.subscribe(f"users/{name}/inbox/#") for name in ("ann", "bob")] == [0, 0x80]
    with signed(chat, key_of(found)) as client:
        assert client.connect("ann").reason_code == ConnectReturnCode.NOT_AUTHORIZED


def test_the_feed_tells_who_got_keys_and_who_was_refused(chat: Running) -> None:
    credentials(chat.core, "ann/phone")
    record = chat.record("decision", action="credentials")
    assert (record["allowed"], record["principal"], record["client_id"]) == (True, "ann", "ann/phone")
    assert ask(chat.core)[0] == 401
    record = chat.record("decision", action="credentials", allowed=False)
    assert (record["reason"], record["resource"]) == ("no_credentials", "POST /credentials")


@pytest.mark.slow
def test_each_execution_environment_can_be_a_process(project: Path) -> None:
    with core_of(project, in_process=False) as core:
        assert credentials(core, "ann/phone")["clientId"] == "ann/phone"


def test_a_page_of_an_allowed_origin_may_ask_and_another_may_not(chat: Running) -> None:
    status, headers, _ = ask(chat.core, method="OPTIONS", origin=PAGE)
    assert (status, headers["access-control-allow-origin"]) == (204, PAGE)
    status, headers, body = ask(
        chat.core, origin="https://evil.example", authorization=f"Bearer {chat.core.token('a')}"
    )
    assert (status, body["Code"], headers.get("access-control-allow-origin")) == (403, "origin_not_allowed", None)


def test_a_host_that_is_not_this_server_gets_nothing(chat: Running) -> None:
    with pytest.raises(json.JSONDecodeError):
        ask(chat.core, host="evil.example")


HOSTILE = {
    "bytes": (bytes(range(256)), "POST", 400),
    "too-large": (bytes(2_000_000), "POST", 413),
    "put": (b"{}", "PUT", 405),
    "delete": (None, "DELETE", 405),
    "list": (b"[]", "POST", 400),
}


@pytest.mark.parametrize(("body", "method", "status"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_request_is_answered(chat: Running, body: bytes | None, method: str, status: int) -> None:
    assert ask(chat.core, body, method, authorization=f"Bearer {chat.core.token('ann')}")[0] == status


def test_without_the_table_there_is_no_endpoint_and_a_save_adds_it(chat: Running, project: Path) -> None:
    (project / "authorizer.toml").write_text(CONFIGURATION)
    chat.record("reload", ok=True)
    assert (ask(chat.core)[0], chat.core.credentials_url) == (404, None)
    (project / "authorizer.toml").write_text(CONFIGURATION + CREDENTIALS)
    chat.record("reload", ok=True)
    assert ask(chat.core)[0] == 401


def test_the_file_with_the_key_is_private(chat: Running, project: Path) -> None:
    assert (project / ".iot-authorizer" / "development-sts.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_command_that_dev_prints_works(chat: Running, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    text = greeting(chat.core, project / ".iot-authorizer")
    (command,) = (line for line in text.splitlines() if line.strip().startswith("curl"))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Version"] == 1
    assert f"  keys      {chat.core.credentials_url}\n" in text


@pytest.mark.slow
def test_boto3_takes_the_answer_as_that_of_a_credential_process(
    chat: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{chat.core.credentials_url}?clientId=ann/phone"
    process = f"curl -sS {url} -H 'Authorization: Bearer {chat.core.token('ann')}'"
    (tmp_path / "config").write_text(f'[profile ann]\ncredential_process = sh -c "{process}"\nregion = {REGION}\n')
    _forget_credentials(monkeypatch)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    _publish(boto3.Session(profile_name="ann"), chat.core)


def test_boto3_takes_the_answer_as_that_of_a_container(chat: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_credentials(monkeypatch)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{chat.core.credentials_url}?clientId=ann/phone")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", f"Bearer {chat.core.token('ann')}")
    _publish(boto3.Session(region_name=REGION), chat.core)


def _forget_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _publish(session: boto3.Session, core: LocalIotCore) -> None:
    """Publishes to ann's own topic, and not to that of another user."""
    client = session.client("iot-data", endpoint_url=core.url)
    client.publish(topic="users/ann/outbox", payload=b"hello")
    with pytest.raises(ClientError):
        client.publish(topic="users/bob/outbox", payload=b"hello")
