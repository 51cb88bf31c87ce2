"""Guests and users of the identity pool, and credentials of the command line, with the template of a project."""

import base64
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.iam.access_keys import AccessKey
from iot_core.mqtt import ConnectReturnCode
from tests.cli.conftest import fill
from tests.cli.in_process import run_here
from tests.local.harness.client import Client
from tests.local.harness.running import Running
from tests.local.iam.signers import Signer, stranger

REGION = "us-east-1"
CONFIGURATION = 'name = "chat"\npolicy = "policies/chat.toml"\n'
ANONYMOUS = '[anonymous]\nprincipal = "guest"\nclaims = {{ rooms = ["{room}"] }}\n'
CONNECT = '[[grant]]\nconnect = ["{principal}"]\n'
PROVIDER = "urn:iot-authorizer:development"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the ready template for chats."""
    folder = fill(tmp_path)
    (folder / "authorizer.toml").write_text(CONFIGURATION + ANONYMOUS.format(room="lobby"))
    return folder


@pytest.fixture
def chat(project: Path) -> Iterator[Running]:
    with (
        LocalIotCore(
            project / "authorizer.toml", folder=project / ".iot-authorizer", limits=IOT_CORE.without_throttling()
        ) as core,
        Running.around_core(core) as running,
    ):
        yield running


class Cognito:
    """The identity pool, asked by boto3 without credentials."""

    def __init__(self, running: Running) -> None:
        self._client = boto3.client("cognito-identity", REGION, endpoint_url=running.core.url)
        self._pool = running.core.identity_pool_id

    def identity(self, **logins: str) -> str:
        found: str = self._client.get_id(IdentityPoolId=self._pool, Logins=logins)["IdentityId"]
        return found

    def key(self, identity: str, **logins: str) -> AccessKey:
        answer: Any = self._client.get_credentials_for_identity(IdentityId=identity, Logins=logins)
        found = answer["Credentials"]
        return stranger(found["AccessKeyId"], found["SessionToken"], found["SecretKey"])


def signed(running: Running, key: AccessKey) -> Client:
    """A client whose URL is signed with a key."""
    signer = Signer(key, region=REGION, host="localhost", at=time.time())
    return running.client(channel=running.web_socket(path=f"/mqtt?{signer.url()}"))


@pytest.mark.parametrize("is_user", [False, True])
def test_an_identity_may_do_what_the_template_grants_its_id(chat: Running, is_user: bool) -> None:
    cognito = Cognito(chat)
    logins = {PROVIDER: chat.core.token("ann")} if is_user else {}
    identity = cognito.identity(**logins)
    key = cognito.key(identity, **logins)
    with signed(chat, key) as client:
        assert client.connect(identity).reason_code == 0
        assert client.subscribe(f"users/{identity}/inbox/#") == 0
        assert client.subscribe("users/ann/inbox/#") == 0x80
    chat.record("decision", action="subscribe", allowed=False, principal=identity)
    event = chat.record("presence", event="disconnected")
    assert event["client_id"] == identity


@pytest.mark.parametrize(
    ("saved", "ends"),
    [
        (CONNECT, False),
        ('[[grant]]\nconnect = ["x/{principal}"]\n', True),
        ('[[grant]]\nconnect = ["{claims.device}"]\n', True),
    ],
    ids=["less", "another client ID", "no guests"],
)
def test_a_saved_template_takes_effect_for_a_guest_that_is_connected(
    chat: Running, project: Path, saved: str, ends: bool
) -> None:
    cognito = Cognito(chat)
    identity = cognito.identity()
    with signed(chat, cognito.key(identity)) as client:
        assert client.connect(identity).reason_code == 0
        assert client.subscribe(f"users/{identity}/inbox/#") == 0
        (project / "policies" / "chat.toml").write_text(saved)
        if ends:
            assert chat.record("presence", event="disconnected")["client_id"] == identity
        else:
            chat.record("decision", action="refresh", principal=identity)
            assert client.subscribe(f"users/{identity}/inbox/#") == 0x80


def test_an_identity_connects_only_with_its_own_client_id(chat: Running) -> None:
    cognito = Cognito(chat)
    with signed(chat, cognito.key(cognito.identity())) as client:
        assert client.connect(cognito.identity()).reason_code == ConnectReturnCode.NOT_AUTHORIZED
    chat.record("decision", action="connect", reason="connect_not_allowed")


def test_a_token_that_the_authorizer_refuses_gives_no_identity(chat: Running) -> None:
    head, claims, _ = chat.core.token("ann").split(".")
    with pytest.raises(ClientError, match="Invalid login token: bad_signature"):
        Cognito(chat).identity(**{PROVIDER: f"{head}.{claims}.{base64.urlsafe_b64encode(bytes(64)).decode()[:86]}"})
    record = chat.record("decision", action="cognito_identity", allowed=False)
    assert (record["reason"], record["source"]) == ("bad_signature", "authorization")


def test_a_template_that_no_role_can_express_gives_guests_nothing_and_the_feed_says_why(
    chat: Running, project: Path
) -> None:
    (project / "policies" / "chat.toml").write_text('[[grant]]\nconnect = ["{claims.device}"]\n')
    chat.record("reload", ok=True)
    with pytest.raises(ClientError, match="Unauthenticated access is not supported"):
        Cognito(chat).identity()
    record = chat.record("decision", action="cognito_identity", reason="credentials_not_issued")
    assert "guests have no claim device" in record["detail"]


def test_without_anonymous_only_a_login_gives_credentials(chat: Running, project: Path) -> None:
    cognito, logins = Cognito(chat), {PROVIDER: chat.core.token("ann")}
    guest = cognito.identity()
    key = cognito.key(guest)
    (project / "authorizer.toml").write_text(CONFIGURATION)
    chat.record("reload", ok=True)
    for ask in (cognito.identity, partial(cognito.key, guest)):
        with pytest.raises(ClientError, match="Unauthenticated access is not supported"):
            ask()
        assert "no [anonymous]" in chat.record("decision", reason="credentials_not_issued")["detail"]
    with signed(chat, key) as client:
        assert client.connect(guest).reason_code == ConnectReturnCode.NOT_AUTHORIZED
    user = cognito.identity(**logins)
    with signed(chat, cognito.key(user, **logins)) as client:
        assert client.connect(user).reason_code == 0


def test_guests_have_the_claims_of_clients_without_credentials(chat: Running) -> None:
    cognito = Cognito(chat)
    identity = cognito.identity()
    with signed(chat, cognito.key(identity)) as client:
        assert client.connect(identity).reason_code == 0
        assert [client.subscribe(f"rooms/{room}/#") for room in ("lobby", "attic")] == [0, 0x80]


def test_credentials_of_the_command_line_work_with_the_same_data_folder(chat: Running, project: Path) -> None:
    done = run_here(project, "credentials", "--principal", "ann", "--client-id", "ann/phone", "--format", "process")
    found = json.loads(done.stdout)
    key = stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])
    with signed(chat, key) as client:
        assert client.connect("ann/phone").reason_code == 0
        assert [client.subscribe(f"users/{name}/inbox/#") for name in ("ann", "bob")] == [0, 0x80]
    with signed(chat, key) as client:
        assert client.connect("ann").reason_code == ConnectReturnCode.NOT_AUTHORIZED


def test_credentials_of_another_data_folder_are_refused(chat: Running, project: Path) -> None:
    done = run_here(project, "credentials", "--principal", "ann", "--data", "other", "--format", "process")
    found = json.loads(done.stdout)
    key = stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])
    signer = Signer(key, region=REGION, host="localhost", at=time.time())
    response = chat.web_socket(path=f"/mqtt?{signer.url()}").response
    assert response is not None
    assert response.status_code == 403
    chat.record("refused_bytes", reason="access_key_unknown")
