"""GetRetainedMessage and ListRetainedMessages, with boto3."""

import json

import pytest

from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.server import Service
from tests.local.api.test_publish import OWNER


def retain(data: Boto, topic: str, payload: bytes = b"x", **members: object) -> None:
    data("publish", topic=topic, payload=payload, retain=True, **members)


def test_a_retained_message_is_read_as_it_was_published(data: Boto) -> None:
    pairs = [{"a": "1"}, {"a": "2"}]
    retain(data, "rooms/ä/topic", b"\x00\xff", qos=1, userProperties=pairs)
    found = data("get_retained_message", topic="rooms/ä/topic")
    assert json.loads(found.pop("userProperties")) == pairs
    del found["ResponseMetadata"]
    assert found == {
        "topic": "rooms/ä/topic",
        "payload": b"\x00\xff",
        "qos": 1,
        "lastModifiedTime": 1_000_000_000,
    }


def test_a_topic_without_a_retained_message_or_with_an_expired_one_is_not_found(data: Boto, service: Service) -> None:
    with refused("ResourceNotFoundException", 404):
        data("get_retained_message", topic="a")
    retain(data, "a", messageExpiry=60)
    service.core.clock.now += 61
    with refused("ResourceNotFoundException", 404):
        data("get_retained_message", topic="a")


def test_retained_messages_are_listed_without_their_payloads(data: Boto) -> None:
    retain(data, "b", b"12345", qos=1)
    retain(data, "a")
    assert data("list_retained_messages")["retainedTopics"] == [
        {"topic": "a", "payloadSize": 1, "qos": 0, "lastModifiedTime": 1_000_000_000},
        {"topic": "b", "payloadSize": 5, "qos": 1, "lastModifiedTime": 1_000_000_000},
    ]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_have_all_topics_once(data: Boto, size: int) -> None:
    topics = ["a", "a/b", "b", "ä", "日本"]
    for topic in topics[::-1]:
        retain(data, topic)
    pages = data.pages("list_retained_messages", PaginationConfig={"PageSize": size})
    assert [one["topic"] for page in pages for one in page["retainedTopics"]] == topics


def test_the_next_page_is_right_if_the_last_topic_of_the_page_is_deleted(data: Boto) -> None:
    for topic in "abc":
        retain(data, topic)
    token = data("list_retained_messages", maxResults=2)["nextToken"]
    retain(data, "b", b"")
    following = data("list_retained_messages", maxResults=2, nextToken=token)
    assert [one["topic"] for one in following["retainedTopics"]] == ["c"]


@pytest.mark.parametrize("query", ["maxResults=0", "maxResults=201", "maxResults=x", "nextToken=%21"])
def test_a_wrong_parameter_is_named(send: Send, query: str) -> None:
    answer = send("GET", f"/retainedMessage?{query}", headers=OWNER)
    assert answer.error == (400, "InvalidRequestException")
    assert query.partition("=")[0] in answer.json["message"]
