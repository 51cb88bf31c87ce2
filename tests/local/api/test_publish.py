"""Publish by the account's owner, with boto3 and over plain HTTP."""

import base64

import pytest

from iot_core.mqtt import Properties, Publish
from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.server import Service
from tests.local.broker.peer import Peer

OWNER = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/iotdata/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
}
"""Signed by a long-term key that this machine did not issue, which counts as the owner."""
USER_PROPERTIES = "x-amz-mqtt5-user-properties"


@pytest.fixture
def listener(service: Service) -> Peer:
    """Gets every message."""
    return service.do(lambda core: core.listen("listener", "#"))


@pytest.mark.parametrize(
    ("members", "expected"),
    [({"qos": 1, "payload": b"\x00hello\xff"}, (1, b"\x00hello\xff")), ({}, (0, b""))],
    ids=["all", "QoS 0 and no payload by default"],
)
def test_a_message_reaches_subscribers_without_an_authorizer(
    data: Boto, listener: Peer, service: Service, members: dict[str, object], expected: tuple[int, bytes]
) -> None:
    data("publish", topic="rooms/lobby", **members)
    message = listener.message()
    assert (message.topic, message.qos, message.payload) == ("rooms/lobby", *expected)
    assert service.core.events == []


def test_all_properties_of_mqtt_5_arrive(data: Boto, listener: Peer) -> None:
    data(
        "publish",
        topic="a",
        contentType="application/json",
        responseTopic="answers/ä b",
        messageExpiry=60,
        payloadFormatIndicator="UTF8_DATA",
        correlationData=base64.b64encode(b"\x00\xff").decode(),
        userProperties=[{"deviceName": "älpha"}, {"deviceCnt": "45"}],
    )
    assert listener.message().properties == Properties(
        content_type="application/json",
        response_topic="answers/ä b",
        message_expiry_interval=60,
        payload_format_indicator=1,
        correlation_data=b"\x00\xff",
        user_properties=(("deviceName", "älpha"), ("deviceCnt", "45")),
    )


def published(send: Send, path: str, listener: Peer, headers: dict[str, str] | None = None) -> Publish:
    answer = send("POST", f"/topics/{path}", b"x", OWNER | (headers or {}))
    assert answer.status == 200, answer.body
    return listener.message()


TOPICS = {
    "rooms/lobby": "rooms/lobby",
    "rooms%2Flobby": "rooms/lobby",
    "rooms%2flobby/say": "rooms/lobby/say",
    "a%252Fb": "a%2Fb",
    "a%20b": "a b",
    "%C3%A9": "é",
    "a/": "a/",
    "/a": "/a",
    "a//b": "a//b",
    "a%3Fb": "a?b",
    "a%0Ab": "a\nb",
    "a;b=c": "a;b=c",
    "%24aws/things/x": "$aws/things/x",
}


@pytest.mark.parametrize("path", TOPICS)
def test_a_topic_is_percent_decoded_once(send: Send, service: Service, path: str) -> None:
    listener = service.do(lambda core: core.listen("listener", "#", "$aws/things/#"))
    assert published(send, path, listener).topic == TOPICS[path]


def test_user_properties_may_come_twice_in_one_object(send: Send, listener: Peer) -> None:
    headers = {USER_PROPERTIES: base64.b64encode(b'[{"a":"1","a":"2"}]').decode()}
    assert published(send, "a", listener, headers).properties.user_properties == (("a", "1"), ("a", "2"))


def test_properties_of_over_8_kib_are_an_invalid_request(send: Send) -> None:
    headers = {USER_PROPERTIES: base64.b64encode(b'[{"a":"%s"}]' % (b"x" * 8192)).decode()}
    answer = send("POST", "/topics/a", b"x", OWNER | headers)
    assert answer.error == (400, "InvalidRequestException")
    assert "8192 bytes" in answer.json["message"]


@pytest.mark.parametrize(("text", "retained"), [("true", True), ("TRUE", True), ("false", False)])
def test_retain_is_true_or_false_and_a_message_is_stored_before_the_answer(
    send: Send, service: Service, text: str, retained: bool
) -> None:
    for payload, kept in ((b"x", retained), (b"", False)):
        send("POST", f"/topics/a?retain={text}", payload, OWNER)
        assert (service.do(lambda core: core.broker.retained.get("a")) is not None) is kept
        assert service.do(lambda core: core.broker.storage.changed) is False


def test_the_answer_is_as_the_developer_guide_shows_it(send: Send) -> None:
    answer = send("POST", "/topics/a", b"x", OWNER)
    assert (answer.json["message"], set(answer.json)) == ("OK", {"message", "traceId"})


WRONG = {
    "qos=2": "'qos'",
    "qos=-1": "'qos'",
    "qos=x": "'qos'",
    "qos=": "'qos'",
    "retain=1": "'retain'",
    "messageExpiry=-1": "'messageExpiry'",
    "messageExpiry=4294967296": "'messageExpiry'",
    "messageExpiry=" + "9" * 5000: "'messageExpiry'",
    "responseTopic=a/%2B": "'responseTopic'",
    "responseTopic=" + "r" * 257: "'responseTopic'",
    "contentType=a%00b": "'contentType'",
}


@pytest.mark.parametrize("query", WRONG, ids=[query[:40] for query in WRONG])
def test_a_wrong_parameter_is_named(send: Send, query: str) -> None:
    answer = send("POST", f"/topics/a?{query}", b"x", OWNER)
    assert answer.error == (400, "InvalidRequestException")
    assert WRONG[query] in answer.json["message"]


WRONG_HEADERS = [
    ("x-amz-mqtt5-payload-format-indicator", "TEXT"),
    ("x-amz-mqtt5-correlation-data", "no base64"),
    (USER_PROPERTIES, "no base64"),
    (USER_PROPERTIES, base64.b64encode(b"{").decode()),
    (USER_PROPERTIES, base64.b64encode(b'{"a": "b"}').decode()),
    (USER_PROPERTIES, base64.b64encode(b'[["a", "b"]]').decode()),
    (USER_PROPERTIES, base64.b64encode(b'[{"a": 1}]').decode()),
    (USER_PROPERTIES, base64.b64encode(b'[{"a": {"b": "c"}}]').decode()),
    (USER_PROPERTIES, base64.b64encode(b'[{"a": "\\u0000"}]').decode()),
    (USER_PROPERTIES, base64.b64encode(b'[{"\\ud800": "a"}]').decode()),
    (USER_PROPERTIES, base64.b64encode(b"[" * 20_000).decode()),
]


@pytest.mark.parametrize(("name", "value"), WRONG_HEADERS)
def test_a_wrong_header_is_an_invalid_request(send: Send, name: str, value: str) -> None:
    assert send("POST", "/topics/a", b"x", {**OWNER, name: value}).error == (400, "InvalidRequestException")


WRONG_TOPICS = {"a wildcard": "a/+", "8 slashes": "a/" * 8, "a reserved topic": "$sys/a"}


@pytest.mark.parametrize("topic", WRONG_TOPICS.values(), ids=WRONG_TOPICS)
def test_an_invalid_topic_is_an_invalid_request(data: Boto, topic: str) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        data("publish", topic=topic)
    assert "'topic'" in refusal.message


@pytest.mark.parametrize("path", ["", "%ff", "%C3"])
def test_a_topic_that_is_empty_or_not_utf_8_is_an_invalid_request(send: Send, path: str) -> None:
    assert send("POST", f"/topics/{path}", b"x", OWNER).error == (400, "InvalidRequestException")


def test_a_client_neither_publishes_events_nor_retains_a_message_to_a_reserved_topic(data: Boto) -> None:
    with refused("ForbiddenException", 403):
        data("publish", topic="$aws/events/presence/connected/ann")
    with refused("InvalidRequestException", 400):
        data("publish", topic="$aws/things/x", retain=True, payload=b"x")


def test_a_payload_has_at_most_128_kib(data: Boto, listener: Peer) -> None:
    data("publish", topic="a", payload=b"x" * 131_072)
    assert len(listener.message().payload) == 131_072
    for size in (131_073, 1_000_000):
        with refused("RequestEntityTooLargeException", 413):
            data("publish", topic="a", payload=b"x" * size)


def test_a_topic_is_quoted_as_botocore_quotes_it(data: Boto, listener: Peer) -> None:
    topic = "".join(chr(code) for code in range(1, 127) if chr(code) not in "+#/")
    data("publish", topic=topic)
    assert listener.message().topic == topic
