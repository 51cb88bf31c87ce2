"""A topic rule, and what this machine understands of one.

- Actions are `lambda` and `republish`. Every other action, the headers of a republish and templates in a function's ARN
  are refused by their names: a rule is never created without a part of it.
- The error action is one of the same actions.
- The role of a republish is not looked at here. In AWS it must exist, trust IoT Core, and allow iot:Publish.
- Limits are those of botocore's model `iot` (TopicRulePayload). unmeasured: the texts of IoT Core's errors about
  rules and their SQL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import RULES, InvalidTopic, check_topic_filter, is_event, is_reserved, split_share
from iot_core.rules.sql_statement import (
    VERSION,
    InvalidSql,
    SqlStatement,
    TextTemplate,
    parse_statement,
    parse_template,
)

MOST_ACTIONS = 10
_NAME = re.compile(r"[a-zA-Z0-9_]{1,128}", re.ASCII)
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w$:-]+", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", re.ASCII)
_DEFAULT_VERSION = "2015-10-08"
_MEMBERS = {"sql", "description", "actions", "ruleDisabled", "awsIotSqlVersion", "errorAction"}


class TopicRuleError(Exception):
    """An operation on a topic rule that IoT Core refuses. Its text is the message."""


class InvalidTopicRule(TopicRuleError):
    """IoT Core or this machine does not accept a rule."""


class InvalidRuleSql(TopicRuleError):
    """The SQL of a rule is not accepted."""


class UnknownTopicRule(TopicRuleError):
    """There is no rule of that name."""


class TopicRuleExists(TopicRuleError):
    """A rule of that name exists already."""


@dataclass(frozen=True, slots=True)
class LambdaAction:
    """Invokes a function asynchronously."""

    function_arn: str

    def members(self) -> dict[str, object]:
        """The action as GetTopicRule shows it."""
        return {"lambda": {"functionArn": self.function_arn}}


@dataclass(frozen=True)
class RepublishAction:
    """Publishes the selection to another topic."""

    role_arn: str
    topic: str
    qos: int = 0

    @cached_property
    def template(self) -> TextTemplate:
        """The topic, parsed: `$$aws/…` is a reserved topic."""
        return parse_template(self.topic.removeprefix("$") if self.topic.startswith("$$") else self.topic)

    def members(self) -> dict[str, object]:
        """The action as GetTopicRule shows it."""
        return {"republish": {"roleArn": self.role_arn, "topic": self.topic, "qos": self.qos}}


RuleAction = LambdaAction | RepublishAction


@dataclass(frozen=True, kw_only=True)
class TopicRule:
    """A rule."""

    name: str
    sql: str
    actions: tuple[RuleAction, ...]
    error_action: RuleAction | None = None
    description: str | None = None
    disabled: bool = False
    created_at: float
    """Seconds since 1970."""

    @cached_property
    def statement(self) -> SqlStatement:
        """The SQL, parsed."""
        return parse_statement(self.sql)

    def payload(self) -> dict[str, object]:
        """The rule as CreateTopicRule takes it."""
        found: dict[str, object] = {
            "sql": self.sql,
            "actions": [action.members() for action in self.actions],
            "ruleDisabled": self.disabled,
            "awsIotSqlVersion": VERSION,
        }
        if self.description is not None:
            found["description"] = self.description
        return found | ({} if self.error_action is None else {"errorAction": self.error_action.members()})


def check_rule_name(name: str) -> None:
    """Checks a rule's name. Raises InvalidTopicRule."""
    if _NAME.fullmatch(name) is None:
        raise InvalidTopicRule(f"ruleName: found {name!r}, expected 1 to 128 letters, digits and underscores")


def read_rule(name: str, payload: Mapping[str, object], created_at: float) -> TopicRule:
    """Reads the payload of CreateTopicRule. Raises InvalidTopicRule, InvalidRuleSql."""
    check_rule_name(name)
    _only("topicRulePayload", payload, _MEMBERS)
    version = payload.get("awsIotSqlVersion", _DEFAULT_VERSION)
    if version != VERSION:
        raise InvalidTopicRule(f"awsIotSqlVersion: found {version}, but this machine only understands {VERSION}")
    actions, error_action, disabled = (payload.get(key) for key in ("actions", "errorAction", "ruleDisabled"))
    if not isinstance(disabled, bool | None):
        raise InvalidTopicRule(f"ruleDisabled: found {disabled!r}, expected true or false")
    if not isinstance(actions, list) or len(actions) > MOST_ACTIONS:
        raise InvalidTopicRule(f"actions: expected a list of at most {MOST_ACTIONS} actions")
    rule = TopicRule(
        name=name,
        sql=_text(payload, "sql", "sql"),
        actions=tuple(_action(f"actions[{index}]", action) for index, action in enumerate(actions)),
        error_action=None if error_action is None else _action("errorAction", error_action),
        description=None if payload.get("description") is None else _text(payload, "description", "description"),
        disabled=disabled is True,
        created_at=created_at,
    )
    _check_statement(rule)
    return rule


def _check_statement(rule: TopicRule) -> None:
    try:
        topic_filter = rule.statement.topic_filter
        if topic_filter is not None:
            check_topic_filter(topic_filter, IOT_CORE)
    except (InvalidSql, InvalidTopic) as error:
        raise InvalidRuleSql(f"sql: {error}") from None
    if topic_filter is not None and (split_share(topic_filter)[0] is not None or topic_filter.startswith(RULES)):
        raise InvalidRuleSql(f"sql: {topic_filter} is not a filter for rules")


def _action(place: str, found: object) -> RuleAction:
    if not isinstance(found, dict) or len(found) != 1:
        raise InvalidTopicRule(f"{place}: expected an object with one action")
    ((kind, members),) = found.items()
    if kind not in ("lambda", "republish"):
        raise InvalidTopicRule(f"{place}.{kind}: this machine only has the actions lambda and republish")
    if not isinstance(members, dict):
        raise InvalidTopicRule(f"{place}.{kind}: expected an object")
    return _lambda(f"{place}.lambda", members) if kind == "lambda" else _republish(f"{place}.republish", members)


def _lambda(place: str, members: Mapping[str, object]) -> LambdaAction:
    _only(place, members, {"functionArn"})
    arn = _text(members, "functionArn", f"{place}.functionArn")
    if _FUNCTION_ARN.fullmatch(arn) is None:
        raise InvalidTopicRule(f"{place}.functionArn: found {arn}, expected the ARN of a Lambda function")
    return LambdaAction(arn)


def _republish(place: str, members: Mapping[str, object]) -> RepublishAction:
    _only(place, members, {"roleArn", "topic", "qos"})
    role, topic = (_text(members, name, f"{place}.{name}") for name in ("roleArn", "topic"))
    qos = members.get("qos", 0)
    if type(qos) is not int or qos not in (0, 1):
        raise InvalidTopicRule(f"{place}.qos: found {qos!r}, expected 0 or 1")
    if _ROLE_ARN.fullmatch(role) is None:
        raise InvalidTopicRule(f"{place}.roleArn: found {role}, expected the ARN of a role")
    action = RepublishAction(role, topic, qos)
    if is_reserved(topic) and not topic.startswith(("$$aws/", "${")):
        raise InvalidTopicRule(f"{place}.topic: a reserved topic begins with $$aws/ here")
    if is_event(topic.removeprefix("$")):
        raise InvalidTopicRule(f"{place}.topic: only IoT Core publishes events")
    try:
        action.template  # noqa: B018 (it raises)
    except InvalidSql as error:
        raise InvalidTopicRule(f"{place}.topic: {error}") from None
    return action


def _only(place: str, members: Mapping[str, object], known: set[str]) -> None:
    for name in members.keys() - known:
        raise InvalidTopicRule(f"{place}.{name}: this machine does not support it")


def _text(members: Mapping[str, object], name: str, place: str) -> str:
    found = members.get(name)
    if not isinstance(found, str):
        raise InvalidTopicRule(f"{place}: expected a string")
    return found
