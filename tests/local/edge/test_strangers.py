"""One client, unauthorized or flooding, does not delay others."""

from pathlib import Path

import pytest

from iot_core.broker.limits import IOT_CORE
from iot_core.edge import connection
from iot_core.mqtt import Pingreq, Pingresp, Publish, Suback, Subscribe, Subscription, Version, Will
from tests.local.harness.channels import SocketChannel
from tests.local.harness.fixtures import both_versions
from tests.local.harness.function import Event, allow, statement
from tests.local.harness.running import Running, started

FILTERS = tuple(Subscription(f"no/{number}", 0) for number in range(8))
FLOOD = 3000


def test_others_are_served_during_a_flood(running: Running) -> None:
    running.function.answer = lambda _: allow(statement("iot:Connect", "client/*"))
    with running.connected("flood") as flood, running.connected("other") as other:
        flood.send(*(Subscribe(number + 1, FILTERS) for number in range(FLOOD)), Pingreq())
        other.ping()
        assert isinstance(flood.channel, SocketChannel)
        flood.channel.socket.settimeout(0)
        answered = 0
        try:
            while isinstance(flood.next(), Suback):
                answered += 1
        except BlockingIOError:
            pass
        assert answered < FLOOD


def test_a_flood_is_answered_completely_and_in_order(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_TIME_SLICE", 0.0)
    with running.connected() as client:
        client.send(*(Subscribe(number, (Subscription("a", 0),)) for number in range(1, 200)), Pingreq())
        assert [client.expect(Suback).packet_id for _ in range(1, 200)] == list(range(1, 200))
        client.expect(Pingresp)


@both_versions
def test_an_unauthorized_client_cannot_use_up_the_rate_of_a_client_id(folder: Path, version: Version) -> None:
    def answer(event: Event) -> object:
        return allow() if event["protocolData"]["mqtt"]["username"] == "ann" else {"isAuthenticated": False}  # type: ignore[index]

    with started(folder, limits=IOT_CORE) as running:
        running.function.answer = answer
        for _ in range(3):
            with running.client(version) as stranger:
                assert stranger.connect("ann", user_name="mallory").reason_code != 0
        with running.client(version) as client:
            assert client.connect("ann", user_name="ann").reason_code == 0


def test_a_client_that_a_refresh_refuses_publishes_its_will(running: Running) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("will")
        assert client.connect("ann", will=Will("will", b"gone")).reason_code == 0
        running.function.answer = lambda event: allow(isAuthenticated="'clientId': 'ann'" not in str(event))
        running.core.call(running.core.apply_configuration)
        assert client.ends() == []
        assert watcher.expect(Publish).payload == b"gone"


def test_a_clients_long_text_is_cut_in_the_feed(running: Running) -> None:
    with running.client() as client:
        client.connect("x" * 60_000)
        record = running.record("decision", reason="invalid_connect")
        assert max(len(value) for value in record.values() if isinstance(value, str)) <= 257
