"""A value of a client is exactly one level of a topic, or the client gets no policy."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from iot_policies import (
    Grant,
    InvalidName,
    NothingGranted,
    PolicyTemplate,
    Principal,
    UnsafeValue,
    compile_policy,
    is_safe,
)
from iot_policies.account_region import AccountRegion
from iot_policies.names import name_problem
from iot_policies.packing import Document
from tests.effort import examples
from tests.policies import hostile
from tests.policies.probes import ACCOUNT, PREFIX, REGION
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
OF_VICTIM = (
    ("iot:Connect", "client/victim"),
    ("iot:Connect", "client/victim/phone"),
    ("iot:Publish", "topic/users/victim/out"),
    ("iot:Publish", "topic/rooms/lobby/say/victim"),
    ("iot:Subscribe", "topicfilter/users/victim/+/in"),
    ("iot:Subscribe", "topicfilter/users/+/+/in"),
    ("iot:Receive", "topic/users/victim/x/in"),
)
"""What only the principal `victim` may do."""
REFUSALS = {
    f"{source} {problem}"
    for source in ("principal", "client_id", "claims.rooms", "claims.group")
    for problem in (
        *("cannot be a topic level", "begins or ends with a space", "has a control character"),
        *("has an invisible or unassigned character", "is not composed (Unicode's NFC)"),
    )
}

hostile_claims = st.fixed_dictionaries({}, optional={"rooms": hostile.claims, "group": hostile.claims})
client_ids = st.one_of(st.none(), hostile.names)


def outcome(name: str, claims: Mapping[str, object], client_id: str | None = None) -> list[Document] | str:
    """The policy, or the text of the refusal; no documents if nothing is granted."""
    try:
        policy = compile_policy(TEMPLATE, Principal(name, claims), client_id)
    except NothingGranted:
        return []
    except (InvalidName, UnsafeValue) as refusal:
        return str(refusal).partition(" (U+")[0]
    return policy.documents(AccountRegion(REGION, ACCOUNT))


def strings_of(claim: object) -> set[str]:
    return {str(each) for each in (claim if isinstance(claim, list) else [claim])}


def has_shape(resource: str, shape: str, values: Mapping[str, set[str]]) -> bool:
    levels, expected = resource.split("/"), shape.split("/")
    return len(levels) == len(expected) and all(
        level in values.get(wanted, {wanted}) for level, wanted in zip(levels, expected, strict=True)
    )


@given(hostile.names, hostile_claims, client_ids)
def test_a_value_is_one_whole_level_of_every_resource_or_is_refused_without_being_quoted(
    name: str, claims: dict[str, object], client_id: str | None
) -> None:
    granted = outcome(name, claims, client_id)
    if isinstance(granted, str):
        assert granted in REFUSALS
        return
    values = {"{principal}": {name}, "{client_id}": {str(client_id)}}
    values |= {f"{{claims.{key}}}": strings_of(claim) for key, claim in claims.items()}
    for statement in statements(granted):
        for resource in texts(statement["Resource"]):
            assert any(has_shape(resource.removeprefix(PREFIX), shape, values) for shape in SHAPES), resource


@given(hostile.names.filter(lambda name: name != "victim"), hostile_claims)
def test_no_value_reaches_what_is_another_principals(name: str, claims: dict[str, object]) -> None:
    granted = outcome(name, claims | {"rooms": ["lobby"]})
    assert [
        each for each in OF_VICTIM if isinstance(granted, list) and decide(granted, each[0], PREFIX + each[1])
    ] == []


@given(hostile.names)
def test_a_safe_value_is_a_name_of_at_most_128_bytes_without_wildcards_slashes_or_dollars(value: str) -> None:
    harmless = not any(each in "/+#*?$" for each in value) and name_problem(value) is None
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
    st.text('ab.-_:@{}\\"é ', min_size=1, max_size=5).filter(is_safe),
)
pairs = st.tuples(safe_names, safe_names).filter(lambda pair: pair[0] != pair[1])


@given(bound_templates(), pairs, st.sampled_from(("", "/x")))
@examples(0.5)
def test_two_principals_share_no_topic_and_no_client_id(
    template: PolicyTemplate, names: tuple[str, str], tail: str
) -> None:
    mine, yours = (
        compile_policy(template, Principal(name)).documents(AccountRegion(REGION, ACCOUNT)) for name in names
    )
    for action, resource in dict.fromkeys(witnesses(yours, names)):
        if decide(yours, action, resource):
            assert not decide(mine, action, resource), (action, resource)
    assert not compile_policy(TEMPLATE, Principal(names[0])).may_connect(names[1] + tail)
