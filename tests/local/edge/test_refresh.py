"""Refreshes and ends of connections, as the Lambda's answer sets them."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_core.mqtt import Disconnect, Packet, Publish, ReasonCode, Version
from tests.local.harness.channels import PATIENCE
from tests.local.harness.fixtures import both_versions
from tests.local.harness.function import Event, allow, statement
from tests.local.harness.running import Running, started

CONNECT = statement("iot:Connect", "client/*")


def told(version: Version, code: ReasonCode) -> list[Packet]:
    """What a client is told when its connection ends."""
    return [Disconnect(code)] if version == Version.MQTT_5 else []


def raises(_: Event) -> object:
    raise RuntimeError("out of order")


def asked(running: Running) -> Event:
    return running.function.events.get(timeout=PATIENCE)


def test_the_lambda_is_asked_again_after_refresh_after_in_seconds(running: Running) -> None:
    running.function.answer = lambda _: allow(refreshAfterInSeconds=300)
    with running.connected() as client:
        first = asked(running)
        for _ in range(3):
            running.pass_time(299)
            assert running.function.events.empty()
            running.pass_time(1)
            assert asked(running) == first
            running.record("decision", action="refresh", allowed=True, client_id="ann")
            client.ping()


@both_versions
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: {"isAuthenticated": False}, "not_authenticated"),
        (lambda _: allow(principalId="-"), "invalid_answer"),
        (raises, "function_error"),
        (lambda _: allow(statement("iot:Connect", "client/bob")), "connect_not_allowed"),
    ],
    ids=["no", "invalid", "raises", "another client ID"],
)
def test_a_refresh_that_does_not_allow_ends_the_connection(
    running: Running, version: Version, answer: Callable[[Event], object], reason: str
) -> None:
    running.function.answer = lambda _: allow(refreshAfterInSeconds=300)
    with running.connected(version=version) as client:
        running.function.answer = answer
        running.pass_time(300)
        assert client.ends() == told(version, ReasonCode.NOT_AUTHORIZED)
    running.record("decision", action="refresh", allowed=False, reason=reason, client_id="ann")
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR", client_id="ann")


def test_a_refresh_that_hangs_ends_the_connection(folder: Path) -> None:
    release = threading.Event()
    with started(folder, function_timeout=0.3) as running:
        with running.connected() as client:
            running.function.answer = lambda _: release.wait(PATIENCE)
            running.core.call(running.core.apply_configuration)
            assert client.ends() == []
        running.record("decision", action="refresh", allowed=False, reason="function_timeout")
        release.set()


@both_versions
def test_the_connection_ends_after_disconnect_after_in_seconds(running: Running, version: Version) -> None:
    running.function.answer = lambda _: allow(disconnectAfterInSeconds=300, refreshAfterInSeconds=86_400)
    with running.connected(version=version) as client:
        running.pass_time(299)
        client.ping()
        running.pass_time(1)
        assert client.ends() == told(version, ReasonCode.MAXIMUM_CONNECT_TIME)
    running.record("presence", event="disconnected", disconnect_reason="CUSTOMAUTH_TTL_EXPIRATION", client_id="ann")


def test_a_refresh_does_not_postpone_the_end(running: Running) -> None:
    running.function.answer = lambda _: allow(disconnectAfterInSeconds=600, refreshAfterInSeconds=300)
    with running.connected() as client:
        running.pass_time(300)
        running.record("decision", action="refresh", allowed=True)
        client.ping()
        running.pass_time(300)
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="CUSTOMAUTH_TTL_EXPIRATION")


def test_after_a_refresh_the_new_policy_is_enforced(running: Running) -> None:
    running.function.answer = lambda _: allow(CONNECT, statement("iot:Publish", "topic/old"))
    with running.connected() as client:
        client.publish("old", qos=1)
        running.function.answer = lambda _: allow(CONNECT, statement("iot:Publish", "topic/new"))
        running.core.call(running.core.apply_configuration)
        running.record("decision", action="refresh", allowed=True)
        client.publish("new", qos=1)
        client.send(Publish("old", b""))
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="FORBIDDEN_ACCESS")


def test_clients_can_connect_during_the_refreshes_of_many_clients(running: Running) -> None:
    clients = [running.connected(f"client-{number}") for number in range(40)]
    gate = threading.Event()

    def answer(event: Event) -> object:
        if "client-" in str(event):
            gate.wait(PATIENCE)
        return allow()

    running.function.answer = answer
    running.core.call(running.core.apply_configuration)
    running.connected("another").ping()
    gate.set()
    for _ in clients:
        running.record("decision", action="refresh", allowed=True)
    for client in clients:
        client.ping()


def test_the_seconds_of_an_answer_can_pass_faster(folder: Path) -> None:
    with started(folder, time_scale=60) as running:
        running.function.answer = lambda _: allow(disconnectAfterInSeconds=600, refreshAfterInSeconds=300)
        with running.connected() as client:
            running.pass_time(5)
            running.record("decision", action="refresh", allowed=True)
            client.ping()
            running.pass_time(5)
            assert client.ends() == []
