"""Why something is allowed or not: the deciding entry first."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.account_region import account_region
from iot_policies.explaining import Question, explain
from tests.policies import hostile

TEMPLATE = PolicyTemplate.of(
    [
        Grant(
            name="own",
            connect=("{principal}", "device/{client_id}"),
            publish=("users/{principal}/+", "devices/{client_id}/state"),
            subscribe=("users/{principal}/inbox/#",),
        ),
        Grant(name="rooms", when={"role": "x"}, retain=("rooms/{claims.rooms}/topic",)),
        Grant(name="open", publish=("open/{claims.rooms}",)),
        Deny(name="closed", publish=("users/{principal}/closed",)),
    ]
)
ANN = Principal("ann")


def reasons(question: Question, resource: str, principal: Principal = ANN, client_id: str | None = None) -> str:
    return "; ".join(explain(TEMPLATE, principal, question, resource, client_id).reasons)


@pytest.mark.parametrize(
    ("question", "resource", "allowed", "reason"),
    [
        ("connect", "ann", True, 'by grant "own", connect = "{principal}"'),
        ("connect", "bob", False, 'granted client IDs: "ann" or "device/bob"'),
        ("publish", "users/ann/x", True, 'by grant "own", publish = "users/{principal}/+"'),
        ("publish", "users/ann/x/y", False, "has 3 levels, the topic has 4"),
        ("publish", "users/ann/closed", False, 'by deny "closed", publish = "users/{principal}/closed"'),
        ("publish", "open/lobby", False, "claims.rooms is missing"),
        ("publish", "elsewhere", False, "no entry covers it"),
        ("retain", "users/ann/x", False, "allows it only without RETAIN; list it under retain"),
        ("retain", "users/bob/x", False, 'principal is "ann", the topic needs "bob"; allows it only without RETAIN'),
        ("retain", "users/ann/inbox/x", False, "only allows to subscribe to it; list it under retain"),
        ("subscribe", "users/ann/inbox/+", True, 'by grant "own", subscribe = "users/{principal}/inbox/#"'),
        ("subscribe", "users/+/inbox/+", False, 'the topic filter has + where the entry has "{principal}"'),
        ("receive", "users/ann/inbox/x", True, 'by grant "own", subscribe = "users/{principal}/inbox/#"'),
        ("receive", "users/ann/x", False, "only allows to publish to it; list it under subscribe"),
    ],
)
def test_the_answer_is_the_policys_and_names_the_entry_that_decides(
    question: Question, resource: str, allowed: bool, reason: str
) -> None:
    assert explain(TEMPLATE, ANN, question, resource).allowed is allowed
    found = reasons(question, resource)
    assert found == reason if reason.startswith(("by", "no ")) else reason in found


def test_a_yes_names_an_entry_that_is_filled_with_the_client_id() -> None:
    found = reasons("publish", "devices/phone/state", client_id="phone")
    assert found == 'by grant "own", publish = "devices/{client_id}/state"'


def test_a_connect_is_explained_with_the_client_id_that_it_asks_for() -> None:
    template = PolicyTemplate.of([Grant(connect=("{client_id}",))])
    assert explain(template, ANN, "connect", "phone").reasons == ('by grant[0], connect = "{client_id}"',)


def test_a_no_names_the_grant_whose_condition_is_not_met() -> None:
    found = reasons("retain", "rooms/lobby/topic", Principal("ann", {"rooms": ["lobby"]}))
    assert 'grant "rooms"' in found
    assert "role = x" in found


@pytest.mark.parametrize(("question", "resource"), [("publish", "open/lobby"), ("connect", "ann")])
def test_an_unsafe_value_is_the_only_reason(question: Question, resource: str) -> None:
    found = reasons(question, resource, Principal("ann", {"rooms": "lobby/#"}))
    assert found == 'unsafe_value: claims.rooms cannot be a topic level: it is "lobby/#"'


@pytest.mark.parametrize(
    ("entry", "question", "resource", "text"),
    [
        (
            Grant(publish=("rooms/{claims.rooms}/say",)),
            "publish",
            "rooms/lobby/say",
            'claims.rooms is "Lobby", the topic needs "lobby"',
        ),
        (
            Grant(publish=("r/{claims.many}",)),
            "publish",
            "r/x",
            'claims.many is "a" or "b" or "c" or 2 more, the topic needs "x"',
        ),
        (
            Grant(publish=("r/dev-{principal}",)),
            "publish",
            "r/dev-bob",
            '"dev-{principal}" is "dev-ann", the topic needs "dev-bob"',
        ),
        (
            Grant(publish=("r/{claims.many}/{claims.many}",)),
            "publish",
            "r/a/b",
            "needs the same claims.many at each place",
        ),
        (Grant(publish=("rooms/x",)), "publish", "room/x", 'has "rooms" where the topic has "room"'),
        (Grant(publish=("rooms/x/#",)), "publish", "rooms/x", "has at least 3 levels, the topic has 2"),
        (Grant(publish=("#",)), "publish", "$aws/x", "a leading wildcard does not match topics that start with $"),
        (
            Grant(subscribe=("rooms/lobby/+",)),
            "publish",
            "rooms/lobby/x",
            "only allows to subscribe to it; list it under publish",
        ),
        (
            Grant(retain=("rooms/lobby",)),
            "subscribe",
            "rooms/lobby",
            "only allows to publish to it; list it under subscribe",
        ),
        (Grant(subscribe=("rooms/lobby",)), "subscribe", "#", 'the topic filter has # where the entry has "rooms"'),
        (
            Grant(subscribe=("$share/g/rooms/{principal}",)),
            "receive",
            "rooms/bob",
            'principal is "ann", the topic needs "bob"',
        ),
        (
            Grant(subscribe=("rooms/{principal}",)),
            "subscribe",
            "$share/g/rooms/ann",
            "allows it only without $share/g/ in front: list it with that, too",
        ),
        (
            Grant(subscribe=("rooms/{principal}",)),
            "subscribe",
            "$share/g/rooms/bob",
            "allows it only without $share/g/ in front: list it with that, too; "
            'principal is "ann", the topic filter needs "bob"',
        ),
        (
            Grant(subscribe=("+/{principal}",)),
            "subscribe",
            "$share/g/rooms/ann",
            "allows it only without $share/g/ in front: list it with that, too",
        ),
        (
            Grant(subscribe=("$share/g/rooms/#",)),
            "subscribe",
            "rooms/#",
            "allows it only as a shared subscription, with $share/g/ in front: list it without that, too",
        ),
        (
            Grant(subscribe=("$share/group-1/rooms/#",)),
            "subscribe",
            "$share/group-2/rooms/#",
            'has "group-1" where the topic filter has "group-2"',
        ),
        (
            Grant(subscribe=("$share/g/+/x",)),
            "subscribe",
            "$share/g/$aws/x",
            "a leading wildcard does not match topics that start with $",
        ),
        (
            Grant(subscribe=("$share/g/rooms/{claims.many}/{claims.many}",)),
            "subscribe",
            "rooms/a/b",
            "allows it only as a shared subscription, with $share/g/ in front: list it without that, too; "
            "needs the same claims.many at each place",
        ),
        (Grant(subscribe=("rooms/x",)), "subscribe", "rooms/x/#", "has 2 levels, the topic filter has 3"),
        (Grant(subscribe=("rooms/x",)), "retain", "rooms/x", "only allows to subscribe to it; list it under retain"),
        (Grant(when={"rooms": "lobby"}, publish=("x",)), "publish", "x", 'needs rooms = lobby, but rooms is "Lobby"'),
        (Grant(when={"role": "*"}, connect=("ann",)), "connect", "ann", "needs the claim role, but role is missing"),
        (Grant(connect=("d/{claims.serial}",)), "connect", "d/7", "claims.serial is missing"),
    ],
)
def test_the_nearest_entry_is_named_with_what_it_lacks(
    entry: Grant, question: Question, resource: str, text: str
) -> None:
    template = PolicyTemplate.of([Grant(connect=("always",)), entry])
    principal = Principal("ann", {"rooms": "Lobby", "many": ["a", "b", "c", "d", "e"]})
    first = explain(template, principal, question, resource).reasons[0]
    assert first.startswith("grant[1], ")
    assert first.endswith(f": {text}")


@pytest.mark.parametrize(
    ("question", "resource", "meant"),
    [
        ("publish", "rooms/x", "dev/rooms/x"),
        ("subscribe", "rooms/x", "dev/rooms/x"),
        ("subscribe", "$share/g/rooms/x", "$share/g/dev/rooms/x"),
    ],
)
def test_a_topic_without_the_topic_prefix_gets_advice(question: Question, resource: str, meant: str) -> None:
    template = PolicyTemplate.of([Grant(publish=("rooms/x",), subscribe=("rooms/y",))], topic_prefix="dev")
    assert explain(template, ANN, question, resource).reasons == (
        f"each topic begins with the topic_prefix dev: did you mean {meant}?",
    )


def test_only_the_nearest_entries_are_named() -> None:
    template = PolicyTemplate.of([Grant(publish=("rooms/lobby/say", "rooms/{principal}/say", "rooms/lobby/mute"))])
    found = explain(template, ANN, "publish", "rooms/bob/say").reasons
    assert found == ('grant[0], publish = "rooms/{principal}/say": principal is "ann", the topic needs "bob"',)


def test_a_client_id_whose_will_is_not_granted_is_explained_by_connect_with() -> None:
    template = PolicyTemplate.of([Grant(connect=("ann",), connect_with=("PersistentConnect",))])
    found = explain(template, ANN, "connect", "ann", connect_attributes=frozenset({"LastWill", "PersistentConnect"}))
    assert found.reasons == ('grant[0], connect = "ann": needs LastWill in connect_with, which the CONNECT asks for',)


def test_a_no_is_explained_although_there_are_too_many_values_to_compare() -> None:
    many = {name: [f"{name}{number}" for number in range(30)] for name in "xyz"}
    publish = "a/{claims.x}/{claims.y}/{claims.z}"
    template = PolicyTemplate.of([Grant(when={"role": "admin"}, publish=(publish,)), Grant(connect=("ann",))])
    found = explain(template, Principal("ann", many), "publish", "a/x1/y2/z3")
    assert not found.allowed
    assert "role = admin" in found.reasons[0]


def test_a_missing_claim_is_named_although_the_other_claim_of_its_level_has_too_many_values() -> None:
    template = PolicyTemplate.of([Grant(publish=("{claims.x}-{claims.y}",)), Grant(connect=("ann",))])
    found = explain(template, Principal("ann", {"x": [f"{number}" for number in range(20_000)]}), "publish", "1-2")
    assert "claims.y is missing" in found.reasons[0]


levels = st.sampled_from(("users", "user", "ann", "open", "a", "+", "#", "$aws", "", "lobby"))
resources = st.lists(levels, min_size=1, max_size=4).map("/".join) | hostile.names


@given(
    st.sampled_from(get_args(Question)),
    resources,
    hostile.names,
    st.dictionaries(st.sampled_from(("rooms", "role", "many")), hostile.claims),
)
def test_every_question_has_an_answer_and_a_no_never_names_a_grant_as_its_reason(
    question: Question, resource: str, name: str, claims: dict[str, object]
) -> None:
    found = explain(TEMPLATE, Principal(name, claims), question, resource, "phone")
    assert found.reasons
    assert found.allowed is any(reason.startswith("by grant") for reason in found.reasons)


@pytest.mark.slow
def test_the_length_of_the_regions_name_decides_whether_a_policy_is_too_large() -> None:
    template = PolicyTemplate.of([Grant(publish=("rooms/{claims.rooms}",))])
    principals = [Principal("ann", {"rooms": [f"room-{number}" for number in range(count)]}) for count in range(500)]
    answers = {
        place: [explain(template, principal, "publish", "rooms/room-0", place=place) for principal in principals[1:]]
        for place in (account_region("eu-west-1", "123456789012"), account_region("us-gov-west-1", "123456789012"))
    }
    short, long = ([answer.allowed for answer in found] for found in answers.values())
    between = long.index(False)
    assert short[between]
    assert answers[account_region("us-gov-west-1", "123456789012")][between].reasons[0].startswith("policy_too_large")
