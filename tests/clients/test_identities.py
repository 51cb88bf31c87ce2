"""Users, locks and revocations, with a real client: Paho against IoT Core on this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.identities.fake_dynamodb import FakeDynamoDb, fake_dynamodb, refusal

PATIENCE = 20.0
"""Seconds within which something must happen; it takes a fraction of one."""
CONFIGURATION = """\
name   = "fleet"
policy = "policy.toml"
table  = "identities"

[passwords]

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
    """Its hours pass in seconds, and it does not count connects."""
    limits = IOT_CORE.without_throttling()
    with LocalIotCore(config, folder=tmp_path / "data", time_scale=300, limits=limits) as core:
        yield core


@pytest.fixture
def table(core: LocalIotCore, tmp_path: Path) -> SqliteTable:
    return SqliteTable(table_path(tmp_path / "data"))


def add(table: SqliteTable, name: str, *passwords: StoredPassword, disabled: bool = False) -> None:
    table.write(to_item(User(name, passwords or (stored(RIGHT),), disabled=disabled)))


def stored(password: str, expires_at: int | None = None) -> StoredPassword:
    return StoredPassword(hash_password(password), expires_at=expires_at)


def verdict(core: LocalIotCore, name: str, password: str, client_id: str | None = None) -> str:
    """`allowed`, or the reason that the feed has."""
    with Client(core, name, password, client_id) as client:
        records = core.call(lambda: [each for each in core.feed.recent() if each.get("action") == "connect"])
        reason = str(records[-1].get("reason", "allowed"))
        assert client.is_connected == (reason == "allowed")
        return reason


def test_the_right_password_is_let_in(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann")
    assert verdict(core, "ann", RIGHT) == "allowed"


def test_a_wrong_password_is_refused(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann")
    assert verdict(core, "ann", WRONG) == Reason.WRONG_PASSWORD


def test_nobody_knows_a_user_that_was_never_added(core: LocalIotCore) -> None:
    assert verdict(core, "bob", RIGHT) == Reason.UNKNOWN_USER


def test_a_disabled_user_is_refused(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann", disabled=True)
    assert verdict(core, "ann", RIGHT) == Reason.USER_DISABLED


def test_who_guesses_is_locked_out(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann")
    for number in range(5):
        verdict(core, "ann", WRONG, f"ann/{number}")
    assert verdict(core, "ann", RIGHT, "ann/5") == Reason.LOCKED


def test_while_a_password_is_rotated_the_old_one_is_good(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann", stored(RIGHT), stored(OLD, expires_at=2**40))
    assert [verdict(core, "ann", password) for password in (RIGHT, OLD)] == ["allowed", "allowed"]


def test_then_only_the_new_one_is(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann", stored(RIGHT), stored(OLD, expires_at=1))
    assert [verdict(core, "ann", password) for password in (RIGHT, OLD)] == ["allowed", Reason.PASSWORD_EXPIRED]


def test_a_session_ends_at_the_refresh_after_its_principal_is_revoked(core: LocalIotCore, table: SqliteTable) -> None:
    add(table, "ann")
    with Client(core, "ann", RIGHT) as client:
        table.write(revocations.to_item(Revocation(Kind.PRINCIPAL, 1, principal="ann")))
        assert client.ended.wait(PATIENCE)


def test_a_damaged_item_lets_nobody_in(core: LocalIotCore, table: SqliteTable) -> None:
    table.write({"id": "user#ann", "passwords": RIGHT})
    assert verdict(core, "ann", RIGHT) == Reason.MALFORMED_ITEM


@contextmanager
def with_dynamodb(config: Path, monkeypatch: pytest.MonkeyPatch, server: FakeDynamoDb) -> Iterator[LocalIotCore]:
    """IoT Core with a table in DynamoDB."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
    with LocalIotCore(config, table="identities") as core:
        yield core


def test_a_table_that_is_too_busy_lets_nobody_in(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_dynamodb() as server, with_dynamodb(config, monkeypatch, server) as core:
        server.answers = [refusal("ProvisionedThroughputExceededException")]
        assert verdict(core, "ann", RIGHT) == Reason.TABLE_UNAVAILABLE


def test_a_table_that_does_not_answer_is_not_waited_for(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Lambda would have 5 seconds; it says itself why it refuses."""
    with fake_dynamodb() as server, with_dynamodb(config, monkeypatch, server) as core:
        server.late = True
        assert verdict(core, "ann", RIGHT) == Reason.TABLE_UNAVAILABLE


def test_a_table_that_is_not_there_lets_nobody_in(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_dynamodb() as server, with_dynamodb(config, monkeypatch, server) as core:
        server.answers = [refusal("ResourceNotFoundException")]
        assert verdict(core, "ann", RIGHT) == Reason.TABLE_UNAVAILABLE
