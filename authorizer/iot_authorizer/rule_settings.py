"""`[[rule]]`: a function that is called for each message to some topics, by topic rules of IoT Core.

1. Each topic filter of a table becomes one topic rule, because a rule has one FROM.
2. The topic prefix is in front of each filter, as in the policy template; reserved topics, `$aws/…`, have none.
3. A rule's name belongs to the account: it begins with the authorizer's name, which has the stage's suffix in it.
4. Two filters of one table must not match the same topic: the function would be called twice for a message.
5. The SELECT is the same for all: the payload in base64, so that any payload passes, and what is known about the
   sender. A condition of the user's becomes its WHERE. IoT Core parses it, on this machine and in AWS.
6. Only a configuration with a `[[rule]]` loads this module: the authorizer does not need it.
"""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from iot_authorizer.token_settings import Text
from iot_policies.grants import StrictModel
from iot_policies.topic_prefix import below
from iot_policies.topics import HASH, PLUS, SHARE, Levels, contains, split

SQL_VERSION = "2016-03-23"
_SELECT = (
    "SELECT encode(*, 'base64') AS payload_base64, topic() AS topic, clientid() AS client_id, "
    "principal() AS principal, timestamp() AS timestamp"
)
RULE_HANDLER = "iot_authorizer.rule_handler.lambda_handler"
"""The Lambda handler that calls a function of the user's for each message."""
RULE_FUNCTION = "AUTHORIZER_RULE_FUNCTION"
"""The variable that names this function for the handler."""
FUNCTION_TIMEOUT = 30.0
"""Seconds that a function may take for one message."""
LONGEST_NAME = 128
"""Characters of a topic rule's name (CreateTopicRule, ruleName)."""
_MOST_SLASHES = 7
_LONGEST_FILTER = 256
"""Bytes of UTF-8 in a topic filter (AWS General Reference, message broker quotas)."""
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?", re.A)
"""Without `$LATEST`, for which Lambda accepts no permission (AddPermission, Qualifier)."""
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


def _rule_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("expected 1 to 64 letters, digits and underscores")
    return name


def _function(name: str) -> str:
    if _FUNCTION.fullmatch(name) is None and _ARN.fullmatch(name) is None:
        module = 'expected "MODULE.NAME", a function of a module beside this file, such as "my_rules.on_message"'
        raise ValueError(f"{module}, or the ARN of a Lambda function without $LATEST")
    return name


def _topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    for topic_filter in topics:
        if problem := _problem(topic_filter):
            raise ValueError(f"found {topic_filter}: {problem}")
    for one, other in combinations(topics, 2):
        if overlap(one, other):
            advice = "the function would be called twice for a message: remove one, or use two tables"
            raise ValueError(f"{one} and {other} match the same topics: {advice}")
    return topics


def _problem(topic_filter: str) -> str | None:
    levels = split(topic_filter)
    if any(len(level) > 1 and (PLUS in level or HASH in level) for level in levels) or HASH in levels[:-1]:
        return "+ and # must be the only character of their level, and # must be the last level"
    if levels[0].startswith("$") and levels[0] != "$aws":
        return f"{'a shared subscription is' if levels[0] == SHARE else 'topics that start with $ are'} not for rules"
    if levels[:2] == ("$aws", "rules"):
        return "basic ingest reaches a rule by its name, not by a filter"
    if len(levels) > _MOST_SLASHES + 1 or len(topic_filter.encode()) > _LONGEST_FILTER:
        return f"a filter has at most {_MOST_SLASHES} slashes and {_LONGEST_FILTER} bytes"
    return _wrong_characters(topic_filter)


def _wrong_characters(topic_filter: str) -> str | None:
    if "'" in topic_filter or "\\" in topic_filter or not topic_filter.isprintable():
        # unmeasured: whether \ begins an escape in a text of IoT Core's SQL.
        return "a quote, a backslash or an unprintable character cannot be in the SQL of a rule"
    if "{" in topic_filter or "}" in topic_filter:
        return "a rule is for all principals, so it has no placeholders: write + for a level of any text"
    return None


def _condition(condition: str) -> str:
    if not condition.isprintable():
        raise ValueError("expected one line of SQL, such as \"type = 'alarm' AND topic(2) <> 'test'\"")
    return condition


class NamedTopicFilter(NamedTuple):
    """One topic rule of a `[[rule]]`."""

    name: str
    """The rule's name in IoT Core."""
    topic_filter: str
    """With the topic prefix."""
    where: str | None = None
    """The rule's condition."""

    @property
    def sql(self) -> str:
        """The rule's statement."""
        return f"{_SELECT} FROM '{self.topic_filter}'" + ("" if self.where is None else f" WHERE {self.where}")


class MessageRule(StrictModel):
    """`[[rule]]`: a function that is called for each message."""

    name: Annotated[Text, AfterValidator(_rule_name)]
    topics: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_topics)]
    """Topic filters, without the topic prefix."""
    function: Annotated[Text, AfterValidator(_function)]
    """A function of the user's, `MODULE.NAME`, or the ARN of a Lambda function."""
    where: Annotated[Text, AfterValidator(_condition)] | None = None
    """A condition in SQL: other messages do not call the function."""

    @property
    def is_own_code(self) -> bool:
        """Whether the function is in a module beside the configuration."""
        return ":" not in self.function

    def gets(self, topic_filter: str) -> bool:
        """Whether one of its topic filters has all topics of another one."""
        return any(contains(split(each), split(topic_filter)) for each in self.topics)

    def topic_rules(self, authorizer: str, topic_prefix: str) -> Sequence[NamedTopicFilter]:
        """The topic rules of an authorizer's table. Raises ValueError for a name or a filter that is too long."""
        start = f"{re.sub('[^A-Za-z0-9_]', '_', authorizer)}_{self.name}"
        names = [start] if len(self.topics) == 1 else [f"{start}_{number + 1}" for number in range(len(self.topics))]
        filters = prefixed(self.topics, topic_prefix)
        for name, topic_filter in zip(names, filters, strict=True):
            if len(name) > LONGEST_NAME:
                raise ValueError(f"the rule would be called {name}: IoT Core accepts {LONGEST_NAME} characters")
            if problem := _problem(topic_filter):
                raise ValueError(f"found {topic_filter}: {problem}")
        return [NamedTopicFilter(*each, self.where) for each in zip(names, filters, strict=True)]


class RuleTables(StrictModel):
    """All `[[rule]]` of a configuration."""

    rule: tuple[MessageRule, ...]

    @classmethod
    def keys(cls) -> set[str]:
        """The keys of a table."""
        return set(MessageRule.model_fields)


def prefixed(topics: Sequence[str], topic_prefix: str) -> list[str]:
    """Topic filters below a topic prefix."""
    return ["/".join(below(topic_prefix, split(topic_filter))) for topic_filter in topics]


def overlap(one: str, other: str) -> bool:
    """Whether a topic can match both filters."""
    return _overlap(split(one), split(other))


def _overlap(one: Levels, other: Levels) -> bool:
    for first, second in ((one, other), (other, one)):
        if first[0] in (PLUS, HASH) and second[0].startswith("$"):
            return False
    for level, match in zip(one, other, strict=False):
        if HASH in (level, match):
            return True
        if PLUS not in (level, match) and level != match:
            return False
    return len(one) == len(other)
