"""The subscription tree, compared with the matcher of policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.broker.router import Router
from iot_core.broker.topics import split_share
from iot_core.mqtt import Subscription
from iot_policies.topics import matches
from tests.effort import examples

LEVELS = ("a", "b", "", "$x")
topics = st.lists(st.sampled_from(LEVELS), min_size=1, max_size=4).map("/".join)
plain_filters = st.builds(
    lambda levels, hashed: "/".join([*levels, "#"] if hashed else levels),
    st.lists(st.sampled_from((*LEVELS, "+", "+")), min_size=1, max_size=4),
    st.booleans(),
)
shared_filters = st.builds("$share/{}/{}".format, st.sampled_from(("g", "h")), plain_filters)
filters = st.one_of(plain_filters, st.just("#"), shared_filters)
subscribers = st.sampled_from(("ann", "bob", "cat"))
Change = tuple[bool, str, str, int]
"""Whether it is added, to whom, which filter and with which QoS."""
Known = dict[tuple[str, str], Subscription]


def changes_of(pool: list[str]) -> st.SearchStrategy[list[Change]]:
    change = st.tuples(st.booleans(), subscribers, st.sampled_from(pool), st.integers(0, 1))
    return st.lists(change, max_size=30)


changes = st.lists(filters, min_size=1, max_size=5).flatmap(changes_of)


def apply(steps: list[Change]) -> tuple[Router[str], Known]:
    """A router after some subscriptions were added and removed, and what is subscribed then."""
    router: Router[str] = Router()
    known: Known = {}
    for added, subscriber, topic_filter, qos in steps:
        if added:
            known[subscriber, topic_filter] = Subscription(topic_filter, qos)
            router.add(subscriber, known[subscriber, topic_filter])
        else:
            known.pop((subscriber, topic_filter), None)
            router.remove(subscriber, topic_filter)
        router.routes("a/b")  # So that a route that is remembered too long is seen.
    return router, known


@given(steps=changes, topic=topics)
@examples(3)
def test_a_topic_reaches_each_matching_subscriber_once_and_each_matching_group(steps: list[Change], topic: str) -> None:
    """Each subscriber has the highest QoS of its matching filters, and each group all its members."""
    router, known = apply(steps)
    each: dict[str, int] = {}
    expected: dict[str, set[str]] = {}
    for (subscriber, topic_filter), subscription in known.items():
        share, plain = split_share(topic_filter)
        if not matches(plain, topic):
            continue
        if share is None:
            each[subscriber] = max(each.get(subscriber, 0), subscription.qos)
        else:
            expected.setdefault(topic_filter, set()).add(subscriber)
    routes = router.routes(topic)
    assert len(routes.each) == len(each)
    assert {subscriber: subscription.qos for subscriber, subscription in routes.each} == each
    groups = [list(group) for group in routes.groups]
    assert all(len({subscriber for subscriber, _ in group}) == len(group) for group in groups)
    assert {group[0][1].topic_filter: {subscriber for subscriber, _ in group} for group in groups} == expected


@given(steps=changes, other=shared_filters)
def test_a_group_is_found_by_its_filter_and_nothing_is_left_when_all_is_removed(
    steps: list[Change], other: str
) -> None:
    router, known = apply(steps)
    for topic_filter in {other, *(known_filter for _, known_filter in known if known_filter.startswith("$share/"))}:
        expected = [subscriber for subscriber, known_filter in known if known_filter == topic_filter]
        group = router.group(topic_filter)
        assert sorted(subscriber for subscriber, _ in group or ()) == sorted(expected)
        assert (group is None) == (not expected)
    assert router.is_empty() == (not known)
    for subscriber, topic_filter in known:
        router.remove(subscriber, topic_filter)
    assert router.is_empty()


@pytest.mark.parametrize("option", ["no_local", "retain_as_published"])
@pytest.mark.parametrize("values", [(False, False), (False, True), (True, False), (True, True)])
def test_overlapping_filters_are_merged_to_what_lets_more_through(option: str, values: tuple[bool, bool]) -> None:
    router: Router[str] = Router()
    for topic_filter, value in zip(("a", "+"), values, strict=True):
        options = {"no_local": False, "retain_as_published": False, option: value}
        router.add("ann", Subscription(topic_filter, 0, **options))
    ((_, merged),) = router.routes("a").each
    assert getattr(merged, option) is (all(values) if option == "no_local" else any(values))


def test_a_plain_filter_is_not_a_group() -> None:
    router: Router[str] = Router()
    router.add("ann", Subscription("a", 0))
    assert router.group("a") is None


def test_more_topics_than_the_cache_holds_are_found() -> None:
    router: Router[str] = Router()
    router.add("ann", Subscription("a/+", 0))
    for _ in range(2):
        assert all(router.routes(f"a/{number}").each for number in range(5000))
