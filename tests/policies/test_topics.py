"""Topic filters as IoT Core reads them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.topics import contains, lead, matches, split
from tests.policies import reference

topics = st.lists(st.sampled_from(("a", "b", "", "$x")), min_size=1, max_size=5).map("/".join)
filters = st.builds(
    lambda levels, hashed: "/".join([*levels, "#"] if hashed else levels) or "+",
    st.lists(st.sampled_from(("a", "b", "", "$x", "+", "+")), max_size=4),
    st.booleans(),
)
shared = st.one_of(filters, st.builds("$share/{}/{}".format, st.sampled_from(("g", "h")), filters))


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("a/b", "a/b"),
        ("a/+/c", "a/b/c"),
        ("a/+/c", "a//c"),
        ("a/+", "a/"),
        ("+", "a"),
        ("+/+", "/"),
        ("/+", "/a"),
        ("+/a", "/a"),
        ("#", "a"),
        ("#", "/"),
        ("#", "a/b/c"),
        ("a/#", "a/"),
        ("a/#", "a/b"),
        ("a/#", "a/b/c"),
        ("a/+/#", "a/b/c/d"),
        ("a/+/#", "a/b/"),
        ("a/+", "a/$b"),
        ("$aws/#", "$aws/things"),
    ],
)
def test_a_filter_matches(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        pytest.param("a/#", "a", id="a hash is not for the level above it, unlike in MQTT"),
        pytest.param("a/+/#", "a/b", id="a hash needs a level of its own"),
        pytest.param("a/+/c", "a/b/b/c", id="a plus does not cross levels"),
        pytest.param("+", "a/b", id="a plus is one level"),
        pytest.param("+", "/", id="a slash makes two levels"),
        pytest.param("a/+", "a", id="a plus needs a level"),
        pytest.param("#", "$aws/things", id="a leading hash does not reach $"),
        pytest.param("+/things", "$aws/things", id="a leading plus does not reach $"),
        pytest.param("+", "$", id="a leading plus does not reach $ alone"),
        pytest.param("a", "A", id="case counts"),
        pytest.param("a", "a/", id="an empty level is a level"),
    ],
)
def test_a_filter_does_not_match(topic_filter: str, topic: str) -> None:
    assert not matches(topic_filter, topic)


@given(filters, topics)
def test_matching_agrees_with_the_reference(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic) == reference.topic_matches(topic_filter, topic)


@given(shared, shared)
def test_containing_agrees_with_the_reference(outer: str, inner: str) -> None:
    assert contains(split(outer), split(inner)) == reference.filter_within(outer, inner)
    assert contains(split(outer), split(outer))


@given(filters, filters)
def test_one_filter_contains_another_when_it_matches_all_that_the_other_does(outer: str, inner: str) -> None:
    small = ["/".join(levels) for depth in (1, 2, 3) for levels in product(("a", "", "$x", "\u2603"), repeat=depth)]
    if contains(split(outer), split(inner)):
        assert all(matches(outer, topic) for topic in small if matches(inner, topic))


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("#", "$share/g/a"), ("$share/g/#", "$share/h/a"), ("$share/g/#", "$share/g/$aws/things")],
)
def test_a_shared_filter_is_only_within_one_of_its_name_and_not_across_dollar(outer: str, inner: str) -> None:
    assert not contains(split(outer), split(inner))


@pytest.mark.parametrize(("topic_filter", "index"), [("$share/g/a/b", 2), ("a/b/c", 0)])
def test_the_topics_of_a_shared_filter_begin_after_its_name(topic_filter: str, index: int) -> None:
    assert lead(split(topic_filter)) == index
