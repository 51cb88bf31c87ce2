"""A policy allows what its template says and nothing else, checked against a reference that shares no code with it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from iot_policies import Grant, InvalidTopics, PolicyTemplate
from tests.policies.probes import (
    filters_within_one,
    messages_of,
    permitted,
    permitted_messages,
    topics_of,
    topics_of_any,
)
from tests.policies.reference import unshared
from tests.policies.templates import Block, Case, cases


@given(cases())
def test_topics_are_allowed_exactly_where_an_entry_matches_and_filters_within_one_but_never_beyond_all_together(
    case: Case,
) -> None:
    documents, entries = case.documents(), case.granted("subscribe")
    assert permitted(documents, "iot:GetRetainedMessage") == topics_of_any(case.granted("read"))
    assert permitted(documents, "iot:Publish") == topics_of_any(case.granted("publish", "retain"))
    assert permitted(documents, "iot:RetainPublish") == topics_of_any(case.granted("retain"))
    assert permitted(documents, "iot:Receive") == topics_of_any(case.granted("subscribe", "receive"))
    without_retain = replace(case, denies=({"retain": ["#", "$x/#"]},))
    assert permitted(without_retain.documents(), "iot:Publish") == permitted(documents, "iot:Publish")
    allowed, within = permitted(documents, "iot:Subscribe"), filters_within_one(entries)
    assert within <= allowed
    for topic_filter in allowed - within:
        together = topics_of_any(each for each in entries if unshared(each)[0] == unshared(topic_filter)[0])
        assert topics_of(topic_filter) <= together, topic_filter


@given(cases())
def test_direct_messages_are_allowed_exactly_where_receiver_and_topic_match_one_entry_with_the_same_values(
    case: Case,
) -> None:
    assert permitted_messages(case.documents()) == messages_of(case.may_send())


@given(cases(widen=True))
def test_widened_grants_allow_all_that_their_entries_match(case: Case) -> None:
    documents = case.documents()
    assert topics_of_any(case.granted("publish", "retain")) <= permitted(documents, "iot:Publish")
    assert filters_within_one(case.granted("subscribe")) <= permitted(documents, "iot:Subscribe")


@given(cases(denials=True))
def test_a_deny_wins_wherever_its_filter_matches(case: Case) -> None:
    documents = case.documents()
    assert not permitted(documents, "iot:Publish") & topics_of_any(case.denied("publish"))
    assert not permitted(documents, "iot:RetainPublish") & topics_of_any(case.denied("retain"))
    assert not permitted(documents, "iot:Receive") & topics_of_any(case.denied("subscribe", "receive"))
    assert not permitted(documents, "iot:GetRetainedMessage") & topics_of_any(case.denied("read"))
    assert not permitted_messages(documents) & messages_of(case.must_not_send())
    assert not permitted(documents, "iot:Subscribe") & filters_within_one(case.denied("subscribe"))


@pytest.mark.slow
def test_a_reasonable_share_of_random_templates_is_accepted() -> None:
    tried: list[bool] = []

    @given(cases())
    @settings(derandomize=True, max_examples=200, database=None)
    def count(case: Case) -> None:
        tried.append(_is_accepted(case.grants))

    count()
    assert sum(tried) > len(tried) / 2


def _is_accepted(grants: tuple[Block, ...]) -> bool:
    try:
        PolicyTemplate.of(tuple(map(Grant.model_validate, grants)))
    except InvalidTopics:
        return False
    return True
