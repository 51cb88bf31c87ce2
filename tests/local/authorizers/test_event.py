"""The event, as IoT Core builds it."""

import pytest

from iot_core.authorizers.event import ConnectionRequest, HttpContext, MqttContext, TlsContext, build_event


def event(request: ConnectionRequest, key: str | None = "token") -> dict[str, object]:
    return build_event(request, token_key_name=key, connection_id="an-id")


def test_what_does_not_apply_is_left_out() -> None:
    assert event(ConnectionRequest(tlsContext=TlsContext(serverName="s"))) == {
        "protocols": ["tls"],
        "protocolData": {"tls": {"serverName": "s"}},
        "connectionMetadata": {"id": "an-id"},
    }


def test_protocols_are_listed_in_the_order_of_their_layers() -> None:
    request = ConnectionRequest(mqttContext=MqttContext(), httpContext=HttpContext(), tlsContext=TlsContext())
    assert event(request)["protocols"] == ["tls", "http", "mqtt"]


@pytest.mark.parametrize(
    "request_",
    [
        ConnectionRequest(httpContext=HttpContext(headers={"TOKEN": "a+b"})),
        ConnectionRequest(httpContext=HttpContext(queryString="?x=1&token=a%2Bb")),
        ConnectionRequest(mqttContext=MqttContext(username="ann?token=a+b&SDK=x")),
        ConnectionRequest(token="a+b"),
    ],
    ids=["header", "query", "user name", "given"],
)
def test_the_token_is_found_under_the_token_key_name(request_: ConnectionRequest) -> None:
    assert (event(request_)["token"], event(request_)["signatureVerified"]) == ("a+b", False)


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        (ConnectionRequest(httpContext=HttpContext(queryString="?x=1&tokn=a")), ": found tokn, did you mean token?"),
        (
            ConnectionRequest(httpContext=HttpContext(headers={"X-Tokens": "a"})),
            ": found X-Tokens, did you mean token?",
        ),
        (ConnectionRequest(mqttContext=MqttContext(username="ann?Token=a")), ": found Token, did you mean token?"),
        (
            ConnectionRequest(mqttContext=MqttContext(username="token=a")),
            ": the user name has it without a ?, expected NAME?token=…",
        ),
        (ConnectionRequest(mqttContext=MqttContext(username="ann?SDK=x&Version=1")), ""),
        (ConnectionRequest(), ""),
    ],
)
def test_a_name_that_may_be_a_typo_is_a_hint(request_: ConnectionRequest, hint: str) -> None:
    assert request_.similar("token") == hint


def test_without_a_token_key_name_there_is_no_token() -> None:
    assert "token" not in event(ConnectionRequest(httpContext=HttpContext(queryString="?token=a")), key=None)


def test_each_connection_has_an_id_of_its_own() -> None:
    ids = {str(build_event(ConnectionRequest(), token_key_name=None)["connectionMetadata"]) for _ in range(2)}
    assert len(ids) == 2
