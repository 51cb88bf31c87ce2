"""What each entry of a template becomes: the resources that it allows, and those that it takes back."""

import pytest

from iot_policies import Deny, Grant, InvalidTopics, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.actions import Action, Effect
from tests.policies.probes import ACCOUNT, PREFIX, REGION
from tests.policies.reference import decide


def resources(effect: Effect, action: Action, *blocks: Grant | Deny) -> set[str]:
    policy = compile_policy(PolicyTemplate.of(blocks), Principal("ann", {"rooms": ["lobby"], "role": "x"}))
    return {
        resource
        for statement in policy.statements
        if statement.heading.effect == effect and action in statement.heading.actions
        for resource in statement.resources
    }


@pytest.mark.parametrize(
    ("entry", "allowed", "denied"),
    [
        ("a/b", {"topic/a/b"}, set()),
        ("a/#", {"topic/a/*"}, set()),
        ("a/+/#", {"topic/a/*/*"}, set()),
        ("a/+/c", {"topic/a/*/c"}, {"topic/a/*/*/c"}),
        ("a/+/+", {"topic/a/*/*"}, {"topic/a/*/*/*"}),
        ("a/+/c/+/e", {"topic/a/*/c/*/e"}, {"topic/a/*/*/c/*/e", "topic/a/*/c/*/*/e"}),
        ("+/a", {"topic/*/a"}, {"topic/*/*/a", "topic/$*/a"}),
        ("#", {"topic/*"}, {"topic/$*"}),
        ("+/#", {"topic/*/*"}, {"topic/$*/*"}),
        ("{principal}/+", {"topic/ann/*"}, {"topic/ann/*/*"}),
    ],
)
def test_publishing_to_a_filter(entry: str, allowed: set[str], denied: set[str]) -> None:
    grant = Grant(publish=(entry,))
    assert (resources("Allow", "iot:Publish", grant), resources("Deny", "iot:Publish", grant)) == (allowed, denied)


@pytest.mark.parametrize(
    ("entry", "allowed", "denied"),
    [
        ("a/#", {"a/*"}, set()),
        ("a/+", {"a/*"}, {"a/*/*", "a/#"}),
        ("a/+/c", {"a/*/c"}, {"a/*/*/c"}),
        ("$share/g/a/#", {"$share/g/a/*"}, set()),
        ("$share/g/+/a", {"$share/g/*/a"}, {"$share/g/*/*/a", "$share/g/$*/a"}),
        ("$share/g/#", {"$share/g/*"}, {"$share/g/$*"}),
    ],
)
def test_subscribing_to_a_filter(entry: str, allowed: set[str], denied: set[str]) -> None:
    grant = Grant(subscribe=(entry,))
    found = tuple(
        {each.removeprefix("topicfilter/") for each in resources(effect, "iot:Subscribe", grant)}
        for effect in ("Allow", "Deny")
    )
    assert found == (allowed, denied)


A = Grant(publish=("a",))


@pytest.mark.parametrize(
    ("effect", "action", "blocks", "expected"),
    [
        pytest.param("Allow", "iot:Receive", [Grant(subscribe=("$share/g/a/#",))], {"topic/a/*"}, id="no share name"),
        pytest.param("Allow", "iot:Publish", [Grant(retain=("a",))], {"topic/a"}, id="retain publishes too"),
        pytest.param("Allow", "iot:RetainPublish", [A], set(), id="publish does not retain"),
        pytest.param(
            "Allow", "iot:Publish", [A, Grant(subscribe=("b",))], {"topic/a"}, id="subscribe does not publish"
        ),
        pytest.param("Deny", "iot:Publish", [A, Deny(retain=("a",))], set(), id="denied retain may publish"),
        pytest.param("Deny", "iot:Publish", [A, Deny(publish=("a/+/b",))], {"topic/a/*/b"}, id="a deny is not exact"),
        pytest.param("Deny", "iot:Publish", [Grant(widen=True, publish=("a/+/c", "a/+/b/#"))], set(), id="widen"),
    ],
)
def test_each_action_of_an_entry(
    effect: Effect, action: Action, blocks: list[Grant | Deny], expected: set[str]
) -> None:
    assert resources(effect, action, *blocks) == expected


@pytest.mark.parametrize("entry", ["#", "+/b/#"])
def test_a_widened_grant_still_does_not_reach_topics_that_start_with_a_dollar(entry: str) -> None:
    policy = compile_policy(PolicyTemplate.of([Grant(widen=True, publish=(entry,))]), Principal("ann"))
    documents = policy.documents(AccountRegion(REGION, ACCOUNT))
    assert not decide(documents, "iot:Publish", f"{PREFIX}topic/$aws/b/c")


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("a/#", "a/b"), ("a/+", "a/b"), ("a/#", "a/+/c"), ("{principal}/#", "{principal}/a/b"), ("rooms/#", "rooms/+/x")],
)
def test_an_entry_within_another_is_dropped(outer: str, inner: str) -> None:
    alone = resources("Allow", "iot:Publish", Grant(publish=(outer,)))
    assert resources("Allow", "iot:Publish", Grant(publish=(inner, outer))) == alone


def test_the_denials_of_a_dropped_entry_are_dropped() -> None:
    assert resources("Deny", "iot:Publish", Grant(publish=("a/+/c", "a/#"))) == set()


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        pytest.param(Grant(when={"role": "y"}, publish=("a/#",)), "a/b", {"topic/a/b"}, id="does not apply"),
        pytest.param(Grant(publish=("{claims.rooms}/#",)), "lobby/b", {"topic/lobby/*"}, id="same value"),
        pytest.param(
            Grant(publish=("{claims.rooms}/#",)), "attic/b", {"topic/lobby/*", "topic/attic/b"}, id="other value"
        ),
    ],
)
def test_an_entry_is_dropped_only_if_another_one_applies_and_contains_it(
    outer: Grant, inner: str, expected: set[str]
) -> None:
    assert resources("Allow", "iot:Publish", outer, Grant(publish=(inner,))) == expected


def test_a_share_name_can_not_be_a_wildcard_of_policies() -> None:
    with pytest.raises(InvalidTopics, match=r"\*"):
        PolicyTemplate.of([Grant(subscribe=("$share/g*/a",))])


def test_receiving_stays_allowed_if_the_share_name_that_would_contain_a_deny_is_missing() -> None:
    grant = Grant(subscribe=("$share/x-{claims.missing}/a/#", "$share/y/a/+/c", "a/b/b/c"))
    try:
        policy = compile_policy(PolicyTemplate.of([grant]), Principal("ann"))
    except InvalidTopics:
        return  # As good: the template is refused when it is loaded.
    documents = policy.documents(AccountRegion(REGION, ACCOUNT))
    assert decide(documents, "iot:Receive", f"{PREFIX}topic/a/b/b/c")


@pytest.mark.parametrize(
    ("cutting", "cut"),
    [
        ("a/+", "a/b/c"),
        ("a/+/c", "a/b/+/c"),
        ("+/a", "$x/a"),
        ("#", "$aws/#"),
        ("a/+/c", "{principal}/x/y/c"),
        ("{principal}/+", "{claims.rooms}/x/y"),
        ("x-{principal}/+", "x-{claims.rooms}/x/y"),
    ],
)
def test_an_entry_whose_deny_would_match_topics_of_another_is_refused(cutting: str, cut: str) -> None:
    with pytest.raises(InvalidTopics, match="needs a denial"):
        PolicyTemplate.of([Grant(publish=(cutting, cut))])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/+", "b/+/c"),
        ("a/+", "a/b"),
        ("a-{principal}/+", "b-{principal}/x/y"),
        ("{principal}-a/+", "{principal}-b/x/y"),
        ("+/a", "+/b/c"),
        ("$x/b", "+/a"),
    ],
)
def test_entries_that_can_not_meet_go_together(one: str, other: str) -> None:
    assert len(PolicyTemplate.of([Grant(publish=(one, other))]).entries) == 2


def test_publish_and_subscribe_entries_never_conflict() -> None:
    assert len(PolicyTemplate.of([Grant(publish=("a/+",), subscribe=("a/b/c",))]).entries) == 2


def test_widening_the_entry_resolves_the_conflict() -> None:
    given = [Grant(widen=True, publish=("a/+",)), Grant(publish=("a/b/c",))]
    assert len(PolicyTemplate.of(given).entries) == 2
