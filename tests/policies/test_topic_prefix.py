"""A template below a topic prefix says the same as one whose entries are all written with the prefix."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given

from iot_policies import Deny, Grant, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from iot_policies.explaining import explain
from iot_policies.linter import lint
from tests.policies.probes import (
    ACCOUNT,
    PREFIX,
    REGION,
    filters_within_one,
    messages_of,
    permitted,
    permitted_messages,
    topics_of,
    topics_of_any,
)
from tests.policies.reference import unshared
from tests.policies.templates import Case, cases

ANN = Principal("ann", {})


def below_a(topic_filters: Iterable[str]) -> frozenset[str]:
    """Writes filters with the prefix `a`, except those of reserved topics."""
    return frozenset(
        each if (plain := unshared(each)[1]).startswith("$") else each.removesuffix(plain) + f"a/{plain}"
        for each in topic_filters
    )


@given(cases())
def test_topics_are_allowed_exactly_where_an_entry_with_the_prefix_matches(case: Case) -> None:
    documents = replace(case, topic_prefix="a").documents()
    entries = below_a(case.granted("subscribe"))
    assert permitted(documents, "iot:Publish") == topics_of_any(below_a(case.granted("publish", "retain")))
    assert permitted(documents, "iot:RetainPublish") == topics_of_any(below_a(case.granted("retain")))
    assert permitted(documents, "iot:Receive") == topics_of_any(entries | below_a(case.granted("receive")))
    sent = ((to, below) for to, topic in case.may_send() for below in below_a([topic]))
    assert permitted_messages(documents) == messages_of(sent)
    allowed, within = permitted(documents, "iot:Subscribe"), filters_within_one(entries)
    assert within <= allowed
    for topic_filter in allowed - within:
        together = topics_of_any(each for each in entries if unshared(each)[0] == unshared(topic_filter)[0])
        assert topics_of(topic_filter) <= together, topic_filter


@given(cases(denials=True))
def test_a_deny_wins_below_the_prefix_and_on_the_reserved_topics_that_it_denied_without(case: Case) -> None:
    documents = replace(case, topic_prefix="a").documents()
    denied = below_a(case.denied("publish"))
    reserved = {f"$x/{each}" for each in ("a", "b", "a/b")} if "#" in case.denied("publish") else set()
    assert not permitted(documents, "iot:Publish") & (topics_of_any(denied) | reserved)


def allows(action: str, resource: str, *blocks: Grant | Deny, prefix: str = "dev") -> bool:
    policy = compile_policy(PolicyTemplate.of(blocks, topic_prefix=prefix), ANN, "ann")
    documents = policy.documents(AccountRegion(REGION, ACCOUNT))
    return Evaluator(documents, Connection(client_id="ann")).allows(f"iot:{action}", PREFIX + resource)


EVERYTHING = Grant(
    connect=("{principal}",),
    publish=("rooms/+", "$aws/things/{principal}/shadow/update"),
    subscribe=("rooms/#", "$share/group/jobs/+"),
)


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("Publish", "topic/dev/rooms/lobby", True),
        ("Publish", "topic/rooms/lobby", False),
        ("Publish", "topic/dev/rooms/lobby/deep", False),
        ("Publish", "topic/device/rooms/lobby", False),
        ("Subscribe", "topicfilter/dev/rooms/#", True),
        ("Subscribe", "topicfilter/dev/#", False),
        ("Receive", "topic/dev/jobs/1", True),
        ("Subscribe", "topicfilter/$share/group/dev/jobs/1", True),
        ("Subscribe", "topicfilter/dev/$share/group/jobs/1", False),
        ("Subscribe", "topicfilter/$share/group/jobs/1", False),
        ("Publish", "topic/$aws/things/ann/shadow/update", True),
        ("Publish", "topic/dev/$aws/things/ann/shadow/update", False),
        ("Connect", "client/ann", True),
        ("Connect", "client/dev/ann", False),
    ],
)
def test_topics_have_the_prefix_and_client_ids_and_reserved_topics_do_not(
    action: str, resource: str, allowed: bool
) -> None:
    assert allows(action, resource, EVERYTHING) is allowed


@pytest.mark.parametrize("entry", ["#", "+/#", "+/things/ann/shadow/update"])
def test_a_deny_that_begins_with_a_wildcard_denies_reserved_topics_too(entry: str) -> None:
    assert not allows("Publish", "topic/$aws/things/ann/shadow/update", EVERYTHING, Deny(publish=(entry,)))


def test_a_deny_is_not_wider_with_the_prefix_than_without() -> None:
    assert allows("Publish", "topic/dev/secret", Grant(publish=("secret",)), Deny(publish=("+/secret",)))


def test_a_prefix_may_have_several_levels() -> None:
    assert allows("Publish", "topic/shop/dev/rooms/lobby", EVERYTHING, prefix="shop/dev")


@pytest.mark.parametrize(
    "prefix",
    ["/dev", "dev/", "a//b", "dev/+", "#", "de*v", "dev?", "$aws", "d$", "{principal}", "a}", "a\nb", "a/" * 7 + "a"],
)
def test_a_prefix_that_is_not_a_few_plain_levels_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"expected (plain levels such as dev|at most 7 levels)"):
        PolicyTemplate.of([EVERYTHING], topic_prefix=prefix)


@pytest.mark.parametrize(
    ("entry", "message"),
    [("a/b/c/d/e/f/g", "more than 7 slashes"), ("x" * 251, "longer than 256 bytes")],
    ids=["slashes", "bytes"],
)
def test_the_linter_counts_the_prefix(entry: str, message: str) -> None:
    grant = Grant(connect=("{principal}",), publish=(entry,))
    for prefix, expected in (("d", False), ("shop/d", True)):
        found = any(message in each.message for each in lint(PolicyTemplate.of([grant], topic_prefix=prefix)))
        assert found is expected


@pytest.mark.parametrize(
    ("prefix", "text", "message"),
    [
        ("", "#", 'to publish everywhere, such as to "any"'),
        ("dev", "#", 'to publish everywhere below dev/, such as to "dev/any"'),
        ("dev", "+/a", 'whatever the first level is, such as to "dev/any/a"'),
    ],
)
def test_the_linter_finds_a_wildcard_at_the_beginning_of_an_entry_with_and_without_a_prefix(
    prefix: str, text: str, message: str
) -> None:
    template = PolicyTemplate.of([Grant(connect=("{principal}",), publish=(text,))], topic_prefix=prefix)
    assert any(message in each.message for each in lint(template))


def test_an_explanation_names_the_entry_as_it_is_written_and_with_the_prefix() -> None:
    template = PolicyTemplate.of([EVERYTHING], topic_prefix="dev")
    assert explain(template, ANN, "publish", "dev/rooms/lobby").reasons == (
        'by grant[0], publish = "rooms/+" (with topic_prefix: "dev/rooms/+")',
    )
    assert not explain(template, ANN, "publish", "rooms/lobby").allowed
