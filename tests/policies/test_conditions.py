"""Conditions of statements, and what `connect_with` makes of them."""

from collections.abc import Sequence

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.conditions import Undecidable, parse_conditions
from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from iot_policies.grants import ConnectAttribute
from tests.policies.probes import ACCOUNT, PREFIX, REGION

WILL, SESSION = "LastWill", "PersistentConnect"
NEITHER, BOTH = frozenset[str](), frozenset({WILL, SESSION})
EACH = (NEITHER, frozenset({WILL}), frozenset({SESSION}), BOTH)


def holds(condition: object, connection: Connection) -> bool | None:
    """Whether a connection meets a condition; None if that cannot be decided."""
    try:
        return all([each.holds(connection.facts()) for each in parse_conditions(condition)])  # noqa: C419 (no shortcut)
    except Undecidable:
        return None


def held_by(operator: str, *attributes: str) -> list[bool | None]:
    """Whether a condition on the connect attributes holds for neither, a Will, a session, and both."""
    condition = {operator: {"iot:ConnectAttributes": [*attributes]}}
    return [holds(condition, Connection(connect_attributes=asked)) for asked in EACH]


@pytest.mark.parametrize(
    ("operator", "attributes", "expected"),
    [
        ("ForAllValues:StringEquals", [WILL], [True, True, False, False]),
        ("ForAllValues:StringEquals", [WILL, SESSION], [True, True, True, True]),
        ("ForAnyValue:StringEquals", [WILL], [False, True, False, True]),
        ("ForAnyValue:StringEquals", [WILL, SESSION], [False, True, True, True]),
        ("ForAllValues:StringNotEquals", [WILL], [True, False, True, False]),
        ("ForAllValues:StringNotEquals", [WILL, SESSION], [True, False, False, False]),
    ],
)
def test_a_condition_on_connect_attributes(operator: str, attributes: list[str], expected: list[bool]) -> None:
    assert held_by(operator, *attributes) == expected


Attributes = Sequence[ConnectAttribute] | None


def connects(grant: Attributes, deny: Attributes = None) -> list[bool]:
    blocks: list[Grant | Deny] = [Grant(connect=("a",), connect_with=None if grant is None else tuple(grant))]
    blocks += [] if deny is None else [Deny(connect=("a",), connect_with=tuple(deny))]
    documents = compile_policy(PolicyTemplate.of(blocks), Principal("ann")).documents(AccountRegion(REGION, ACCOUNT))
    return [
        Evaluator(documents, Connection(connect_attributes=asked)).allows("iot:Connect", f"{PREFIX}client/a")
        for asked in EACH
    ]


@pytest.mark.parametrize(
    ("grant", "deny", "expected"),
    [
        (None, None, [True, True, True, True]),
        ([], None, [True, False, False, False]),
        (["LastWill"], None, [True, True, False, False]),
        (["LastWill", "PersistentConnect"], None, [True, True, True, True]),
        (None, ["LastWill"], [True, False, True, False]),
        (None, ["LastWill", "PersistentConnect"], [True, False, False, False]),
    ],
)
def test_a_grant_limits_what_a_client_may_connect_with_and_a_deny_forbids_each_that_it_names(
    grant: Attributes, deny: Attributes, expected: list[bool]
) -> None:
    assert connects(grant, deny) == expected


ATTRIBUTE = "iot:Connection.Thing.Attributes"
SIZE, MADE, ROLE = (f"{ATTRIBUTE}[{name}]" for name in ("size", "made", "role"))
TYPE = "iot:Connection.Thing.ThingTypeName"
"""A key without a value."""


def each_on(family: str, operators: str, key: str, wanted: object = "x") -> list[object]:
    """A condition for each operator of a family."""
    return [{f"{family}{operator}": {key: wanted}} for operator in operators.split()]


CONNECTION = Connection(
    client_id="phone",
    source_ip="192.0.2.7",
    domain_name="iot.example.com",
    topic="commands/reboot",
    thing_name="*",
    thing_attributes={
        "size": "10.5",
        "made": "2026-01-31T12:00:00Z",
        "role": "arn:aws:iam::123456789012:role/a:b",
        "tested": "TRUE",
        "address": "2001:db8::7",
    },
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"iot:ClientId": "phone"}}, True),
        ({"StringEquals": {"IOT:clientid": "phone"}}, True),
        ({"StringEquals": {"iot:ClientId": ["tablet", "phone"]}}, True),
        ({"StringEquals": {"iot:ClientId": "Phone"}}, False),
        ({"StringEquals": {"iot:ClientId": "ph*"}}, False),
        ({"StringEquals": {"iot:ClientId": "${iot:ClientId}"}}, True),
        ({"StringEquals": {"iot:ClientId": "${iot:Connection.Thing.ThingTypeName}"}}, None),
        ({"StringEquals": {"iot:DomainName": "iot.example.com"}}, True),
        ({"StringEquals": {"iot:Topic": ["commands/reboot", "commands/update"]}}, True),
        ({"StringLike": {"iot:Topic": "events/*"}}, False),
        ({"StringEqualsIgnoreCase": {"iot:ClientId": "Phone"}}, True),
        ({"StringNotEquals": {"iot:ClientId": "tablet"}}, True),
        ({"StringNotEquals": {"iot:ClientId": ["tablet", "phone"]}}, False),
        ({"StringLike": {"iot:ClientId": "ph*"}}, True),
        ({"StringLike": {"iot:ClientId": "p?"}}, False),
        ({"StringNotLike": {"iot:ClientId": "ph*"}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "nowhere"}}, None),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/33"}}, None),
        ({"IpAddress": {"aws:SourceIp": ["2001:db8::/32", "192.0.2.7"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "2001:db8::/32"}}, True),
        ({"IpAddress": {"iot:ClientId": "10.0.0.0/8"}}, None),
        ({"IpAddress": {"aws:SourceIp": "${aws:SourceIp}"}}, None),
        ({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "false"}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": False}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "true"}}, False),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "no"}}, None),
        ({"Bool": {f"{ATTRIBUTE}[tested]": "true"}}, True),
        *((condition, False) for condition in each_on("String", "Equals EqualsIgnoreCase Like", TYPE)),
        *((condition, True) for condition in each_on("String", "NotEquals NotEqualsIgnoreCase NotLike", TYPE)),
        *((condition, True) for condition in each_on("String", "EqualsIfExists NotEqualsIfExists", TYPE)),
        *((condition, False) for condition in each_on("Arn", "Equals Like", TYPE)),
        *((condition, True) for condition in each_on("Arn", "NotEquals NotLike LikeIfExists", TYPE)),
        *((condition, None) for condition in each_on("String", "Equals NotEquals EqualsIfExists", "no:SuchKey")),
        *((condition, None) for condition in each_on("", "StringMatches stringequals Equals String", "iot:ClientId")),
        *((condition, None) for condition in each_on("", "BinaryEquals NullIfExists ForAnyValue:Null", "iot:ClientId")),
        *((condition, None) for condition in each_on("", "ForSomeValues:StringEquals :StringEquals", "iot:ClientId")),
        ({"StringEqualsIfExists": {"iot:ClientId": "x"}}, False),
        ({"ForAllValues:StringEquals": {TYPE: "x"}}, True),
        ({"ForAnyValue:StringEquals": {TYPE: "x"}}, False),
        ({"ForAnyValue:StringNotEquals": {TYPE: "x"}}, False),
        ({"ForAnyValue:StringEqualsIfExists": {TYPE: "x"}}, None),
        ({"ForAllValues:StringEqualsIfExists": {TYPE: "x"}}, True),
        ({"StringEquals": {"iot:Certificate.Subject.Country": "x"}}, False),
        ({"NotIpAddress": {TYPE: "10.0.0.0/8"}}, True),
        ({"Null": {TYPE: "true"}}, True),
        ({"Null": {TYPE: True}}, True),
        ({"Null": {TYPE: "false"}}, False),
        ({"Null": {"iot:ClientId": "true"}}, False),
        ({"Null": {"iot:ClientId": ["true", "false"]}}, True),
        ({"Null": {"iot:ClientId": "perhaps"}}, None),
        ({"Null": {"no:SuchKey": "true"}}, None),
        *((condition, True) for condition in each_on("Numeric", "Equals LessThanEquals GreaterThanEquals", SIZE, 10.5)),
        *((condition, True) for condition in each_on("Numeric", "LessThan LessThanEquals NotEquals", SIZE, "11")),
        *((condition, False) for condition in each_on("Numeric", "LessThan GreaterThan NotEquals", SIZE, "10.50")),
        ({"NumericGreaterThan": {SIZE: ["9", "12"]}}, True),
        ({"NumericNotEquals": {SIZE: "ten"}}, None),
        ({"NumericEquals": {"iot:ClientId": 7}}, None),
        ({"NumericLessThan": {SIZE: "1e9"}}, None),
        *(
            (condition, True)
            for condition in each_on("Date", "Equals LessThanEquals", MADE, "2026-01-31T13:00:00+01:00")
        ),
        *((condition, True) for condition in each_on("Date", "LessThan NotEquals", MADE, 1_900_000_000)),
        *((condition, False) for condition in each_on("Date", "LessThan Equals", MADE, "2026-01-01")),
        ({"DateGreaterThan": {MADE: "tomorrow"}}, None),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}, None),
        *((condition, True) for condition in each_on("Arn", "Equals Like", ROLE, "arn:aws:iam::*:role/*")),
        *((condition, False) for condition in each_on("Arn", "Equals Like", ROLE, "arn:*:role/*:x:y:z")),
        *((condition, True) for condition in each_on("Arn", "NotEquals NotLike", ROLE, "arn:aws:iam::*:user/*")),
        *((condition, None) for condition in each_on("Arn", "Equals NotEquals", ROLE, "arn:*")),
        ({"ArnLike": {ROLE: "arn:aws:iam::${iot:Connection.Thing.ThingName}:role/*"}}, False),
        ({"StringEquals": {"iot:ClientId": "phone", "aws:SourceIp": "x"}}, False),
        ({"StringEquals": {"iot:ClientId": "phone"}, "StringLike": {"iot:ClientId": "x*"}}, False),
    ],
)
def test_a_condition_holds_or_not_or_cannot_be_decided(condition: object, expected: bool | None) -> None:
    assert holds(condition, CONNECTION) is expected


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("2001:db8::7", "2001:db8::/32", True),
        ("2001:DB8:0:0::7", "2001:db8::7", True),
        ("2001:db8::7", "2001:db9::/32", False),
        ("fe80::1%eth0", "fe80::/10", True),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.1/24", True),
        ("192.0.2.7", "0.0.0.0/0", True),
        ("2001:db8::7", "0.0.0.0/0", False),
    ],
)
def test_an_address_is_in_a_network_of_its_own_version(address: str, network: str, expected: bool) -> None:
    connection = Connection(source_ip=address)
    assert holds({"IpAddress": {"aws:SourceIp": network}}, connection) is expected
    assert holds({"NotIpAddress": {"aws:SourceIp": network}}, connection) is not expected


@pytest.mark.parametrize(
    ("operator", "expected"), [("StringEquals", None), ("StringNotEquals", None), ("StringLikeIfExists", None)]
)
def test_several_values_need_a_quantifier(operator: str, expected: bool | None) -> None:
    assert holds({operator: {"iot:ConnectAttributes": [WILL]}}, Connection(connect_attributes=BOTH)) is expected


@pytest.mark.parametrize("condition", [{"StringMatches": {"iot:ClientId": "x"}}, {"StringEquals": {"no:SuchKey": "x"}}])
def test_a_deny_applies_and_an_allow_does_not_if_a_condition_cannot_be_decided(condition: object) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    doubtful = [everything | {"Effect": effect, "Condition": condition} for effect in ("Allow", "Deny")]
    allowing = Evaluator([{"Statement": doubtful[:1]}], CONNECTION)
    denying = Evaluator([{"Statement": [everything, doubtful[1]]}], CONNECTION)
    assert not allowing.allows("iot:Publish", f"{PREFIX}topic/a")
    assert not denying.allows("iot:Publish", f"{PREFIX}topic/a")
    assert [doubt.partition(":")[0] for doubt in (*allowing.doubts, *denying.doubts)] == [
        "policyDocuments[0].Statement[0]",
        "policyDocuments[0].Statement[1]",
    ]


def test_a_deny_does_not_apply_if_another_of_its_conditions_is_not_met() -> None:
    conditions = {"StringMatches": {"iot:ClientId": "x"}, "StringEquals": {"iot:ClientId": "tablet"}}
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": conditions}
    found = Evaluator([{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, statement]}], CONNECTION)
    assert (found.allows("iot:Publish", f"{PREFIX}topic/a"), found.doubts) == (True, ())


@pytest.mark.parametrize("wanted", ["${iot:Connection.Thing.ThingName}", "${*}", "ph${*}", "phon${?}"])
def test_what_a_variable_puts_into_a_condition_is_never_a_wildcard(wanted: str) -> None:
    assert not holds({"StringLike": {"iot:ClientId": wanted}}, CONNECTION)


def test_a_denial_whose_condition_does_not_hold_denies_nothing() -> None:
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"iot:ClientId": "tablet"}},
        },
    ]
    assert Evaluator([{"Statement": statements}], CONNECTION).allows("iot:Publish", f"{PREFIX}topic/a")


@pytest.mark.parametrize(
    "condition",
    [
        [],
        "x",
        {"StringEquals": "x"},
        {"StringEquals": {"iot:ClientId": 7}},
        {"StringEquals": {"iot:ClientId": None}},
        {"StringEquals": {"iot:ClientId": []}},
        {"StringEquals": {"iot:ClientId": ["a", 7]}},
        {"NumericEquals": {"iot:ClientId": None}},
        {"StringMatches": {"iot:ClientId": 7}},
    ],
)
def test_a_condition_of_the_wrong_form_is_refused(condition: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_conditions(condition)
