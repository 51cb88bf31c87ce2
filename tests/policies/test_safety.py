"""Whatever a client or its claims are called: a value is one level of a topic and never more, or there is no policy."""

import unicodedata
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_policies import Grant, NothingGranted, PolicyTemplate, Principal, UnsafeValue, compile_policy, is_safe
from iot_policies.packing import Document
from tests.policies import hostile
from tests.policies.probes import ACCOUNT, PREFIX, REGION
from tests.policies.properties import thorough
from tests.policies.reference import decide, statements, texts

TEMPLATE = PolicyTemplate.of(
    [
        Grant(
            connect=("{principal}", "{principal}/*", "device/{client_id}"),
            publish=("users/{principal}/out", "rooms/{claims.rooms}/say/{principal}"),
            subscribe=("users/{principal}/+/in", "$share/{claims.group}/jobs/#", "rooms/{claims.rooms}/all/#"),
        )
    ]
)
SHAPES = (
    "client/{principal}",
    "client/{principal}/*",
    "client/device/{client_id}",
    "topic/users/{principal}/out",
    "topic/rooms/{claims.rooms}/say/{principal}",
    "topicfilter/users/{principal}/*/in",
    "topicfilter/users/{principal}/*/*/in",
    "topic/users/{principal}/*/in",
    "topic/users/{principal}/*/*/in",
    "topicfilter/$share/{claims.group}/jobs/*",
    "topic/jobs/*",
    "topicfilter/rooms/{claims.rooms}/all/*",
    "topic/rooms/{claims.rooms}/all/*",
)
SOURCES = {"principal", "client_id", "claims.rooms", "claims.group"}

hostile_claims = st.fixed_dictionaries({}, optional={"rooms": hostile.claims, "group": hostile.claims})
client_ids = st.one_of(st.none(), hostile.names)


def documents(name: str, claims: Mapping[str, object], client_id: str | None = None) -> list[Document]:
    try:
        policy = compile_policy(TEMPLATE, Principal(name, claims), client_id)
    except (UnsafeValue, NothingGranted) as refusal:
        event(type(refusal).__name__)
        return []
    return policy.documents(region=REGION, account=ACCOUNT)


def strings_of(claim: object) -> set[str]:
    return {str(each) for each in (claim if isinstance(claim, list) else [claim])}


def has_shape(resource: str, shape: str, values: Mapping[str, set[str]]) -> bool:
    levels, expected = resource.split("/"), shape.split("/")
    return len(levels) == len(expected) and all(
        level in values.get(wanted, {wanted}) for level, wanted in zip(levels, expected, strict=True)
    )


@given(hostile.names, hostile_claims, client_ids)
@thorough
def test_a_value_is_one_whole_level_of_every_resource(
    name: str, claims: dict[str, object], client_id: str | None
) -> None:
    values = {"{principal}": {name}, "{client_id}": {str(client_id)}}
    values |= {f"{{claims.{key}}}": strings_of(claim) for key, claim in claims.items()}
    for statement in statements(documents(name, claims, client_id)):
        for resource in texts(statement["Resource"]):
            assert any(has_shape(resource.removeprefix(PREFIX), shape, values) for shape in SHAPES), resource


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", "client/victim"),
        ("iot:Connect", "client/victim/phone"),
        ("iot:Publish", "topic/users/victim/out"),
        ("iot:Publish", "topic/rooms/lobby/say/victim"),
        ("iot:Subscribe", "topicfilter/users/victim/+/in"),
        ("iot:Subscribe", "topicfilter/users/+/+/in"),
        ("iot:Receive", "topic/users/victim/x/in"),
    ],
)
@given(hostile.names.filter(lambda name: name != "victim"), hostile_claims)
@thorough
def test_no_value_reaches_what_is_another_principals(
    action: str, resource: str, name: str, claims: dict[str, object]
) -> None:
    assert not decide(documents(name, claims | {"rooms": ["lobby"]}), action, PREFIX + resource)


def refusal_text(name: str, claims: Mapping[str, object], client_id: str | None) -> str | None:
    try:
        compile_policy(TEMPLATE, Principal(name, claims), client_id)
    except UnsafeValue as refusal:
        return str(refusal)
    return None


@given(hostile.names, hostile_claims, client_ids)
@thorough
def test_a_refusal_tells_where_the_value_came_from_and_nothing_of_it(
    name: str, claims: dict[str, object], client_id: str | None
) -> None:
    texts_without_values = {f"{source} can't stand in a topic level" for source in SOURCES}
    assert refusal_text(name, claims, client_id) in texts_without_values | {None}


@given(hostile.names)
@thorough
def test_a_safe_value_is_text_of_at_most_128_bytes_without_wildcards_slashes_dollars_or_controls(value: str) -> None:
    harmless = not any(each in "/+#*?$" or unicodedata.category(each) in ("Cc", "Cs") for each in value)
    assert is_safe(value) == (harmless and 0 < len(value.encode("utf-8", "surrogatepass")) <= 128)


@st.composite
def bound_templates(draw: st.DrawFn) -> PolicyTemplate:
    """Templates whose every entry has the principal, written in one way, at one place."""
    bound = draw(st.sampled_from(("{principal}", "d-{principal}", "{principal}.x")))
    tails = st.sets(st.sampled_from(("", "/*", "/a")), min_size=1)
    topics = st.sets(st.sampled_from(("", "/#", "/a", "/+/#")), min_size=1)
    lead = draw(st.sampled_from(("users", "+", "")))
    # A leading + denies so much that it goes with no other subscription here.
    more = () if lead == "+" else (f"$share/g/{lead}/{bound}", f"{lead}/{bound}/+/x/+")
    return PolicyTemplate.of(
        [
            Grant(
                connect=tuple(f"{bound}{tail}" for tail in draw(tails)),
                publish=tuple(f"users/{bound}{tail}" for tail in draw(topics)),
                subscribe=(f"{lead}/{bound}", *more),
            )
        ]
    )


def witnesses(granted: list[Document], names: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Actions and resources that a policy covers, each `*` of it being something and nothing, or a name."""
    for statement in statements(granted):
        for action in texts(statement["Action"]):
            for resource in texts(statement["Resource"]):
                for text in ("", "x/y", "+", *names):
                    yield action, resource.replace("*", text)


safe_names = st.one_of(
    st.sampled_from([name for name in hostile.WELL_KNOWN if is_safe(name)]),
    st.text('ab.-_:@{}\\"é ', min_size=1, max_size=5),
)
pairs = st.tuples(safe_names, safe_names).filter(lambda pair: pair[0] != pair[1])


@given(bound_templates(), pairs)
@thorough
def test_two_principals_share_no_topic_and_no_client_id(template: PolicyTemplate, names: tuple[str, str]) -> None:
    mine, yours = (
        compile_policy(template, Principal(name)).documents(region=REGION, account=ACCOUNT) for name in names
    )
    for action, resource in witnesses(yours, names):
        if decide(yours, action, resource):
            assert not decide(mine, action, resource), (action, resource)


@given(pairs, st.sampled_from(("", "/x")))
@thorough
def test_a_principal_may_not_connect_under_anothers_client_id(names: tuple[str, str], tail: str) -> None:
    assert not compile_policy(TEMPLATE, Principal(names[0])).may_connect(names[1] + tail)
