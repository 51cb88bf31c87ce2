"""What a template says, and nothing else: the compiled policies against a reference that shares no code with them."""

from dataclasses import replace

from hypothesis import given, settings

from iot_policies import Grant, InvalidTopics, PolicyTemplate
from tests.policies.probes import filters_within_one, permitted, topics_of, topics_of_any
from tests.policies.properties import thorough
from tests.policies.reference import unshared
from tests.policies.templates import Block, Case, cases


@given(cases())
@thorough
def test_publishing_is_allowed_exactly_where_an_entry_matches(case: Case) -> None:
    assert permitted(case.documents(), "iot:Publish") == topics_of_any(case.granted("publish", "retain"))


@given(cases())
@thorough
def test_retaining_is_allowed_exactly_where_a_retain_entry_matches(case: Case) -> None:
    assert permitted(case.documents(), "iot:RetainPublish") == topics_of_any(case.granted("retain"))


@given(cases())
@thorough
def test_receiving_is_allowed_exactly_where_a_subscribe_entry_matches(case: Case) -> None:
    assert permitted(case.documents(), "iot:Receive") == topics_of_any(case.granted("subscribe"))


@given(cases())
@thorough
def test_a_subscription_within_one_entry_is_allowed(case: Case) -> None:
    assert filters_within_one(case.granted("subscribe")) <= permitted(case.documents(), "iot:Subscribe")


@given(cases())
@thorough
def test_no_subscription_reaches_beyond_what_the_entries_match_together(case: Case) -> None:
    entries = case.granted("subscribe")
    for topic_filter in permitted(case.documents(), "iot:Subscribe") - filters_within_one(entries):
        together = topics_of_any(each for each in entries if unshared(each)[0] == unshared(topic_filter)[0])
        assert topics_of(topic_filter) <= together, topic_filter


@given(cases(widen=True))
@thorough
def test_widened_grants_allow_no_publish_less(case: Case) -> None:
    assert topics_of_any(case.granted("publish", "retain")) <= permitted(case.documents(), "iot:Publish")


@given(cases(widen=True))
@thorough
def test_widened_grants_allow_no_subscription_less(case: Case) -> None:
    assert filters_within_one(case.granted("subscribe")) <= permitted(case.documents(), "iot:Subscribe")


@given(cases(denials=True))
@thorough
def test_a_denial_wins_wherever_its_filter_matches(case: Case) -> None:
    assert not permitted(case.documents(), "iot:Publish") & topics_of_any(case.denied("publish"))


@given(cases(denials=True))
@thorough
def test_a_denied_filter_and_all_within_it_can_not_be_subscribed(case: Case) -> None:
    assert not permitted(case.documents(), "iot:Subscribe") & filters_within_one(case.denied("subscribe"))


@given(cases(denials=True))
@thorough
def test_what_a_denied_filter_matches_is_not_received(case: Case) -> None:
    assert not permitted(case.documents(), "iot:Receive") & topics_of_any(case.denied("subscribe"))


@given(cases(denials=True))
@thorough
def test_a_denied_retain_forbids_retaining(case: Case) -> None:
    assert not permitted(case.documents(), "iot:RetainPublish") & topics_of_any(case.denied("retain"))


@given(cases())
@thorough
def test_a_denied_retain_leaves_publishing_alone(case: Case) -> None:
    denied = replace(case, denies=({"retain": ["#", "$x/#"]},))
    assert permitted(denied.documents(), "iot:Publish") == permitted(case.documents(), "iot:Publish")


def test_a_reasonable_share_of_random_templates_is_accepted() -> None:
    tried: list[bool] = []

    @given(cases())
    @settings(parent=thorough, derandomize=True, max_examples=500, database=None)
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
