"""What a principal can do, and what is denied within it."""

import pytest
from hypothesis import given

from iot_policies import Deny, Grant, PolicyTemplate, Principal, Send
from iot_policies.account_region import LONGEST_PLACE
from iot_policies.what_can import Abilities, Use, what_can
from tests.policies.probes import filters_within, messages_of, permitted, permitted_messages, topics_of, topics_of_any
from tests.policies.templates import Case, cases

ANN = Principal("ann", {"rooms": ["a", "b"]})


def of(*blocks: Grant | Deny, client_id: str | None = None, topic_prefix: str = "") -> Abilities:
    return what_can(PolicyTemplate.of([*blocks], topic_prefix=topic_prefix), ANN, client_id)


def listed(found: Abilities, use: Use) -> list[str]:
    return [ability.resource for ability in found.by_use[use]]


USES: tuple[tuple[Use, str], ...] = (
    ("publish", "iot:Publish"),
    ("retain", "iot:RetainPublish"),
    ("subscribe", "iot:Receive"),
    ("receive", "iot:Receive"),
    ("read", "iot:GetRetainedMessage"),
)
TO_RECEIVE: tuple[Use, ...] = ("subscribe", "receive")


@given(cases(denials=True))
def test_what_is_listed_is_exactly_what_the_policy_allows(case: Case) -> None:
    documents, found = case.documents(), what_can(case.template(), Principal(case.name, case.claims))
    assert (found.problem is None) is bool(documents)
    published, subscribed = permitted(documents, "iot:Publish"), permitted(documents, "iot:Subscribe")
    for use, action in USES:
        allowed = permitted(documents, action) & (published if use == "retain" else permitted(documents, action))
        abilities = found.by_use[use]
        # A message that a client may receive, but not subscribe to, reaches it no more.
        listed_for = [each for one in (TO_RECEIVE if use in TO_RECEIVE else (use,)) for each in found.by_use[one]]
        of_use = (ability.resource for ability in listed_for if ability.allowed or use in TO_RECEIVE)
        assert allowed <= topics_of_any(of_use)
        for ability in abilities:
            reached = topics_of(ability.resource)
            if not ability.denied:
                assert reached <= allowed
                assert use != "subscribe" or filters_within(ability.resource) <= subscribed
            elif use == "subscribe":
                within = filters_within(ability.resource) & subscribed
                assert ability.allowed or not reached & allowed or not within
            else:
                assert ability.allowed or not reached & allowed
                probed = is_probed(ability.resource) and any(is_probed(part.resource) for part in ability.denied)
                assert not probed or not reached <= allowed


@given(cases(denials=True))
def test_the_direct_messages_that_are_listed_are_exactly_those_that_the_policy_allows(case: Case) -> None:
    allowed = permitted_messages(case.documents())
    found = what_can(case.template(), Principal(case.name, case.claims)).by_use["send"]
    assert allowed <= messages_of(message_of(each.resource) for each in found if each.allowed)
    for ability in found:
        reached = messages_of([message_of(ability.resource)])
        assert reached <= allowed if not ability.denied else ability.allowed or not reached & allowed


def message_of(resource: str) -> tuple[str, str]:
    receiver, _, topic_filter = resource.partition(" ")
    return receiver, topic_filter


def is_probed(topic_filter: str) -> bool:
    """Whether the probes have a topic for each way in which two such filters can meet."""
    levels = topic_filter.split("/")
    return len(levels) < 3 and {*levels} <= {"a", "b", "", "$x", "+", "#"}


@pytest.mark.parametrize(
    ("grant", "use", "resources"),
    [
        (Grant(connect=("{principal}", "{principal}/*")), "connect", ["ann", "ann/*"]),
        (Grant(publish=("r/{claims.rooms}/x",)), "publish", ["r/a/x", "r/b/x"]),
        (Grant(publish=("p",), retain=("q",)), "publish", ["p", "q"]),
        (Grant(publish=("p",), retain=("q",)), "retain", ["q"]),
        (Grant(receive=("p/+",), subscribe=("q",)), "receive", ["p/+"]),
        (Grant(read=("p/{principal}",)), "read", ["p/ann"]),
        (Grant(send=(Send(to="{claims.rooms}", topics=("r/{claims.rooms}",)),)), "send", ["a r/a", "b r/b"]),
        (Grant(subscribe=("$share/g/{principal}/#",)), "subscribe", ["$share/g/ann/#"]),
    ],
)
def test_entries_are_filled_and_listed_by_use(grant: Grant, use: Use, resources: list[str]) -> None:
    assert listed(of(grant), use) == resources


def test_topics_have_the_topic_prefix() -> None:
    assert listed(of(Grant(publish=("{principal}", "$aws/x")), topic_prefix="dev"), "publish") == ["dev/ann", "$aws/x"]


def test_what_lacks_a_value_is_left_out() -> None:
    found = of(Grant(connect=("a",), publish=("a/{claims.x}", "b/{client_id}")))
    assert (listed(found, "publish"), found.left_out) == (
        [],
        [
            'grant[0], publish = "a/{claims.x}": claims.x is missing',
            'grant[0], publish = "b/{client_id}": client_id is missing',
        ],
    )


@pytest.mark.parametrize(
    ("principal", "problem"),
    [
        (Principal("a/b"), 'unsafe_value: principal cannot be a topic level: it is "a/b"'),
        (Principal("ann", {"role": "guest"}), "nothing_granted: no grant applies to this principal"),
        (Principal("ann", {"role": "x", "rooms": [str(each) for each in range(2000)]}), "policy_too_large: "),
    ],
)
def test_a_principal_without_a_policy_can_do_nothing(principal: Principal, problem: str) -> None:
    when = None if principal.name == "a/b" else {"role": "x"}
    template = PolicyTemplate.of([Grant(when=when, connect=("{principal}",), publish=("r/{claims.rooms}/x",))])
    found = what_can(template, principal, "ann", place=LONGEST_PLACE)
    assert (found.problem or "").startswith(problem)
    assert [*map(len, found.by_use.values())] == [0] * 7
    assert found.refuses_client_id


@pytest.mark.parametrize(("client_id", "refused"), [(None, False), ("ann/x", False), ("bob", True)])
def test_it_is_known_whether_the_client_id_is_refused(client_id: str | None, refused: bool) -> None:
    assert of(Grant(connect=("{principal}/*",)), client_id=client_id).refuses_client_id is refused


@pytest.mark.parametrize(
    ("grant", "deny", "parts"),
    [
        (Grant(publish=("a/+",)), Deny(publish=("a/b",)), [("a/b", False)]),
        (Grant(publish=("a/b/c",)), Deny(publish=("a/+",)), [("a/+", True)]),
        (Grant(publish=("$aws/x",)), Deny(publish=("#",)), [("#", True)]),
        (Grant(publish=("a/#",)), Deny(publish=("$aws/#", "b/#", "a")), []),
        (Grant(publish=("+/x",)), Deny(publish=("$aws/x",)), []),
        (Grant(publish=("a",)), Deny(retain=("a",), subscribe=("a",)), []),
        (Grant(publish=("x/{principal}",)), Deny(publish=("x/{claims.rooms}",)), []),
        (Grant(publish=("x/+",)), Deny(publish=("x/{claims.rooms}",)), [("x/a", False), ("x/b", False)]),
        (Grant(publish=("x/y-z",)), Deny(publish=("x/y-{client_id}",)), [("x/y-*", True)]),
    ],
)
def test_the_parts_that_a_deny_takes_away_are_named(grant: Grant, deny: Deny, parts: list[tuple[str, bool]]) -> None:
    (ability,) = of(grant, deny).by_use["publish"]
    assert [(part.resource, part.is_all) for part in ability.denied] == parts
    assert ability.allowed is not any(is_all for _, is_all in parts)


@pytest.mark.parametrize(
    ("use", "deny", "allowed"),
    [
        ("retain", Deny(publish=("a",)), False),
        ("retain", Deny(retain=("a",)), False),
        ("publish", Deny(retain=("a",)), True),
        ("subscribe", Deny(subscribe=("a",)), False),
    ],
)
def test_a_use_is_denied_by_what_denies_one_of_its_actions(use: Use, deny: Deny, allowed: bool) -> None:
    grant = Grant(retain=("a",), subscribe=("$share/g/a",))
    (ability,) = of(grant, deny).by_use[use]
    assert ability.allowed is allowed


@pytest.mark.parametrize(
    ("text", "deny", "parts"),
    [
        ("ann/*", Deny(connect=("ann/x",)), [("ann/x", False, None)]),
        ("ann/*", Deny(connect=("a*",)), [("a*", True, None)]),
        ("ann/*", Deny(connect=("b*", "ann")), []),
        ("ann", Deny(connect=("*",), connect_with=("LastWill",)), [("*", True, ("LastWill",))]),
        ("ann", Deny(connect=("*",), connect_with=("PersistentConnect",)), []),
    ],
)
def test_denied_client_ids_are_named_if_the_grant_allows_what_the_deny_denies(
    text: str, deny: Deny, parts: list[tuple[str, bool, object]]
) -> None:
    (ability,) = of(Grant(connect=(text,), connect_with=("LastWill",)), deny).by_use["connect"]
    assert [(part.resource, part.is_all, part.attributes) for part in ability.denied] == parts
    assert ability.allowed is not any(is_all and attributes is None for _, is_all, attributes in parts)
