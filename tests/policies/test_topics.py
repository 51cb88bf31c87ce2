"""Topic filters as IoT Core reads them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.topics import TO, as_written, contains, direct_message, lead, matches, split
from tests.policies import reference

topics = st.lists(st.sampled_from(("a", "b", "", "$x")), min_size=1, max_size=5).map("/".join)
filters = st.builds(
    lambda levels, hashed: "/".join([*levels, "#"] if hashed else levels) or "+",
    st.lists(st.sampled_from(("a", "b", "", "$x", "+", "+")), max_size=4),
    st.booleans(),
)
shared = st.one_of(filters, st.builds("$share/{}/{}".format, st.sampled_from(("g", "h")), filters))


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/+/c", "a//c", True),
        ("+/+", "/", True),
        ("#", "a/b/c", True),
        ("a/#", "a/", True),
        ("a/+/#", "a/b/c/d", True),
        ("a/+", "a/$b", True),
        ("$aws/#", "$aws/things", True),
        pytest.param("a/#", "a", False, id="a hash is not for the level above it, unlike in MQTT"),
        pytest.param("a/+/#", "a/b", False, id="a hash needs a level of its own"),
        pytest.param("a/+/c", "a/b/b/c", False, id="a plus does not cross levels"),
        pytest.param("+", "/", False, id="a slash makes two levels"),
        pytest.param("#", "$aws/things", False, id="a leading hash does not reach $"),
        pytest.param("+/things", "$aws/things", False, id="a leading plus does not reach $"),
        pytest.param("a", "A", False, id="case counts"),
        pytest.param("a", "a/", False, id="an empty level is a level"),
    ],
)
def test_a_filter_matches(topic_filter: str, topic: str, expected: bool) -> None:
    """One of each kind: the property below has all others."""
    assert matches(topic_filter, topic) is expected


@given(filters, topics)
def test_matching_agrees_with_the_reference(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic) == reference.topic_matches(topic_filter, topic)


SMALL = ["/".join(levels) for depth in (1, 2, 3) for levels in product(("a", "", "$x", "\u2603"), repeat=depth)]


@given(shared, shared)
def test_containing_agrees_with_the_reference_and_is_matching_all_that_the_other_does(outer: str, inner: str) -> None:
    found = contains(split(outer), split(inner))
    assert found == reference.filter_within(outer, inner)
    assert contains(split(outer), split(outer))
    if found and not outer.startswith("$share/"):
        assert all(matches(outer, topic) for topic in SMALL if matches(inner, topic))


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("#", "$share/g/a"), ("$share/g/#", "$share/h/a"), ("$share/g/#", "$share/g/$aws/things")],
)
def test_a_shared_filter_is_only_within_one_of_its_name_and_not_across_dollar(outer: str, inner: str) -> None:
    assert not contains(split(outer), split(inner))


@pytest.mark.parametrize(("topic_filter", "index"), [("$share/g/a/b", 2), ("a/b/c", 0)])
def test_the_topics_of_a_shared_filter_begin_after_its_name(topic_filter: str, index: int) -> None:
    assert lead(split(topic_filter)) == index


words = st.text("ab /", min_size=1)


@given(words, words)
def test_a_direct_message_as_written_is_read_again_also_with_spaces(client_id: str, topic: str) -> None:
    assert direct_message(as_written(f"{client_id}{TO}{topic}")) == f"{client_id}{TO}{topic}"
    assert (TO in as_written(f"{client_id}{TO}{topic}")) == (" " in client_id)
