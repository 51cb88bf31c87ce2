"""IAM policies of signed requests: which are refused, and what they decide."""

from collections.abc import Mapping

import pytest

from iot_policies.documents import InvalidDocument
from iot_policies.evaluator import Evaluator
from iot_policies.iam import Caller, SignedConnection, parse_iam_document

ARN = "arn:aws:iot:us-east-1:123456789012:"
IDENTITY = "us-east-1:0a1b2c3d-0000-1111-2222-333344445555"
NOON = 1_796_040_000.0
"""2026-11-30T12:00:00Z."""

Statement = Mapping[str, object]


def allow(resource: object, action: object = "iot:Publish", **more: object) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements: Statement) -> Mapping[str, object]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def signed(**caller: object) -> SignedConnection:
    of_role: dict[str, object] = {"user_id": "AROAROLE:ann", "account": "123456789012", "arn": "arn:aws:iam::1:role/r"}
    return SignedConnection("ann", caller=Caller(**of_role | caller), now=NOON)  # type: ignore[arg-type]


def publishes(topic: str, *statements: Statement, connection: SignedConnection | None = None) -> bool:
    """Whether a policy with these statements allows to publish to a topic."""
    evaluator = Evaluator([parse_iam_document(policy(*statements))], connection or signed())
    return evaluator.allows("iot:Publish", f"{ARN}topic/{topic}")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Statement": [allow("*")]}, "Version"),
        ({"Version": "2008-10-17", "Statement": [allow("*")]}, "Version"),
        (policy(allow("arn:aws:iot:*")), "six parts"),
        (policy(allow("arn:aws:iot:${aws:userid}:1:topic/a")), "after the fifth colon"),
        (policy(allow(f"{ARN}topic/${{iot:ClientId}}")), "${iot:ClientId} is not a variable"),
        (policy(allow(f"{ARN}topic/${{iot:Connection.Thing.ThingName}}")), "is not a variable"),
        (policy(allow(f"{ARN}topic/${{aws:userid, 'x'}}")), "is not a variable"),
        (policy(allow(f"{ARN}topic/${{cognito-identity.amazonaws.com:amr}}")), "is not a variable"),
        (policy(allow("*", Condition={"StringEquals": {"aws:Unheard": "x"}})), "aws:unheard is not a condition key"),
        (policy(allow("*", Condition={"StringSame": {"aws:userid": "x"}})), "StringSame is not a condition operator"),
        (policy(allow("*", Condition={"Some:StringEquals": {"aws:userid": "x"}})), "Some:StringEquals"),
        (
            policy(allow("*", Condition={"StringEquals": {"aws:userid": "${iot:ClientId}"}})),
            "Condition: ${iot:ClientId}",
        ),
        (policy(allow("*", Principal="*")), "Principal: is not a key"),
        (policy(allow("*"), allow("arn:aws:iot:*")), "Statement[1]"),
    ],
)
def test_what_is_not_known_is_refused_by_name(document: Mapping[str, object], expected: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_iam_document(document)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "caller", "value"),
    [
        ("cognito-identity.amazonaws.com:sub", {"identity_id": IDENTITY}, IDENTITY),
        ("Cognito-Identity.amazonaws.com:Sub", {"identity_id": IDENTITY}, IDENTITY),
        ("cognito-identity.amazonaws.com:aud", {"identity_pool_id": "pool"}, "pool"),
        ("aws:userid", {}, "AROAROLE:ann"),
        ("aws:username", {"user_name": "bob"}, "bob"),
        ("aws:PrincipalTag/Team", {"tags": {"team": "red"}}, "red"),
        ("aws:PrincipalAccount", {}, "123456789012"),
        ("*", {}, "*"),
        ("?", {}, "?"),
        ("$", {}, "$"),
    ],
)
def test_a_variable_is_its_value_and_no_other(variable: str, caller: Mapping[str, object], value: str) -> None:
    statement = allow(f"{ARN}topic/x/${{{variable}}}/y")
    assert publishes(f"x/{value}/y", statement, connection=signed(**caller))
    assert not publishes("x/other/y", statement, connection=signed(**caller))


@pytest.mark.parametrize("value", ["*", "a*", "${*}", "?" * 5])
def test_a_value_never_is_a_wildcard(value: str) -> None:
    statement = allow(f"{ARN}topic/${{aws:PrincipalTag/team}}")
    assert not publishes("other", statement, connection=signed(tags={"team": value}))


@pytest.mark.parametrize("variable", ["cognito-identity.amazonaws.com:sub", "aws:username", "aws:PrincipalTag/team"])
def test_a_variable_without_a_value_matches_nothing(variable: str) -> None:
    assert not publishes("x/", allow(f"{ARN}topic/x/${{{variable}}}"))


@pytest.mark.parametrize(
    ("operator", "key", "value", "holds"),
    [
        ("DateLessThan", "aws:CurrentTime", "2026-11-30T12:00:01Z", True),
        ("DateLessThan", "aws:CurrentTime", "2026-11-30T12:00:00Z", False),
        ("NumericLessThan", "aws:EpochTime", "1796040001", True),
        ("NumericLessThan", "aws:EpochTime", "1796040000", False),
        ("Null", "aws:TokenIssueTime", "true", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("StringEquals", "aws:PrincipalAccount", "123456789012", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::1:role/*", True),
        ("ForAnyValue:StringEquals", "cognito-identity.amazonaws.com:amr", "unauthenticated", False),
        ("StringNotEquals", "aws:userid", "AROAROLE:ann", False),
    ],
)
def test_a_condition_is_about_the_caller_and_the_time(operator: str, key: str, value: str, holds: bool) -> None:
    assert publishes("a", allow("*", Condition={operator: {key: value}})) is holds


def test_a_guest_is_known_by_how_it_logged_in() -> None:
    condition = {"ForAnyValue:StringEquals": {"cognito-identity.amazonaws.com:amr": "unauthenticated"}}
    assert publishes("a", allow("*", Condition=condition), connection=signed(login=("unauthenticated",)))


@pytest.mark.parametrize(
    ("role", "session", "allowed"),
    [
        ([allow("*")], [allow("*")], True),
        ([allow("*")], [allow(f"{ARN}topic/b")], False),
        ([allow(f"{ARN}topic/b")], [allow("*")], False),
        ([allow("*")], [allow("*"), {"Effect": "Deny", "Action": "*", "Resource": "*"}], False),
        ([allow("*"), {"Effect": "Deny", "Action": "*", "Resource": "*"}], [allow("*")], False),
    ],
)
def test_a_session_may_do_what_its_role_and_its_session_policy_allow(
    role: list[Statement], session: list[Statement], allowed: bool
) -> None:
    evaluator = Evaluator([policy(*role)], signed(), within=[[policy(*session)]])
    assert evaluator.allows("iot:Publish", f"{ARN}topic/a") is allowed


def test_an_empty_session_policy_allows_nothing() -> None:
    assert not Evaluator([policy(allow("*"))], signed(), within=[[]]).allows("iot:Publish", f"{ARN}topic/a")


def test_doubts_name_those_of_session_policies_too() -> None:
    doubtful = policy(allow("*", Condition={"StringEquals": {"aws:Unheard": "x"}}))
    assert "aws:unheard" in "".join(Evaluator([policy(allow("*"))], signed(), within=[[doubtful]]).doubts)
