"""Users, locks and revocations, with Paho as the client of IoT Core on this machine."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from iot_authorizer import Reason
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import table_path
from iot_core.broker.limits import IOT_CORE
from iot_identities import revocations
from iot_identities.passwords import hash_password
from iot_identities.revocations import Kind, Revocation
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User, to_item
from tests.clients.connection import PATIENCE
from tests.identities.fake_dynamodb import fake_dynamodb, refusal
from tests.local_aws import made_up_credentials

CONFIGURATION = """\
name   = "fleet"
policy = "policy.toml"
table  = "identities"

[passwords]

[guessing]
lock_after = 5

[revocation]
cache_for = "0s"
"""
TEMPLATE = """\
[session]
refresh_after = "5m"

[[grant]]
connect = ["{principal}", "{principal}/*"]
publish = ["{principal}/out"]
"""
RIGHT, OLD, WRONG = "correct horse", "battery staple", "guess"


class Client:
    """A client with a user name and a password."""

    def __init__(self, core: LocalIotCore, name: str, password: str, client_id: str | None = None) -> None:
        self.ended = threading.Event()
        self.answered = threading.Event()
        self.is_connected = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id or name,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(f"{name}?x-amz-customauthorizer-name=fleet", password)
        self._client.on_connect = self._connected
        self._client.on_disconnect = lambda *_: self.ended.set()
        self._client.connect("127.0.0.1", core.port)
        self._client.loop_start()

    def _connected(
        self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        self.is_connected = not reason.is_failure
        self.answered.set()

    def __enter__(self) -> Self:
        assert self.answered.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text(TEMPLATE)
    path = tmp_path / "authorizer.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def core(config: Path, tmp_path: Path) -> Iterator[LocalIotCore]:
    """An authorizer's five minutes pass in a second, and connects are not limited."""
    limits = IOT_CORE.without_throttling()
    with LocalIotCore(config, folder=tmp_path / "data", time_scale=300, limits=limits) as core:
        yield core


@pytest.fixture
def table(core: LocalIotCore, tmp_path: Path) -> SqliteTable:
    return SqliteTable(table_path(tmp_path / "data"))


def stored(password: str, expires_at: int | None = None) -> StoredPassword:
    return StoredPassword(hash_password(password), expires_at=expires_at)


def rotated(*, expires_at: int) -> User:
    return User("ann", (stored(RIGHT), stored(OLD, expires_at)))


def verdict(core: LocalIotCore, name: str, password: str, client_id: str | None = None) -> str:
    """`allowed`, or the reason that the feed has."""
    with Client(core, name, password, client_id) as client:
        records = core.call(lambda: [each for each in core.feed.recent() if each.get("action") == "connect"])
        reason = str(records[-1].get("reason", "allowed"))
        assert client.is_connected == (reason == "allowed")
        return reason


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        pytest.param(rotated(expires_at=2**40), RIGHT, "allowed", id="new password"),
        pytest.param(rotated(expires_at=2**40), OLD, "allowed", id="old password during a rotation"),
        pytest.param(rotated(expires_at=1), OLD, Reason.PASSWORD_EXPIRED, id="old password after a rotation"),
        pytest.param(User("bob", (stored(RIGHT),)), RIGHT, Reason.UNKNOWN_USER, id="unknown user"),
        pytest.param(User("ann", (stored(RIGHT),), disabled=True), RIGHT, Reason.USER_DISABLED, id="disabled user"),
    ],
)
def test_a_password_is_compared_with_the_stored_user(
    core: LocalIotCore, table: SqliteTable, user: User, password: str, expected: str
) -> None:
    table.write(to_item(user))
    assert verdict(core, "ann", password) == expected


def test_a_client_that_guesses_is_locked(core: LocalIotCore, table: SqliteTable) -> None:
    table.write(to_item(User("ann", (stored(RIGHT),))))
    for number in range(5):
        verdict(core, "ann", WRONG, f"ann/{number}")
    assert verdict(core, "ann", RIGHT, "ann/5") == Reason.LOCKED


def test_a_session_ends_at_the_refresh_after_its_principal_is_revoked(core: LocalIotCore, table: SqliteTable) -> None:
    table.write(to_item(User("ann", (stored(RIGHT),))))
    with Client(core, "ann", RIGHT) as client:
        table.write(revocations.to_item(Revocation(Kind.PRINCIPAL, 1, principal="ann")))
        assert client.ended.wait(PATIENCE)


@pytest.mark.parametrize("failure", ["ProvisionedThroughputExceededException", "ResourceNotFoundException", None])
def test_a_dynamodb_table_that_fails_or_does_not_answer_refuses_all_users(
    config: Path, monkeypatch: pytest.MonkeyPatch, failure: str | None
) -> None:
    """None does not answer. The Lambda would have 5 seconds; it gives up earlier, to say why it refuses."""
    made_up_credentials(monkeypatch)
    with fake_dynamodb() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        with LocalIotCore(config, table="identities") as core:
            server.late = failure is None
            server.answers = [] if failure is None else [refusal(failure)]
            assert verdict(core, "ann", RIGHT) == Reason.TABLE_UNAVAILABLE
