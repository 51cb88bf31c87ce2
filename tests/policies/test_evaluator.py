"""Decisions as IoT Core makes them: actions, resources, Allow and Deny, policy variables."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies.connection import Connection
from iot_policies.evaluator import Decision, Evaluator
from tests.policies import reference

ARN = "arn:aws:iot:us-east-1:123456789012:"
Statement = Mapping[str, object]


def statement(effect: str, action: object, *resources: str) -> Statement:
    return {"Effect": effect, "Action": action, "Resource": [ARN + resource for resource in resources]}


def evaluator(*statements: Statement, connection: Connection | None = None) -> Evaluator:
    return Evaluator([{"Version": "2012-10-17", "Statement": [*statements]}], connection)


def allows(resource: str, topic: str, **connection: object) -> bool:
    """Whether an Allow of publishing to a resource covers a topic."""
    found = evaluator(statement("Allow", "iot:Publish", resource), connection=Connection(**connection))  # type: ignore[arg-type]
    return found.allows("iot:Publish", ARN + topic)


def test_what_nothing_covers_is_denied() -> None:
    assert evaluator(statement("Allow", "iot:Publish", "topic/a")).decide("iot:Publish", f"{ARN}topic/b") == Decision(
        False, False, None, None
    )


@pytest.mark.parametrize(("denied", "allowed"), [("topic/a", False), ("topic/b", True)])
@pytest.mark.parametrize("order", [1, -1])
def test_an_explicit_deny_beats_every_allow_wherever_it_is_but_only_for_its_resource(
    order: int, denied: str, allowed: bool
) -> None:
    given = [statement("Allow", "*", "*"), statement("Deny", "iot:Publish", denied)][::order]
    assert evaluator(*given).allows("iot:Publish", f"{ARN}topic/a") is allowed


def test_a_deny_in_another_document_wins() -> None:
    documents = [{"Statement": [statement(effect, "iot:Publish", "topic/a")]} for effect in ("Allow", "Deny")]
    assert Evaluator(documents).decide("iot:Publish", f"{ARN}topic/a") == Decision(False, True, 1, 0)


def test_the_decision_names_the_statement_that_allows() -> None:
    found = evaluator(statement("Allow", "iot:Publish", "topic/b"), statement("Allow", "iot:Publish", "topic/a"))
    assert found.decide("iot:Publish", f"{ARN}topic/a") == Decision(True, True, 0, 1)


@pytest.mark.parametrize(
    ("action", "matches"),
    [
        *((each, True) for each in ("iot:Publish", "iot:*", "*", "IOT:PUBLISH", "iot:Pub*", "iot:Publis?")),
        (["iot:X", "iot:Publish"], True),
        *((each, False) for each in ("iot:Subscribe", "iot:Pub", "iot:?ublis", "s3:*", ["iot:Receive"])),
    ],
)
def test_an_action_is_matched_with_wildcards_and_without_case(action: object, matches: bool) -> None:
    assert evaluator(statement("Allow", action, "topic/a")).allows("iot:Publish", f"{ARN}topic/a") is matches


@pytest.mark.parametrize(
    ("resource", "topic", "matches"),
    [
        pytest.param("topic/a/*/b", "topic/a/x/y/b", True, id="a star crosses levels"),
        pytest.param("topic/a/+/b", "topic/a/x/b", False, id="a plus is an ordinary character"),
        pytest.param("topic/a", "topic/A", False, id="case counts"),
    ],
)
def test_a_resource_is_matched_with_wildcards(resource: str, topic: str, matches: bool) -> None:
    assert allows(resource, topic) is matches


def test_not_action_allows_every_other_action() -> None:
    found = evaluator({"Effect": "Allow", "NotAction": ["iot:Connect", "iot:P*"], "Resource": "*"})
    asked = ("iot:Connect", "iot:Publish", "iot:Receive")
    assert [found.allows(action, f"{ARN}topic/a") for action in asked] == [False, False, True]


def test_not_resource_allows_every_other_resource() -> None:
    found = evaluator({"Effect": "Allow", "Action": "iot:*", "NotResource": [f"{ARN}topic/a*"]})
    assert [found.allows("iot:Publish", f"{ARN}topic/{name}") for name in ("a", "ab", "b")] == [False, False, True]


@pytest.mark.parametrize(("topic_filter", "expected"), [("a/#", True), ("a/+/b", True), ("a", False), ("+/b", False)])
def test_a_filter_is_a_text_that_the_resource_must_match(topic_filter: str, expected: bool) -> None:
    found = evaluator(statement("Allow", "iot:Subscribe", "topicfilter/a/*"))
    assert found.allows("iot:Subscribe", f"{ARN}topicfilter/{topic_filter}") is expected


NOTHING = frozenset[str]()
VARIABLES = {
    "iot:ClientId": "x",
    "aws:SourceIp": "192.0.2.1",
    "iot:DomainName": "iot.example.com",
    "iot:Topic": "commands",
    "iot:Connection.Thing.ThingName": "thing",
    "iot:Connection.Thing.ThingTypeName": "type",
    "iot:Connection.Thing.Attributes[color]": "red",
    "iot:Connection.Thing.IsAttached": "true",
    "IOT:CLIENTID": "x",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_policy_variable_is_replaced_by_its_value(name: str) -> None:
    connection = Connection(
        "x", "192.0.2.1", "thing", "type", {"color": "red"}, True, NOTHING, "iot.example.com", "commands"
    )
    found = evaluator(statement("Allow", "iot:Publish", f"topic/${{{name}}}/b"), connection=connection)
    assert found.allows("iot:Publish", f"{ARN}topic/{VARIABLES[name]}/b")


@pytest.mark.parametrize("client_id", ["*", "?", "a*", "${*}", "${iot:ClientId}", "+", "[a]", "\\", "a.c", ""])
def test_a_value_matches_itself_and_is_never_a_wildcard(client_id: str) -> None:
    assert not allows("topic/${iot:ClientId}", "topic/abc", client_id=client_id)
    assert allows("topic/${iot:ClientId}/*", f"topic/{client_id}/b/c", client_id=client_id)


@pytest.mark.parametrize(("variable", "character"), [("${*}", "*"), ("${?}", "?"), ("${$}", "$")])
def test_a_wildcard_in_braces_is_the_character(variable: str, character: str) -> None:
    assert [allows(f"topic/{variable}", f"topic/{each}") for each in (character, "x")] == [True, False]


@pytest.mark.parametrize("variable", ["${iot:ClientId}", "${unknown}", "${}", "${iot:Connection.Thing.Attributes[x]}"])
def test_a_resource_whose_variable_has_no_value_matches_nothing(variable: str) -> None:
    asked = ("topic/", "topic/x", f"topic/{variable}", "topic/None")
    assert not any(allows(f"topic/{variable}", topic) for topic in asked)


UNKNOWN = ["${iot:ClientID2}", "${aws:username}", "${}", "${iot:ClientId, 'nobody'}"]


@pytest.mark.parametrize("variable", UNKNOWN)
def test_a_deny_of_a_resource_with_an_unknown_variable_denies_each_of_its_values(variable: str) -> None:
    denied = statement("Deny", "iot:Publish", f"topic/${{iot:ClientId}}/{variable}/b")
    found = evaluator(denied, statement("Allow", "*", "*"), connection=Connection(client_id="*"))
    asked = ("*/x/b", "*/x/y/b", "*/x/c", "y/x/b")
    assert [found.allows("iot:Publish", f"{ARN}topic/{topic}") for topic in asked] == [False, False, True, True]


@pytest.mark.parametrize("variable", UNKNOWN)
@pytest.mark.parametrize(
    ("effect", "follows"), [("Allow", "Allow does not apply to it"), ("Deny", "Deny applies to every value of it")]
)
def test_an_unknown_variable_of_a_resource_is_named(variable: str, effect: str, follows: str) -> None:
    found = evaluator(statement("Allow", "*", "topic/a"), statement(effect, "*", "topic/b", f"topic/{variable}"))
    assert found.doubts == (
        f"policyDocuments[0].Statement[1]: {ARN}topic/{variable} has an unknown policy variable, so this {follows}",
    )


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_all_but_a_resource_without_a_value_allows_nothing_and_denies_everything(effect: str) -> None:
    but = {"Effect": effect, "Action": "iot:*", "NotResource": f"{ARN}topic/${{iot:ClientId}}"}
    others = [statement("Allow", "*", "*")] if effect == "Deny" else []
    assert not evaluator(*others, but).allows("iot:Publish", f"{ARN}topic/a")


@pytest.mark.parametrize(
    ("action", "resource", "other"),
    [
        ("iot:SendDirectMessage", "client/phone", "client/tablet"),
        ("iot:DeleteConnection", "client/phone", "client/tablet"),
        ("iot:GetRetainedMessage", "topic/a", "topic/b"),
    ],
)
def test_the_actions_of_https_requests_are_evaluated_like_all_others(action: str, resource: str, other: str) -> None:
    found = evaluator(statement("Allow", action, resource))
    asked = [(action, resource), (action, other), ("iot:Publish", resource)]
    assert [found.allows(each, ARN + on) for each, on in asked] == [True, False, False]


def test_retained_messages_are_listed_on_every_resource() -> None:
    found = evaluator({"Effect": "Allow", "Action": "iot:ListRetainedMessages", "Resource": "*"})
    assert found.allows("iot:ListRetainedMessages", "*")


def test_a_direct_message_is_limited_by_its_topic() -> None:
    limited = {**statement("Allow", "iot:SendDirectMessage", "client/phone"), "Condition": TOPICS}
    found = [evaluator(limited, connection=Connection(topic=topic)) for topic in ("commands/reboot", "other", None)]
    assert [each.allows("iot:SendDirectMessage", f"{ARN}client/phone") for each in found] == [True, False, False]


TOPICS = {"StringEquals": {"iot:Topic": ["commands/reboot", "commands/update"]}}


def test_a_document_may_be_json() -> None:
    document = f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"{ARN}topic/a"}}}}'
    assert Evaluator([document]).allows("iot:Publish", f"{ARN}topic/a")


_pieces = st.sampled_from(("a", "b", "/", "*", "?", "${iot:ClientId}", "${aws:SourceIp}", "${*}", "${?}", "${$}"))
_patterns = st.lists(_pieces, max_size=5).map(lambda pieces: "arn:" + "".join(pieces))
_actions = st.sampled_from(("iot:Publish", "iot:publish", "iot:*", "*", "iot:Receive", "iot:?eceive", "iot:Connect"))
_statements = st.builds(
    lambda effect, action, actions, resource, resources: {"Effect": effect, action: actions, resource: resources},
    st.sampled_from(("Allow", "Allow", "Deny")),
    st.sampled_from(("Action", "Action", "Action", "NotAction")),
    st.one_of(_actions, st.lists(_actions, min_size=1, max_size=2)),
    st.sampled_from(("Resource", "Resource", "Resource", "NotResource")),
    st.one_of(_patterns, st.lists(_patterns, min_size=1, max_size=3)),
)
_documents = st.lists(
    st.fixed_dictionaries({"Statement": st.lists(_statements, min_size=1, max_size=3)}), min_size=1, max_size=2
)
_client_ids = st.one_of(st.none(), st.sampled_from(("a", "*", "?", "a*", "${*}", "b/")))


@given(_documents, _client_ids, _actions, st.text("ab/*?$", max_size=5))
def test_decisions_agree_with_the_reference(
    documents: list[dict[str, object]], client_id: str | None, action: str, resource: str
) -> None:
    variables = {} if client_id is None else {"iot:ClientId": client_id}
    found = Evaluator(documents, Connection(client_id=client_id)).allows(action, f"arn:{resource}")
    assert found == reference.decide(documents, action, f"arn:{resource}", variables)
