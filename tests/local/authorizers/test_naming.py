"""Which authorizer is asked: the one that the client names, else the default one."""

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


@pytest.mark.parametrize("name", [NAME, "X-Amz-CustomAuthorizer-Name"])
def test_a_header_names_it(running: Running, name: str) -> None:
    clear_default(running)
    with running.connected(channel=running.web_socket(headers=[(name, "chat")])):
        running.record("decision", action="connect", allowed=True, authorizer="chat")


def test_the_query_string_names_it(running: Running) -> None:
    clear_default(running)
    with running.connected(channel=running.web_socket(path=f"/mqtt?{NAME}=%63hat")):
        running.record("decision", action="connect", allowed=True, authorizer="chat")


@pytest.mark.parametrize("user_name", [f"ann?{NAME}=chat", f"?SDK=x&{NAME}=chat&Version=1"])
def test_the_user_name_names_it(running: Running, user_name: str) -> None:
    clear_default(running)
    with running.client() as client:
        assert client.connect(user_name=user_name).reason_code == 0
    running.record("decision", action="connect", allowed=True, authorizer="chat")


def test_without_a_name_it_is_the_default_one(running: Running) -> None:
    put(running, "other")
    running.core.call(lambda: running.core.authorizers.set_default("other"))
    with running.connected():
        running.record("decision", action="connect", allowed=True, authorizer="other")


def test_a_name_counts_more_than_the_default(running: Running) -> None:
    put(running, "other")
    with running.client() as client:
        assert client.connect(user_name=f"?{NAME}=other").reason_code == 0
    running.record("decision", action="connect", allowed=True, authorizer="other")


@pytest.mark.parametrize("user_name", [None, "ann", f"{NAME}=chat"])
def test_without_a_name_and_a_default_nobody_is_let_in(running: Running, user_name: str | None) -> None:
    clear_default(running)
    refused(running, running.client(), user_name, "authorizer_missing")


def test_an_authorizer_that_does_not_exist_lets_nobody_in(running: Running) -> None:
    refused(running, running.client(), f"?{NAME}=Chat", "authorizer_not_found")


def test_an_inactive_authorizer_lets_nobody_in(running: Running) -> None:
    put(running, "asleep", status="INACTIVE")
    refused(running, running.client(), f"?{NAME}=asleep", "authorizer_inactive")


def test_a_function_that_is_not_here_lets_nobody_in(running: Running) -> None:
    put(running, "elsewhere", function_arn=f"{ARN}2")
    refused(running, running.client(), f"?{NAME}=elsewhere", "function_not_found")


def test_mqtt_5_is_refused_in_its_own_words(running: Running) -> None:
    clear_default(running)
    with running.client(Version.MQTT_5) as client:
        assert client.connect().reason_code == ReasonCode.NOT_AUTHORIZED
        assert client.ends() == []


def test_an_authorizer_that_goes_ends_its_clients_at_their_refresh(running: Running) -> None:
    put(running, "brief")
    with running.client() as client:
        assert client.connect(user_name=f"?{NAME}=brief").reason_code == 0
        running.core.call(lambda: running.core.authorizers.update("brief", status="INACTIVE"))
        running.core.call(running.core.apply_configuration)
        assert client.ends() == []
    running.record("decision", action="refresh", allowed=False, reason="authorizer_inactive")
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR")
