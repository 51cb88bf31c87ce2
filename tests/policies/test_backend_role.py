"""The IAM statement of a backend that publishes: it is one Allow, exact unless it is widened."""

import re

import pytest
from hypothesis import given

from iot_policies import InvalidTopics
from iot_policies.backend_role import publish_statement
from iot_policies.packing import Statement
from tests.policies.probes import PREFIX, permitted, topics_of
from tests.policies.templates import topic_filters


def topics_that(statement: Statement, action: str = "iot:Publish") -> frozenset[str]:
    """The probed topics for which a statement of a role allows an action."""
    document = statement.heading.over([PREFIX + resource for resource in statement.resources])
    return permitted([{"Version": "2012-10-17", "Statement": [document]}], action)


@given(topic_filters)
def test_what_is_accepted_allows_exactly_the_topics_of_the_filter(topic_filter: str) -> None:
    try:
        statement = publish_statement([topic_filter])
    except InvalidTopics:
        return
    assert (statement.heading.effect, statement.heading.condition) == ("Allow", None)
    assert topics_that(statement) == topics_of(topic_filter)


@given(topic_filters)
def test_what_is_widened_allows_more_but_reserved_topics_only_if_the_filter_names_them(topic_filter: str) -> None:
    try:
        statement = publish_statement([topic_filter], widen=True)
    except InvalidTopics:
        return
    allowed = topics_that(statement)
    assert statement.heading.effect == "Allow"
    assert topics_of(topic_filter) <= allowed
    assert topic_filter.startswith("$") or not any(topic.startswith("$") for topic in allowed)


@pytest.mark.parametrize("retain", [False, True])
def test_only_with_retain_may_the_backend_retain_messages(retain: bool) -> None:
    statement = publish_statement(["a", "b/#"], retain=retain)
    assert topics_that(statement, "iot:RetainPublish") == (topics_that(statement) if retain else frozenset())


@pytest.mark.parametrize(
    ("topic", "prefix", "resource"),
    [
        ("rooms/lobby/topic", "", "topic/rooms/lobby/topic"),
        ("rooms/lobby/topic", "shop/dev", "topic/shop/dev/rooms/lobby/topic"),
        ("#", "dev", "topic/dev/*"),
        ("$aws/rules/chat_on_say/rooms/lobby", "dev", "topic/$aws/rules/chat_on_say/rooms/lobby"),
    ],
)
def test_the_topic_prefix_is_in_front_of_all_but_reserved_topics(topic: str, prefix: str, resource: str) -> None:
    assert publish_statement([topic], topic_prefix=prefix).resources == (resource,)


@pytest.mark.parametrize(
    ("topic", "widen", "expected"),
    [
        ("rooms/+/topic", False, "such as rooms/a/b/topic"),
        ("rooms/+/topic/#", False, "name each topic, or set widen=True"),
        ("+/topic", True, "begin with a level of text"),
        ("#", False, "begin with a level of text"),
        ("rooms/{claims.rooms}/topic", False, "a backend has no principal and no claims"),
        ("rooms/${Token[TOKEN.12]}/topic", False, "no token may be in a topic"),
        ("rooms/*/topic", True, "write + for one level"),
        ("rooms/lobby?", False, "? is a wildcard of IoT policies"),
        ("$share/group/rooms", False, "only in subscribe"),
        ("rooms/☃", False, "U+00FF"),
        ("", False, "found an empty string"),
        ("a" * 257, False, "is longer than 256 bytes"),
        ("é" * 129 + "/#", False, "is longer than 256 bytes"),
        ("a/b/c/d/e/f/g/h/i", False, "has more than 7 slashes"),
        ("$SYS/alarms", False, "no client can publish there"),
    ],
)
def test_what_one_allow_cannot_say_is_refused_with_advice(topic: str, widen: bool, expected: str) -> None:
    with pytest.raises(InvalidTopics) as refused:
        publish_statement(["rooms/attic/topic", topic], widen=widen)
    assert str(refused.value).startswith(f'"{topic}": ')
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("☃", "U+00FF"), ("a/b/c/d/e/f", "has more than 7 slashes"), ("a" * 240, "is longer than 256 bytes")],
)
def test_a_topic_that_only_its_prefix_makes_impossible_is_refused(prefix: str, expected: str) -> None:
    with pytest.raises(InvalidTopics, match=re.escape(expected)):
        publish_statement(["rooms/lobby/topic"], topic_prefix=prefix)


def test_no_topics_are_refused() -> None:
    with pytest.raises(InvalidTopics, match="expected at least one topic"):
        publish_statement([])
