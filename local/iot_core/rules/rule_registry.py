"""The account's topic rules: the configured ones, and those that the API created.

1. The configured rules come from the project and are only in memory. New ones replace all that came before.
2. The API's rules are kept in `topic_rules.json`, as CreateTopicRule takes them.
3. If both have a rule of one name, the configured one counts. A change or deletion of it holds until the next
   configuration.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from iot_core.rules.topic_rule import (
    TopicRule,
    TopicRuleError,
    TopicRuleExists,
    UnknownTopicRule,
    check_rule_name,
    read_rule,
)
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile
from iot_policies.toml_file import read_file

_ADVICE = "correct the file, or remove it"


class TopicRules:
    """All topic rules of the account."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """`folder` is the data folder; `clock` gives seconds since 1970. Raises InvalidFile for a broken file."""
        self._path = folder / "topic_rules.json"
        self._clock = clock
        self._stored = _read(self._path)
        self._configured: dict[str, TopicRule] = {}

    def __iter__(self) -> Iterator[TopicRule]:
        return iter({**self._stored, **self._configured}.values())

    def get(self, name: str) -> TopicRule | None:
        """The rule of this name, or None."""
        return self._configured.get(name) or self._stored.get(name)

    def filters(self) -> dict[str, str]:
        """The topic filters of all rules that are enabled, by the rules' names."""
        found = ((rule.name, rule.statement.topic_filter) for rule in self if not rule.disabled)
        return {name: topic_filter for name, topic_filter in found if topic_filter is not None}

    def describe(self, name: str) -> TopicRule:
        """The rule of this name. Raises UnknownTopicRule, InvalidTopicRule for an invalid name."""
        check_rule_name(name)
        found = self.get(name)
        if found is None:
            # IoT Core's words, also if the caller may do everything (terraform-provider-aws, topic_rule.go).
            raise UnknownTopicRule(f"Access to topic rule '{name}' was denied")
        return found

    def create(self, name: str, payload: dict[str, object]) -> None:
        """Creates a rule. Raises InvalidTopicRule, InvalidRuleSql, TopicRuleExists."""
        made = read_rule(name, payload, self._clock())
        if self.get(name) is not None:
            raise TopicRuleExists(f"Rule with name {name} already exists")
        self._put(made)

    def replace(self, name: str, payload: dict[str, object]) -> None:
        """Replaces a rule. Raises UnknownTopicRule, InvalidTopicRule, InvalidRuleSql."""
        self._put(read_rule(name, payload, self.describe(name).created_at))

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Disables or enables a rule. Raises UnknownTopicRule, InvalidTopicRule."""
        self._put(replace(self.describe(name), disabled=disabled))

    def delete(self, name: str) -> None:
        """Deletes a rule. Raises UnknownTopicRule, InvalidTopicRule."""
        self.describe(name)
        if self._configured.pop(name, None) is None:
            self._keep({key: rule for key, rule in self._stored.items() if key != name})

    def put_configured(self, rules: Iterable[TopicRule]) -> None:
        """Puts the configured rules into force, in place of those before. Creation dates stay by name."""
        before = self._configured
        self._configured = {
            rule.name: replace(rule, created_at=before[rule.name].created_at) if rule.name in before else rule
            for rule in rules
        }

    def _put(self, rule: TopicRule) -> None:
        if rule.name in self._configured:
            self._configured[rule.name] = rule
        else:
            self._keep({**self._stored, rule.name: rule})

    def _keep(self, rules: dict[str, TopicRule]) -> None:
        content = {name: {"createdAt": rule.created_at, **rule.payload()} for name, rule in rules.items()}
        write_whole(self._path, json.dumps(content, indent=2, ensure_ascii=False).encode())
        self._stored = rules


def _read(path: Path) -> dict[str, TopicRule]:
    """Reads `topic_rules.json`; without the file, there are no rules. Raises InvalidFile."""
    if not path.exists():
        return {}
    try:
        found = json.loads(read_file(path))
        return {name: read_rule(name, payload, float(payload.pop("createdAt"))) for name, payload in found.items()}
    except (TopicRuleError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidFile(path, None, "", f"{type(error).__name__}: {error}: {_ADVICE}") from None
