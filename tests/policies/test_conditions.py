"""Conditions of statements, and what `connect_with` makes of them."""

from collections.abc import Sequence

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, Principal, compile_policy
from iot_policies.conditions import parse_conditions
from iot_policies.evaluator import Connection, Evaluator
from iot_policies.grants import ConnectAttribute
from tests.policies.probes import ACCOUNT, PREFIX, REGION

WILL, SESSION = "LastWill", "PersistentConnect"
NEITHER, BOTH = frozenset[str](), frozenset({WILL, SESSION})
EACH = (NEITHER, frozenset({WILL}), frozenset({SESSION}), BOTH)


def holds(condition: object, connection: Connection) -> bool:
    return all(each.holds(connection.context(), connection.fill) for each in parse_conditions(condition))


def held_by(operator: str, *attributes: str) -> list[bool]:
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
    documents = compile_policy(PolicyTemplate.of(blocks), Principal("ann")).documents(region=REGION, account=ACCOUNT)
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


CONNECTION = Connection(client_id="phone", source_ip="192.0.2.7", thing_name="*")


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
        ({"StringEquals": {"iot:ClientId": "${iot:Connection.Thing.ThingTypeName}"}}, False),
        ({"StringEqualsIgnoreCase": {"iot:ClientId": "Phone"}}, True),
        ({"StringNotEquals": {"iot:ClientId": "tablet"}}, True),
        ({"StringNotEquals": {"iot:ClientId": ["tablet", "phone"]}}, False),
        ({"StringLike": {"iot:ClientId": "ph*"}}, True),
        ({"StringLike": {"iot:ClientId": "p?"}}, False),
        ({"StringNotLike": {"iot:ClientId": "ph*"}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "nowhere"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "false"}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": False}}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "true"}}, False),
        ({"StringEquals": {"no:SuchKey": "x"}}, False),
        ({"StringNotEquals": {"no:SuchKey": "x"}}, True),
        ({"StringEqualsIfExists": {"no:SuchKey": "x"}}, True),
        ({"StringEqualsIfExists": {"iot:ClientId": "x"}}, False),
        ({"ForAllValues:StringEquals": {"no:SuchKey": "x"}}, True),
        ({"ForAnyValue:StringEquals": {"no:SuchKey": "x"}}, False),
        ({"StringEquals": {"iot:ClientId": "phone", "aws:SourceIp": "x"}}, False),
        ({"StringEquals": {"iot:ClientId": "phone"}, "StringLike": {"iot:ClientId": "x*"}}, False),
    ],
)
def test_a_condition_holds_or_not(condition: object, expected: bool) -> None:
    assert holds(condition, CONNECTION) is expected


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
        {"StringEqual": {"iot:ClientId": "a"}},
        {"ForSomeValues:StringEquals": {"iot:ClientId": "a"}},
        {":StringEquals:": {"iot:ClientId": "a"}},
        {"": {"iot:ClientId": "a"}},
    ],
)
def test_a_condition_that_is_not_known_is_refused(condition: object) -> None:
    with pytest.raises(ValueError, match=r"expected|not a supported operator"):
        parse_conditions(condition)
