"""The operations on topic rules, called by boto3, and the messages that reach rules over HTTPS."""

import re

import pytest

from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.core import ARN, FUNCTION_ARN
from tests.local.api.server import Service

ROLE = "arn:aws:iam::123456789012:role/republish"
REPUBLISH = {"republish": {"roleArn": ROLE, "topic": "copies/${topic(2)}", "qos": 1}}
INVOKE = {"lambda": {"functionArn": FUNCTION_ARN}}


def payload(sql: str = "SELECT * FROM 'ann/#'", *actions: object, **members: object) -> dict[str, object]:
    return {"sql": sql, "actions": list(actions), "awsIotSqlVersion": "2016-03-23", **members}


def test_a_rule_is_shown_as_it_was_created(iot: Boto) -> None:
    made = payload("SELECT * FROM 'ann/#'", REPUBLISH, INVOKE, errorAction=INVOKE, description="copies")
    iot("create_topic_rule", ruleName="copies", topicRulePayload=made, tags="team=x")
    found = iot("get_topic_rule", ruleName="copies")
    assert found["ruleArn"] == f"{ARN}rule/copies"
    del found["rule"]["createdAt"]
    assert found["rule"] == {"ruleName": "copies", "ruleDisabled": False, **made}


def test_rules_are_listed_in_pages_and_by_topic(iot: Boto) -> None:
    for name, topic_filter in {"a": "ann/+", "b": "bob/#", "c": "ann/#"}.items():
        iot("create_topic_rule", ruleName=name, topicRulePayload=payload(f"SELECT * FROM '{topic_filter}'"))
    pages = iot.pages("list_topic_rules", PaginationConfig={"PageSize": 2})
    assert [[rule["ruleName"] for rule in page["rules"]] for page in pages] == [["a", "b"], ["c"]]
    found = iot("list_topic_rules", topic="ann/x")["rules"]
    assert [(rule["ruleName"], rule["topicPattern"]) for rule in found] == [("a", "ann/+"), ("c", "ann/#")]


def test_a_rule_is_disabled_enabled_replaced_and_deleted(iot: Boto) -> None:
    iot("create_topic_rule", ruleName="a", topicRulePayload=payload())
    iot("disable_topic_rule", ruleName="a")
    assert iot("list_topic_rules", ruleDisabled=True)["rules"][0]["ruleName"] == "a"
    iot("enable_topic_rule", ruleName="a")
    assert iot("list_topic_rules", ruleDisabled=True)["rules"] == []
    iot("replace_topic_rule", ruleName="a", topicRulePayload=payload("SELECT * FROM 'bob/#'"))
    assert iot("get_topic_rule", ruleName="a")["rule"]["sql"] == "SELECT * FROM 'bob/#'"
    iot("delete_topic_rule", ruleName="a")
    assert iot("list_topic_rules")["rules"] == []


def test_a_second_rule_of_the_same_name_is_refused(iot: Boto) -> None:
    iot("create_topic_rule", ruleName="a", topicRulePayload=payload())
    with refused("ResourceAlreadyExistsException", 409):
        iot("create_topic_rule", ruleName="a", topicRulePayload=payload())


@pytest.mark.parametrize("operation", ["get", "delete", "enable", "disable"])
def test_a_missing_rule_is_answered_as_by_aws(iot: Boto, operation: str) -> None:
    with refused("UnauthorizedException", 401) as refusal:
        iot(f"{operation}_topic_rule", ruleName="a")
    assert refusal.message == "Access to topic rule 'a' was denied"


@pytest.mark.parametrize(
    "sql", ["SELECT upper(a) AS a FROM 'a'", "SELECT * FROM 'a/#/b'", "SELECT * FROM '$aws/rules/a/b'", "SELECT"]
)
def test_sql_that_is_not_understood_is_refused(iot: Boto, sql: str) -> None:
    with refused("SqlParseException", 400):
        iot("create_topic_rule", ruleName="a", topicRulePayload=payload(sql))


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"actions": [{"sqs": {"queueUrl": "https://x", "roleArn": ROLE}}]}, r"actions\[0\]\.sqs"),
        ({"errorAction": {"sns": {"targetArn": ROLE, "roleArn": ROLE}}}, r"errorAction\.sns"),
        ({"actions": [{"republish": {**REPUBLISH["republish"], "headers": {"contentType": "x"}}}]}, "headers"),
        ({"actions": [{"republish": {**REPUBLISH["republish"], "topic": "${upper(a)}"}}]}, "upper"),
        ({"actions": [{"republish": {**REPUBLISH["republish"], "topic": "$aws/things"}}]}, r"\$\$aws"),
        ({"actions": [{"republish": {**REPUBLISH["republish"], "topic": "$$aws/events/x"}}]}, "events"),
        ({"actions": [{"lambda": {"functionArn": "arn:aws:lambda:x:1:function:${topic()}"}}]}, "functionArn"),
        ({"awsIotSqlVersion": "2015-10-08"}, "awsIotSqlVersion"),
        ({"actions": [INVOKE] * 11}, "10 actions"),
    ],
)
def test_a_part_that_this_machine_does_not_have_is_refused_by_its_name(
    iot: Boto, members: dict[str, object], named: str
) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        iot("create_topic_rule", ruleName="a", topicRulePayload=payload() | members)
    assert re.search(named, refusal.message)


def test_a_message_over_https_is_republished(iot: Boto, service: Service, send: Send) -> None:
    iot("create_topic_rule", ruleName="a", topicRulePayload=payload("SELECT * FROM 'ann/#'", REPUBLISH))
    listener = service.do(lambda core: core.listen("listener", "copies/#"))
    assert send("POST", "/topics/ann%2Flobby", b"\xff", {"token": "ann"}).status == 200
    assert service.do(lambda _: [(each.topic, each.payload) for each in listener.received()]) == [
        ("copies/lobby", b"\xff")
    ]


def test_a_disabled_rule_gets_nothing(iot: Boto, service: Service, send: Send) -> None:
    iot("create_topic_rule", ruleName="a", topicRulePayload=payload("SELECT * FROM 'ann/#'", REPUBLISH))
    iot("disable_topic_rule", ruleName="a")
    listener = service.do(lambda core: core.listen("listener", "copies/#"))
    send("POST", "/topics/ann%2Flobby", b"{}", {"token": "ann"})
    assert service.do(lambda _: listener.received()) == []
