"""Claims that a service changes reach clients that are connected: at their refresh, or when they connect again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest

from iot_authorizer.user_claims import UserClaims
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import table_path
from iot_core.broker.limits import IOT_CORE
from iot_policies import PolicyTemplate
from tests.clock import Clock
from tests.local.harness.client import Client
from tests.local.harness.function import Function
from tests.local.harness.running import Running

CONFIGURATION = """
name = "chat"
policy = "policy.toml"
table = "identities"

[[jwt]]
issuer = "https://auth.example.com/"
audience = ["chat"]
algorithms = ["RS256"]
jwks = "https://auth.example.com/keys"
stored_claims = true

[revocation]
cache_for = "0s"
"""
POLICY = """
session = { refresh_after = "5m" }

[[grant]]
connect = ["{principal}"]

[[grant]]
when = { rooms = "*" }
subscribe = ["rooms/{claims.rooms}"]
"""
REFUSED = 0x80


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "policy.toml").write_text(POLICY)
    clock = Clock(1000)
    core = LocalIotCore(
        tmp_path / "authorizer.toml", folder=tmp_path / "data", limits=IOT_CORE.without_throttling(), clock=clock
    )
    with core, ExitStack() as channels:
        UserClaims(table_path(tmp_path / "data"), None).replace("ann", {"rooms": ["lobby"]}, add_missing=True)
        yield Running(core, Function(), clock, channels)


@pytest.fixture
def users(running: Running, tmp_path: Path) -> UserClaims:
    """What a service has."""
    return UserClaims(table_path(tmp_path / "data"), PolicyTemplate.load(tmp_path / "policy.toml"))


def connected(running: Running) -> Client:
    client = running.client()
    token = running.core.token("ann")
    assert client.connect("ann", user_name=f"?x-amz-customauthorizer-name=chat&access_token={token}").reason_code == 0
    return client


def rooms(client: Client) -> list[str]:
    """The rooms that a client may subscribe to."""
    return [room for room in ("lobby", "attic") if client.subscribe(f"rooms/{room}") != REFUSED]


def test_a_connected_client_has_the_new_claims_after_its_refresh(running: Running, users: UserClaims) -> None:
    with connected(running) as client:
        users.replace("ann", {"rooms": ["attic"]})
        running.pass_time(299)
        assert rooms(client) == ["lobby"]
        running.pass_time(1)
        running.record("decision", action="refresh", allowed=True)
        assert rooms(client) == ["attic"]


def test_a_client_that_is_disconnected_has_the_new_claims_when_it_connects_again(
    running: Running, users: UserClaims
) -> None:
    owner = running.core.iot_core.access_keys.owner
    session = boto3.Session(owner.key_id, owner.secret, region_name=running.core.place.region)
    backend = session.client("iot-data", endpoint_url=running.core.url)
    with connected(running) as client:
        users.replace("ann", {"rooms": ["attic"]})
        backend.delete_connection(clientId="ann")
        client.ends()
    with connected(running) as client:
        assert rooms(client) == ["attic"]
    with pytest.raises(backend.exceptions.ResourceNotFoundException):
        backend.delete_connection(clientId="bob")
