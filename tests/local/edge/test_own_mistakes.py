"""An exception in IoT Core itself ends one connection, never authorizes a client, and is logged."""

from collections.abc import Callable

import pytest

from iot_core.authorizers.invocation import Authorization, AuthorizerInvoker
from iot_core.broker.broker import Broker
from iot_core.broker.client import Client as BrokerClient
from iot_core.broker.presence import PresenceEvents
from iot_core.edge.connection import MqttConnection
from iot_core.mqtt import ConnectReturnCode, Publish
from iot_core.permissions import Permissions
from tests.local.harness.client import CONNECT_ANN
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running

pytestmark = both_loops


def breaks(*_: object, **__: object) -> object:
    raise ZeroDivisionError("a mistake")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(AuthorizerInvoker, "invoke"), (Authorization, "evaluator"), (Permissions, "may_connect")],
    ids=["invoker", "evaluator", "permissions"],
)
def test_an_exception_while_authorizing_refuses_the_client(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, owner: type, name: str
) -> None:
    with running.connected("other") as other, running.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, breaks)
            assert client.connect().reason_code == ConnectReturnCode.NOT_AUTHORIZED
            assert client.ends() == []
        detail = "ZeroDivisionError: a mistake"
        running.record("decision", action="connect", allowed=False, reason="iot_core_error", detail=detail)
        other.ping()
        assert "ZeroDivisionError" in caplog.text


def test_an_exception_in_a_refresh_ends_the_connection(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with running.connected() as client:
        monkeypatch.setattr(AuthorizerInvoker, "invoke", breaks)
        running.core.call(running.core.apply_configuration)
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR")


def test_an_exception_after_authorizing_ends_the_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running.connected("other") as other, running.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Broker, "connect", breaks)
            client.channel.send(CONNECT_ANN)
            assert client.ends() == []
        other.ping()
        assert "ZeroDivisionError" in caplog.text
        running.wait_until(lambda: len(list(running.core.connections)) == 1)


def test_an_exception_in_the_middle_of_a_connect_leaves_no_client_behind(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running.connected("other") as other, running.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(PresenceEvents, "connected", breaks)
            client.channel.send(CONNECT_ANN)
            assert client.ends() == []
        clients = running.core.call(lambda: [each.client_id for each in running.core.broker.clients()])
        assert clients == ["other"]
        other.ping()
    running.connected("ann")


def test_an_exception_with_a_packet_ends_the_connection_and_its_session(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running.connected("other") as other, running.connected() as client:
        receive = Broker.receive

        def receive_some(self: Broker, client: BrokerClient, packet: object) -> None:
            if isinstance(packet, Publish):
                raise ZeroDivisionError("a mistake")
            receive(self, client, packet)  # type: ignore[arg-type]

        monkeypatch.setattr(Broker, "receive", receive_some)
        client.send(Publish("a", b""))
        assert client.ends() == []
        running.record("presence", event="disconnected", disconnect_reason="SERVER_ERROR", client_id="ann")
        assert running.core.call(lambda: running.core.broker.session("ann")) is None
        other.ping()
        assert "ZeroDivisionError" in caplog.text


def test_an_exception_while_checking_the_time_of_a_connection_ends_only_this_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running.connected("other") as other, running.connected() as client:
        check_time: Callable[[MqttConnection, float], None] = MqttConnection.check_time

        def check_some(self: MqttConnection, now: float) -> None:
            if self.client is not None and self.client.client_id == "ann":
                raise ZeroDivisionError("a mistake")
            check_time(self, now)

        monkeypatch.setattr(MqttConnection, "check_time", check_some)
        running.pass_time(1)
        assert client.ends() == []
        running.pass_time(100)
        assert other.ends() == []


def test_an_exception_while_checking_the_time_does_not_stop_the_clock(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running.connected() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Broker, "tick", breaks)
            running.wait_until(lambda: "what is due could not be done" in caplog.text)
        running.advance(100)
        assert client.ends() == []
