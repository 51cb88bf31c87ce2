"""Which authorizer is asked: the one that the client names, or the default one."""

import pytest

from iot_core.mqtt import ConnectReturnCode, ReasonCode, Version
from tests.local.harness.client import Client
from tests.local.harness.running import Running

NAME = "x-amz-customauthorizer-name"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"


def clear_default(running: Running) -> None:
    running.core.call(running.core.authorizers.clear_default)


def put(running: Running, name: str, **fields: object) -> None:
    """Makes another authorizer."""
    settings = {"function_arn": ARN, "signing_disabled": True, "status": "ACTIVE"} | fields
    running.core.call(lambda: running.core.authorizers.create(name, **settings))  # type: ignore[arg-type]


def refused(running: Running, client: Client, user_name: str | None, reason: str) -> None:
    """Sees that a client is refused for a reason, and that the Lambda was not asked."""
    assert client.connect("ann", user_name=user_name).reason_code == ConnectReturnCode.NOT_AUTHORIZED
    assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason=reason, client_id="ann")
    assert running.function.events.empty()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/mqtt", [(NAME, "chat")]),
        ("/mqtt", [("X-Amz-CustomAuthorizer-Name", "chat")]),
        (f"/mqtt?{NAME}=%63hat", []),
    ],
    ids=["header", "header in another case", "query string"],
)
def test_a_websocket_names_its_authorizer(running: Running, path: str, headers: list[tuple[str, str]]) -> None:
    clear_default(running)
    with running.connected(channel=running.web_socket(path=path, headers=headers)):
        running.record("decision", action="connect", allowed=True, authorizer="chat")


@pytest.mark.parametrize("user_name", [f"ann?{NAME}=chat", f"?SDK=x&{NAME}=chat&Version=1"])
def test_a_user_name_names_its_authorizer(running: Running, user_name: str) -> None:
    clear_default(running)
    with running.client() as client:
        assert client.connect(user_name=user_name).reason_code == 0
    running.record("decision", action="connect", allowed=True, authorizer="chat")


def test_without_a_name_the_default_authorizer_is_asked(running: Running) -> None:
    put(running, "other")
    running.core.call(lambda: running.core.authorizers.set_default("other"))
    with running.connected():
        running.record("decision", action="connect", allowed=True, authorizer="other")


def test_a_name_counts_before_the_default_authorizer(running: Running) -> None:
    put(running, "other")
    with running.client() as client:
        assert client.connect(user_name=f"?{NAME}=other").reason_code == 0
    running.record("decision", action="connect", allowed=True, authorizer="other")


@pytest.mark.parametrize("user_name", [None, "ann", f"{NAME}=chat"])
def test_without_a_name_and_without_a_default_authorizer_clients_are_refused(
    running: Running, user_name: str | None
) -> None:
    clear_default(running)
    refused(running, running.client(), user_name, "authorizer_missing")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Chat", "authorizer_not_found"), ("asleep", "authorizer_inactive"), ("elsewhere", "function_not_found")],
)
def test_an_authorizer_that_cannot_be_invoked_refuses_clients(running: Running, name: str, reason: str) -> None:
    put(running, "asleep", status="INACTIVE")
    put(running, "elsewhere", function_arn=f"{ARN}2")
    refused(running, running.client(), f"?{NAME}={name}", reason)


def test_mqtt_5_is_refused_with_its_reason_code(running: Running) -> None:
    clear_default(running)
    with running.client(Version.MQTT_5) as client:
        assert client.connect().reason_code == ReasonCode.NOT_AUTHORIZED
        assert client.ends() == []


def test_an_authorizer_that_becomes_inactive_ends_its_clients_at_their_refresh(running: Running) -> None:
    put(running, "brief")
    with running.client() as client:
        assert client.connect(user_name=f"?{NAME}=brief").reason_code == 0
        running.core.call(lambda: running.core.authorizers.update("brief", status="INACTIVE"))
        running.core.call(running.core.apply_configuration)
        assert client.ends() == []
    running.record("decision", action="refresh", allowed=False, reason="authorizer_inactive")
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR")
