"""Who can do something: the conditions agree with compiled policies, for random templates and for the ready ones."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.explaining import ACTIONS, Question, explain
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.who_can import Way, WhoCan, who_can
from tests import READY
from tests.policies.probes import FILTERS, TOPICS, permitted
from tests.policies.templates import Case, cases

QUESTIONS: Mapping[Question, tuple[str, ...]] = {
    "publish": TOPICS,
    "retain": TOPICS,
    "receive": TOPICS,
    "subscribe": FILTERS,
}


def holds(way: Way, case: Case) -> bool:
    """Whether the conditions and values of a way hold for a principal, read without the package."""
    when = way.entry.block.when or {}
    block = {"when": {name: [*wanted] if isinstance(wanted, tuple) else wanted for name, wanted in when.items()}}
    values = {"principal": [case.name]} | {f"claims.{name}": strings(value) for name, value in case.claims.items()}
    return case.applies(block) and all(text in values.get(name, []) for name, text in way.values)


def strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


@given(cases(denials=True), st.data())
def test_the_conditions_hold_exactly_for_those_whose_policy_allows_it(case: Case, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(QUESTIONS)))
    asked = data.draw(st.sampled_from(QUESTIONS[question]))
    found = who_can(case.template(), question, asked)
    documents = case.documents()
    allowed = all(asked in permitted(documents, action) for action in ACTIONS[question])
    by_conditions = any(holds(way, case) for way in found.ways) and not any(holds(way, case) for way in found.denials)
    assert by_conditions == allowed
    assert (found.grantee(Principal(case.name, case.claims)) is not None) == allowed
    assert not allowed or found.example() is not None


@given(cases(denials=True), st.data())
def test_the_example_can_do_it(case: Case, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(QUESTIONS)))
    found = who_can(case.template(), question, data.draw(st.sampled_from(QUESTIONS[question])))
    example = found.example()
    assert example is None or explain(case.template(), example, question, found.resource).allowed


def of(*blocks: Grant | Deny, topic_prefix: str = "") -> PolicyTemplate:
    return PolicyTemplate.of(blocks, topic_prefix=topic_prefix)


def values(found: WhoCan) -> list[dict[str, str]]:
    return [dict(way.values) for way in found.ways]


@pytest.mark.parametrize(
    ("entry", "topic", "expected"),
    [
        (
            "a/{claims.x}-{principal}",
            "a/b-c-d",
            [{"claims.x": "b", "principal": "c-d"}, {"claims.x": "b-c", "principal": "d"}],
        ),
        ("a/{claims.x}/{claims.x}", "a/b/c", []),
        ("a/{claims.x}/{claims.x}", "a/b/b", [{"claims.x": "b"}]),
        ("a/{claims.x}/#", "a/b/c/d", [{"claims.x": "b"}]),
        ("a/{claims.x}", "a/", []),
        ("a/{claims.x}", "a/ b", []),
        ("+/{principal}", "$x/b", []),
    ],
)
def test_each_way_to_fill_the_placeholders_is_found(entry: str, topic: str, expected: list[dict[str, str]]) -> None:
    found = values(who_can(of(Grant(publish=(entry,))), "publish", topic))
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_a_topic_prefix_is_in_front_of_the_topic() -> None:
    template = of(Grant(publish=("a/{principal}", "$aws/{principal}")), topic_prefix="dev")
    assert values(who_can(template, "publish", "dev/a/ann")) == [{"principal": "ann"}]
    assert values(who_can(template, "publish", "a/ann")) == []
    assert values(who_can(template, "publish", "$aws/ann")) == [{"principal": "ann"}]


def test_a_deny_that_always_holds_with_a_grant_leaves_no_one() -> None:
    grant = Grant(publish=("a",), when={"role": "x"})
    assert who_can(of(grant, Deny(publish=("#",), when={"role": "X"})), "publish", "a").example() is None
    other = who_can(of(grant, Deny(publish=("#",), when={"role": "y"})), "publish", "a").example()
    assert other == Principal("ann", {"role": "x"})


def test_the_asked_client_id_fills_its_placeholder() -> None:
    template = of(Grant(connect=("{client_id}", "{principal}/*")))
    assert values(who_can(template, "connect", "phone")) == [{}]
    assert values(who_can(template, "connect", "ann/phone")) == [{"principal": "ann"}]
    assert values(who_can(of(Grant(connect=("a-{client_id}",))), "connect", "a-b")) == []


def test_a_topic_with_a_client_id_needs_a_client_that_may_have_it() -> None:
    own = who_can(of(Grant(connect=("{principal}",), publish=("a/{client_id}",))), "publish", "a/ann")
    assert values(own) == [{"client_id": "ann"}]
    found = own.grantee(Principal("ann"))
    assert (found and found.client_id, own.grantee(Principal("bob"))) == ("ann", None)


def test_a_client_evades_a_deny_of_its_client_id_with_another_one() -> None:
    template = of(Grant(connect=("{principal}", "{principal}-2"), publish=("a/#",)), Deny(publish=("a/{client_id}",)))
    found = who_can(template, "publish", "a/ann")
    assert [(dict(way.values), way.without_client_id) for way in found.denials] == [
        ({"client_id": "ann"}, False),
        ({}, True),
    ]
    grantee = found.grantee(Principal("ann"))
    assert grantee is not None
    assert grantee.client_id == "ann-2"


SOMEBODY: dict[str, tuple[PolicyTemplate, Question, str, Principal]] = {
    "the topic has the word for a principal": (
        of(Grant(publish=("a/+",)), Deny(publish=("a/{principal}",))),
        "publish",
        "a/ann",
        Principal("bob"),
    ),
    "the client ID is the word for a principal": (
        of(Grant(connect=("ann",)), Deny(connect=("{principal}",))),
        "connect",
        "ann",
        Principal("bob"),
    ),
    "the topic has the word for a client ID": (
        of(Grant(connect=("{client_id}",), publish=("a/+",)), Deny(publish=("a/{client_id}",))),
        "publish",
        "a/phone",
        Principal("ann"),
    ),
    "the topic has the word for a claim": (
        of(Grant(retain=("rooms/+",), when={"rooms": "*"}), Deny(publish=("rooms/{claims.rooms}",))),
        "retain",
        "rooms/any",
        Principal("ann", {"rooms": "red"}),
    ),
    "a deny has the word for a claim, in another case": (
        of(Grant(publish=("x",), when={"n": "*"}), Deny(publish=("x",), when={"n": "ANY"})),
        "publish",
        "x",
        Principal("ann", {"n": "red"}),
    ),
    "a deny reads a path into a claim that can be an object": (
        of(Grant(publish=("x",), when={"a": "*"}), Deny(publish=("#",), when={"a.b": "x"})),
        "publish",
        "x",
        Principal("ann", {"a": {"any": "any"}}),
    ),
    "a grant wants a claim and a path into it": (
        of(Grant(publish=("x",), when={"a": "*", "a.b": "*"}), Deny(publish=("x",), when={"a.b": "z"})),
        "publish",
        "x",
        Principal("ann", {"a": {"b": "red"}}),
    ),
    "the client ID must be the principal": (
        of(Grant(connect=("{principal}",), publish=("c/{client_id}",))),
        "publish",
        "c/foo",
        Principal("foo"),
    ),
    "the client ID must be a claim": (
        of(Grant(connect=("{claims.device}",), publish=("c/{client_id}",))),
        "publish",
        "c/foo",
        Principal("ann", {"device": "foo"}),
    ),
    "another grant allows the client ID": (
        of(Grant(connect=("{client_id}",), when={"role": "x"}), Grant(publish=("c/{client_id}",))),
        "publish",
        "c/foo",
        Principal("ann", {"role": "x"}),
    ),
    "a second value of a claim is a client ID that evades a deny": (
        of(Grant(connect=("{claims.c}",), publish=("a/{claims.c}",)), Deny(publish=("a/{client_id}",))),
        "publish",
        "a/k",
        Principal("ann", {"c": ["k", "any"]}),
    ),
    "the name of a shared subscription is a claim": (
        of(Grant(subscribe=("$share/{claims.g}/b/+",))),
        "receive",
        "b/c",
        Principal("ann", {"g": "any"}),
    ),
    "the name of a shared subscription is the client ID": (
        of(Grant(connect=("{principal}",), subscribe=("$share/{client_id}/b/+",))),
        "receive",
        "b/c",
        Principal("ann"),
    ),
    "a word list has an element with a space": (
        of(Grant(publish=("x/{claims.scope}",))),
        "publish",
        "x/a b",
        Principal("ann", {"scope": ["a b"]}),
    ),
    "a whole number fills a placeholder and equals a number with a point": (
        of(Grant(publish=("x/{claims.n}",), when={"n": 1.0})),
        "publish",
        "x/1",
        Principal("ann", {"n": [1, "1"]}),
    ),
}


@pytest.mark.parametrize("name", SOMEBODY)
def test_somebody_can_if(name: str) -> None:
    template, question, resource, expected = SOMEBODY[name]
    assert who_can(template, question, resource).example() == expected


@pytest.mark.parametrize(
    ("connect", "publish", "topic"),
    [("{principal}/*", "c/{client_id}", "c/foo"), ("{principal}", "c/{principal}/{client_id}", "c/foo/bar")],
)
def test_nobody_can_if_no_client_may_have_the_client_id(connect: str, publish: str, topic: str) -> None:
    template = of(Grant(connect=(connect,), publish=(publish,)))
    assert who_can(template, "publish", topic).example() is None


WHENS: tuple[dict[str, str | bool | float], ...] = (
    {},
    {"a": "*"},
    {"a.b": "*"},
    {"a": "x"},
    {"a.b": "x"},
    {"a.c": "X"},
    {"n": 1.0},
    {"n": True},
    {"scope": "x"},
)
TEXTS = ("t/x", "t/+", "t/{principal}", "t/{client_id}", "t/{claims.a}", "t/{claims.a.b}", "t/{claims.n}")
CONNECTS = ("x", "{principal}", "{principal}/*", "{claims.a}", "{client_id}")
VALUES: tuple[object, ...] = ("x", "y", ["x", "z"], {"b": "x"}, {"b": "y", "c": "y"}, {"c": "x"})
CLAIMS: tuple[dict[str, object], ...] = (
    *({"a": value} for value in VALUES),
    *({"a.b": value} for value in VALUES[:3]),
    {"a": "x", "a.b": "x"},
    *({"n": value} for value in (1, "1", True)),
    *({"scope": value} for value in ("x", "x y", ["x y"])),
    {},
)
BLOCKS = st.builds(
    lambda kind, connect, publish, when: kind(connect=connect, publish=publish, when=when or None),
    st.sampled_from((Grant, Grant, Deny)),
    st.lists(st.sampled_from(CONNECTS), max_size=1).map(tuple),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=1).map(tuple),
    st.sampled_from(WHENS),
)


def can(template: PolicyTemplate, principal: Principal, topic: str, client_id: str | None) -> bool:
    may_connect = client_id is None or explain(template, principal, "connect", client_id).allowed
    return may_connect and explain(template, principal, "publish", topic, client_id).allowed


@given(st.lists(BLOCKS, min_size=2, max_size=4), st.sampled_from(("t/x", "t/1", "t/ann", "t/any", "t/x y")), st.data())
def test_nobody_can_only_if_no_principal_can(blocks: list[Grant | Deny], topic: str, data: st.DataObject) -> None:
    template = of(*blocks)
    found = who_can(template, "publish", topic)
    try:
        example = found.example()
    except NotCovered:
        return
    claims = data.draw(st.lists(st.sampled_from(CLAIMS), max_size=2))
    principal = Principal(data.draw(st.sampled_from(("x", "k"))), {k: v for each in claims for k, v in each.items()})
    able = [client_id for client_id in (None, "x", "k", "q", "z") if can(template, principal, topic, client_id)]
    assert example is not None or not able, (principal, able)
    assert found.grantee(principal) is not None or not able, (principal, able)


MANY = tuple(f"v{number}" for number in range(70))
UNDECIDED: dict[str, tuple[PolicyTemplate, str]] = {
    "a deny reads a path into a claim of a certain value": (
        of(Grant(publish=("x",), when={"q": "y", "q.a": "x"}), Deny(publish=("#",), when={"q.b": "x"})),
        "unclear_denial",
    ),
    "conditions have too many values": (
        of(Grant(publish=("x",), when={"a": MANY, "b": MANY})),
        "too many values",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_it_is_not_covered_and_the_entry_is_named_if(name: str) -> None:
    template, expected = UNDECIDED[name]
    with pytest.raises(NotCovered, match=rf'^grant\[0\], publish = "x": .*{expected}'):
        who_can(template, "publish", "x").example()


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_example_of_a_ready_template_can_use_what_each_entry_grants(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for entry in template.entries:
        if entry.effect == "Allow":
            topic = re.sub(r"[+#*]|\{claims\..*?\}", "any", entry.filter.replace("{principal}", "ann"))
            found = who_can(template, entry.key, topic)
            assert entry in [way.entry for way in found.ways]
            assert found.example() is not None
