"""The custom authorizer allows or refuses clients over HTTP."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

import pytest

from iot_core.broker.message import Message
from tests.local.api.conftest import Answer, Send
from tests.local.api.core import Core
from tests.local.api.server import Service
from tests.local.harness.signing_keys import Keys

ANN = {"token": "ann"}


def test_a_client_publishes_what_its_policy_allows(send: Send, service: Service) -> None:
    listener = service.do(lambda core: core.listen("listener", "#"))
    assert send("POST", "/topics/ann/say?qos=1", b"hello", ANN).status == 200
    assert listener.message().payload == b"hello"


def test_a_forbidden_topic_is_403(send: Send, service: Service) -> None:
    listener = service.do(lambda core: core.listen("listener", "#"))
    answer = send("POST", "/topics/bob/say", b"hello", ANN)
    assert answer.error == (403, "ForbiddenException")
    assert listener.received() == []


def test_refused_credentials_are_401_without_the_reason(send: Send) -> None:
    answer = send("POST", "/topics/ann/say", b"hello", {"token": "bob"})
    assert answer.error == (401, "UnauthorizedException")
    assert b"expired" not in answer.body


@pytest.mark.parametrize("token", ["broken", ""])
def test_a_broken_function_is_401_too(send: Send, token: str) -> None:
    assert send("POST", "/topics/ann/say", b"x", {"token": token}).status == 401


def test_a_bearer_token_is_not_a_signature_of_aws(send: Send) -> None:
    assert send("POST", "/topics/ann/say", b"x", {"Authorization": "Bearer AWS4-HMAC-SHA256"}).status == 401


def retain(send: Send, path: str) -> Answer:
    return send("POST", f"/topics/{path}?retain=true", b"x", ANN)


def test_a_retained_message_needs_both_permissions(send: Send) -> None:
    assert [retain(send, path).status for path in ("ann/kept/a", "ann/other")] == [200, 403]


def test_a_message_more_than_the_account_may_retain_is_throttled(send: Send, service: Service) -> None:
    for number in range(service.core.broker.limits.retained_messages):
        service.core.broker.retained.keep(Message(f"other/{number}", b"x"))
    assert retain(send, "ann/kept/a").error == (429, "ThrottlingException")


def test_the_policy_knows_the_source_ip(send: Send) -> None:
    statuses = [send("POST", f"/topics/from/{ip}", b"x", ANN).status for ip in ("127.0.0.1", "127.0.0.2")]
    assert statuses == [200, 403]


def event(service: Service) -> Mapping[str, object]:
    return service.core.events[-1]


@pytest.mark.parametrize(
    ("server_name", "query"), [(None, ""), ("iot.example", "?qos=0&x=%2B&token=ann")], ids=["plain", "all"]
)
def test_the_function_gets_headers_and_if_there_are_any_query_string_and_server_name(
    send: Send, service: Service, server_name: str | None, query: str
) -> None:
    service.core.server_name = server_name
    answer = send("POST", f"/topics/ann/say{query}", b"x", {"X-Client": "curl"} | ({} if query else ANN))
    data = event(service)["protocolData"]
    assert isinstance(data, dict)
    assert (answer.status, event(service)["token"], data["http"]["headers"]["x-client"]) == (200, "ann", "curl")
    assert data["http"].get("queryString", "") == query
    assert event(service)["protocols"] == (["tls", "http"] if server_name else ["http"])
    assert data.get("tls") == ({"serverName": server_name} if server_name else None)


@pytest.mark.parametrize("place", ["header", "query"])
def test_a_client_may_name_its_authorizer(send: Send, service: Service, place: str) -> None:
    key = "x-amz-customauthorizer-name"
    service.do(lambda core: core.authorizers.clear_default())
    path, headers = ("/topics/ann/a", {key: "chat"}) if place == "header" else (f"/topics/ann/a?{key}=chat", {})
    assert send("POST", path, b"x", ANN | headers).status == 200


def no_default(core: Core) -> None:
    core.authorizers.clear_default()


def inactive(core: Core) -> None:
    core.authorizers.update("chat", status="INACTIVE")


@pytest.mark.parametrize("change", [no_default, inactive])
def test_without_an_active_authorizer_all_clients_are_refused(
    send: Send, service: Service, change: Callable[[Core], None]
) -> None:
    service.do(change)
    assert send("POST", "/topics/ann/say", b"x", ANN).status == 401


def signing(keys: Keys) -> dict[str, object]:
    return {"name": "chat", "token_key_name": "token", "public_keys": {"k1": keys[0].pem}}


def test_with_signing_a_valid_signature_is_verified(send: Send, service: Service, keys: Keys) -> None:
    service.do(lambda core: core.put(**signing(keys)))
    signature = quote(keys[0].sign("ann"), safe="")
    answer = send("POST", f"/topics/ann/say?x-amz-customauthorizer-signature={signature}", b"x", ANN)
    assert (answer.status, event(service)["signatureVerified"]) == (200, True)


def test_with_signing_a_wrong_signature_invokes_no_function(send: Send, service: Service, keys: Keys) -> None:
    service.do(lambda core: core.put(**signing(keys)))
    headers = {**ANN, "x-amz-customauthorizer-signature": keys[1].sign("ann")}
    assert send("POST", "/topics/ann/say", b"x", headers).status == 401
    assert service.core.events == []


def test_a_query_string_of_over_4096_characters_is_an_invalid_request(send: Send) -> None:
    answer = send("POST", "/topics/ann/say?x=" + "x" * 4096, b"x", ANN)
    assert answer.error == (400, "InvalidRequestException")
    assert "queryString" in answer.json["message"]


def test_an_invalid_request_invokes_no_function(send: Send, service: Service) -> None:
    send("POST", "/topics/ann/+", b"x", ANN)
    assert service.core.events == []


def last_record(service: Service) -> dict[str, object]:
    """The last record of the feed, without its number and time."""
    record = dict(service.do(lambda core: list(core.feed.recent()))[-1])
    del record["id"], record["time"]
    return record


def test_the_feed_has_what_was_allowed(send: Send, service: Service) -> None:
    send("POST", "/topics/ann/say", b"x", ANN)
    assert last_record(service) == {
        "kind": "decision",
        "action": "http_publish",
        "resource": "ann/say",
        "allowed": True,
        "principal": "ann",
        "source": "header",
        "authorizer": "chat",
        "explanation": ["because of publish ann/say"],
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("ann/kept/x", {"allowed": True, "explanation": ["because of retain ann/kept/x"]}),
        ("ann/other", {"allowed": False, "detail": "iot:RetainPublish"}),
        ("bob/x", {"allowed": False, "explanation": ["because of publish bob/x"]}),
    ],
)
def test_the_feed_explains_a_retained_publish_by_the_missing_permission_or_by_retain(
    send: Send, service: Service, path: str, expected: dict[str, object]
) -> None:
    retain(send, path)
    assert expected.items() <= last_record(service).items()


def test_the_feed_has_the_reason_for_refused_credentials(send: Send, service: Service) -> None:
    send("POST", "/topics/ann/say", b"x", {"token": "bob"})
    assert {"allowed": False, "reason": "expired", "detail": "an hour ago"}.items() <= last_record(service).items()


@pytest.mark.parametrize(
    ("path", "action", "status"),
    [
        ("/retainedMessage/ann/a", "http_get_retained", 404),
        ("/retainedMessage/bob/a", "http_get_retained", 403),
        ("/retainedMessage", "http_list_retained", 200),
    ],
)
def test_reading_retained_messages_needs_permission(
    send: Send, service: Service, path: str, action: str, status: int
) -> None:
    assert send("GET", path, headers=ANN).status == status
    assert (last_record(service)["action"], last_record(service)["allowed"]) == (action, status != 403)


@pytest.mark.parametrize("path", ["/retainedMessage/ann/a", "/retainedMessage"])
def test_reading_retained_messages_needs_credentials(send: Send, path: str) -> None:
    assert send("GET", path).error == (401, "UnauthorizedException")
