"""What one client does, strangers and floods above all, holds up nobody else."""

import socket
from pathlib import Path

import pytest

from iot_core.broker.limits import IOT_CORE
from iot_core.edge import connection
from iot_core.edge.sniffing import ProtocolSniffer
from iot_core.mqtt import Pingreq, Pingresp, Publish, Suback, Subscribe, Subscription, Version, Will
from tests.local.harness.channels import SocketChannel
from tests.local.harness.function import Event, allow, statement
from tests.local.harness.running import Running, started

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.name)
FILTERS = tuple(Subscription(f"no/{number}", 0) for number in range(8))
FLOOD = 3000


def test_others_have_their_turn_in_the_middle_of_a_flood(running: Running) -> None:
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


def test_a_flood_is_answered_in_its_order_to_its_end(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_TIME_SLICE", 0.0)
    with running.connected() as client:
        client.send(*(Subscribe(number, (Subscription("a", 0),)) for number in range(1, 200)), Pingreq())
        assert [client.expect(Suback).packet_id for _ in range(1, 200)] == list(range(1, 200))
        client.expect(Pingresp)


@VERSIONS
def test_a_stranger_with_a_clients_id_does_not_keep_it_out(folder: Path, version: Version) -> None:
    def answer(event: Event) -> object:
        return allow() if event["protocolData"]["mqtt"]["username"] == "ann" else {"isAuthenticated": False}  # type: ignore[index]

    with started(folder, limits=IOT_CORE) as running:
        running.function.answer = answer
        for _ in range(3):
            with running.client(version) as stranger:
                assert stranger.connect("ann", user_name="mallory").reason_code != 0
        with running.client(version) as client:
            assert client.connect("ann", user_name="ann").reason_code == 0


def test_a_client_that_is_refused_at_a_refresh_leaves_its_will_as_the_guide_says(running: Running) -> None:
    with running.connected("watcher") as watcher, running.client() as client:
        watcher.subscribe("will")
        assert client.connect("ann", will=Will("will", b"gone")).reason_code == 0
        running.function.answer = lambda event: allow(isAuthenticated="'clientId': 'ann'" not in str(event))
        running.core.call(running.core.apply_configuration)
        assert client.ends() == []
        assert watcher.expect(Publish).payload == b"gone"


def test_a_text_of_a_strangers_is_cut_in_the_feed(running: Running) -> None:
    with running.client() as client:
        client.connect("x" * 60_000)
        record = running.record("decision", reason="invalid_connect")
        assert max(len(value) for value in record.values() if isinstance(value, str)) <= 257


def test_the_proxy_is_for_this_machine_alone(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProtocolSniffer, "_is_local", lambda _: False)
    with socket.create_connection(("127.0.0.1", running.core.port)) as client:
        client.sendall(b"CONNECT anywhere:443 HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 403 ")
