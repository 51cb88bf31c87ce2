"""The registry of topic rules, and its file."""

from pathlib import Path

import pytest

from iot_core.rules.rule_registry import TopicRules
from iot_core.rules.topic_rule import InvalidTopicRule
from iot_policies import InvalidFile

RULE: dict[str, object] = {
    "sql": "SELECT * FROM 'a/#'",
    "actions": [{"lambda": {"functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}],
    "awsIotSqlVersion": "2016-03-23",
    "description": "ä",
}


def test_rules_survive_a_restart(tmp_path: Path) -> None:
    first = TopicRules(tmp_path, lambda: 1000.5)
    first.create("kept", RULE)
    first.create("deleted", RULE)
    first.delete("deleted")
    first.set_disabled("kept", True)
    (found,) = TopicRules(tmp_path)
    assert (found.name, found.created_at, found.disabled) == ("kept", 1000.5, True)
    assert found.payload() == {**RULE, "ruleDisabled": True}


@pytest.mark.parametrize("content", ["[]", "{", '{"a": {}}', '{"a": []}', '{"a": {"createdAt": 1, "sql": "SELECT"}}'])
def test_a_broken_file_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "topic_rules.json").write_text(content)
    with pytest.raises(InvalidFile, match=r"topic_rules\.json.*remove it"):
        TopicRules(tmp_path)


@pytest.mark.parametrize(
    ("member", "named"),
    [({"foo": 1}, "foo"), ({"ruleDisabled": "true"}, "ruleDisabled"), ({"createdAt": 1}, "createdAt")],
)
def test_a_member_that_no_rule_has_is_refused_by_its_name(
    tmp_path: Path, member: dict[str, object], named: str
) -> None:
    with pytest.raises(InvalidTopicRule, match=named):
        TopicRules(tmp_path).create("a", RULE | member)


def test_the_creation_date_of_a_configured_rule_stays(tmp_path: Path) -> None:
    rules = TopicRules(tmp_path, lambda: 1)
    rules.create("a", RULE)
    old = rules.describe("a")
    rules.put_configured([old])
    rules.replace("a", {**RULE, "sql": "SELECT * FROM 'b'"})
    assert rules.describe("a").created_at == 1
    rules.put_configured([old])
    assert rules.describe("a").sql == "SELECT * FROM 'a/#'"
