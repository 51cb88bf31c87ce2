"""500 CONNECTs per second in an account, 1 per second with one client ID (quotas of the message broker)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_core.broker.limits import IOT_CORE
from iot_core.mqtt import ConnectReturnCode, ReasonCode, Version
from tests.local.harness.running import Running, started

VERSIONS = pytest.mark.parametrize(
    ("version", "code"),
    [
        (Version.MQTT_3_1_1, ConnectReturnCode.SERVER_UNAVAILABLE),
        (Version.MQTT_5, ReasonCode.CONNECTION_RATE_EXCEEDED),
    ],
    ids=["MQTT_3_1_1", "MQTT_5"],
)


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """A core with IoT Core's own limits."""
    with started(folder, limits=IOT_CORE) as running:
        yield running


@VERSIONS
def test_a_second_connect_within_a_second_with_one_client_id_is_refused(
    running: Running, version: Version, code: int
) -> None:
    with running.connected("ann", version) as first, running.client(version) as second:
        assert second.connect("ann").reason_code == code
        assert second.ends() == []
        first.ping()
        running.connected("bob", version)
    running.record("decision", action="connect", allowed=False, reason="connect_rate_exceeded", client_id="ann")
    told = running.core.call(lambda: list(running.core.feed.recent()))
    assert [each["allowed"] for each in told if each.get("client_id") == "ann" and each["kind"] == "decision"][:2] == [
        True,
        False,
    ]


def test_after_a_second_a_client_id_can_connect_again(running: Running) -> None:
    with running.connected("ann") as first:
        running.pass_time(1)
        with running.connected("ann") as second:
            assert first.ends() == []
            second.ping()


@VERSIONS
def test_the_501st_connect_within_a_second_is_refused(running: Running, version: Version, code: int) -> None:
    clients = [running.client(version) for _ in range(501)]
    assert [client.connect("").reason_code for client in clients] == [0] * 500 + [code]
    running.pass_time(0.01)
    assert running.client(version).connect("").reason_code == 0


def test_clients_without_an_id_count_only_for_the_account(running: Running) -> None:
    for _ in range(3):
        running.connected("")


def test_an_invalid_connect_does_not_count_for_its_client_id(running: Running) -> None:
    with running.client() as broken:
        broken.connect("x" * 129)
        assert broken.ends() == []
    running.connected("x")


def test_without_throttling_nothing_is_counted(folder: Path) -> None:
    with started(folder) as running:
        for _ in range(5):
            running.connected("ann")
