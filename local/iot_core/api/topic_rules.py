"""CreateTopicRule, GetTopicRule, ListTopicRules, ReplaceTopicRule, DeleteTopicRule, EnableTopicRule, DisableTopicRule.

A rule that does not exist is answered with UnauthorizedException, as by IoT Core (terraform-provider-aws,
topic_rule.go). Tags are accepted and not kept.
"""

from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import topic_rule_errors
from iot_core.api.parameters import invalid_next_token, label, page, query_boolean, query_integer, read_json
from iot_core.core import IotCore
from iot_core.rules.topic_rule import TopicRule
from iot_policies.topics import matches

_MOST_RESULTS = 10_000
_PAGE = 100
"""Rules of a page without maxResults. unmeasured: how many rules ListTopicRules answers then (assumed: 100)."""


class TopicRuleBody(RootModel[dict[str, object]]):
    """The body of CreateTopicRule and ReplaceTopicRule: the rule itself, which the registry checks."""


class TopicRuleOperations:
    """The operations on topic rules."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def create(self, request: Request) -> Response:
        """CreateTopicRule. Raises ApiError."""
        name, body = label(request, "ruleName"), await read_json(request, TopicRuleBody)
        with topic_rule_errors(self._core.arn, name):
            self._core.rules.create(name, body.root)
        return self._applied()

    async def replace(self, request: Request) -> Response:
        """ReplaceTopicRule. Raises ApiError."""
        name, body = label(request, "ruleName"), await read_json(request, TopicRuleBody)
        with topic_rule_errors(self._core.arn, name):
            self._core.rules.replace(name, body.root)
        return self._applied()

    async def get(self, request: Request) -> Response:
        """GetTopicRule. Raises ApiError."""
        name = label(request, "ruleName")
        with topic_rule_errors(self._core.arn, name):
            rule = self._core.rules.describe(name)
        shown = {"ruleName": name, "createdAt": round(rule.created_at, 3), **rule.payload()}
        return JSONResponse({"ruleArn": self._core.arn("rule", name), "rule": shown})

    async def list(self, request: Request) -> Response:
        """ListTopicRules: all rules, or those that a topic starts. Raises ApiError."""
        size = query_integer(request, "maxResults", 1, _MOST_RESULTS) or _PAGE
        topic = request.query_params.get("topic")
        disabled = query_boolean(request, "ruleDisabled") if "ruleDisabled" in request.query_params else None
        found = [
            rule
            for rule in self._core.rules
            if disabled in (None, rule.disabled) and (topic is None or _starts(rule, topic))
        ]
        token = request.query_params.get("nextToken")
        shown, following = page(found, lambda rule: rule.name, size, token, invalid_next_token())
        return JSONResponse({"rules": [self._summary(rule) for rule in shown], "nextToken": following})

    async def delete(self, request: Request) -> Response:
        """DeleteTopicRule. Raises ApiError. unmeasured: that DeleteTopicRule refuses a missing rule (assumed)."""
        name = label(request, "ruleName")
        with topic_rule_errors(self._core.arn, name):
            self._core.rules.delete(name)
        return self._applied()

    async def enable(self, request: Request) -> Response:
        """EnableTopicRule. Raises ApiError."""
        return self._set_disabled(label(request, "ruleName"), False)

    async def disable(self, request: Request) -> Response:
        """DisableTopicRule. Raises ApiError."""
        return self._set_disabled(label(request, "ruleName"), True)

    def _set_disabled(self, name: str, disabled: bool) -> Response:
        with topic_rule_errors(self._core.arn, name):
            self._core.rules.set_disabled(name, disabled)
        return self._applied()

    def _applied(self) -> Response:
        self._core.apply_rules()
        return JSONResponse({})

    def _summary(self, rule: TopicRule) -> dict[str, object]:
        return {
            "ruleArn": self._core.arn("rule", rule.name),
            "ruleName": rule.name,
            "topicPattern": rule.statement.topic_filter,
            "createdAt": round(rule.created_at, 3),
            "ruleDisabled": rule.disabled,
        }


def _starts(rule: TopicRule, topic: str) -> bool:
    topic_filter = rule.statement.topic_filter
    return topic_filter is not None and matches(topic_filter, topic)
