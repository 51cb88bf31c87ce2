"""The functions and topic rules of `[[rule]]` on this machine.

- Each function of the user's has execution environments of its own, with the same handler as in Lambda.
- Its ARN ends with the names of the authorizer and the rule.
- A rule that names an ARN invokes what has this ARN on this machine: usually nothing, which the feed reports.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer.rule_settings import (
    FUNCTION_TIMEOUT,
    RULE_FUNCTION,
    RULE_HANDLER,
    SQL_VERSION,
    MessageRule,
    NamedTopicFilter,
)
from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_authorizer_cli.project.handler import ChosenHandler
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import BrokenHandler
from iot_core.functions.loaded_function import LoadedFunction
from iot_core.rules.topic_rule import TopicRule, TopicRuleError, read_rule
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion
from iot_policies.toml_file import invalid_file, read_toml


class LoadFunction(Protocol):
    """Loads a handler with environment variables of its own, as the function of an ARN with a time-out in seconds."""

    def __call__(self, chosen: ChosenHandler, more: Mapping[str, str], arn: str, *, timeout: float) -> LoadedFunction:
        """Raises BrokenHandler, InvalidFile."""


def own_functions(configured: ProjectConfiguration) -> Iterator[tuple[MessageRule, ChosenHandler]]:
    """The rules whose functions are in the configuration's folder, each with its function."""
    for rule, _ in configured.rules.values():
        if rule.is_own_code:
            yield rule, ChosenHandler(rule.function, configured.path.parent.absolute())


def code_files(configured: ProjectConfiguration) -> frozenset[Path]:
    """The files of their code, also those that are missing. Raises InvalidFile."""
    found: set[Path] = set()
    for _, function in own_functions(configured):
        module = function.name.rpartition(".")[0].replace(".", "/")
        found |= {function.folder / f"{module}.py", *function.files()}
    return frozenset(found)


def load_functions(
    configured: ProjectConfiguration, place: AccountRegion, load: LoadFunction, unchanged: Callable[[], bool]
) -> dict[str, ExecutionEnvironments]:
    """Loads the functions, by their ARNs. Raises BrokenHandler, InvalidFile."""
    found: dict[str, ExecutionEnvironments] = {}
    try:
        for rule, function in own_functions(configured):
            run = ChosenHandler(RULE_HANDLER, function.folder)
            arn = _arn(configured.description.name, rule, place)
            start = partial(load, run, {RULE_FUNCTION: function.name}, arn, timeout=FUNCTION_TIMEOUT)
            found[arn] = ExecutionEnvironments(start, timeout=FUNCTION_TIMEOUT, unchanged=unchanged)
    except BrokenHandler as error:
        close_functions(found)
        raise BrokenHandler(f"[[rule]] {rule.name}: {error}") from None
    except BaseException:
        close_functions(found)
        raise
    return found


def close_functions(functions: Mapping[str, ExecutionEnvironments]) -> None:
    """Ends the functions' threads."""
    for function in functions.values():
        function.close()


def topic_rules(configured: ProjectConfiguration, place: AccountRegion, now: float) -> list[TopicRule]:
    """The topic rules of a configuration, created at `now`, in seconds since 1970. Raises InvalidFile."""
    return list(_topic_rules(configured.path, configured.rules, configured.description.name, place, now))


def check_topic_rules(config: Path) -> None:
    """Checks the topic rules of a configuration that is to be deployed, as this machine does. Raises InvalidFile."""
    found = load_partial_configuration(config, {}, only=("name", "topic_prefix", "rule"))[0]
    list(_topic_rules(config, found.rules, found.name, EXAMPLE_PLACE, 0))


def _topic_rules(
    path: Path,
    rules: Mapping[str, tuple[MessageRule, Sequence[NamedTopicFilter]]],
    authorizer: str,
    place: AccountRegion,
    now: float,
) -> Iterator[TopicRule]:
    for index, (rule, filters) in enumerate(rules.values()):
        arn = _arn(authorizer, rule, place) if rule.is_own_code else rule.function
        for each in filters:
            actions = [{"lambda": {"functionArn": arn}}]
            payload = {"sql": each.sql, "actions": actions, "awsIotSqlVersion": SQL_VERSION}
            try:
                yield read_rule(each.name, payload, now)
            except TopicRuleError as error:
                location = ("rule", index, "topics" if rule.where is None else "where")
                raise invalid_file(path, read_toml(path)[1], location, str(error)) from None


def _arn(authorizer: str, rule: MessageRule, place: AccountRegion) -> str:
    return f"{place.arn_prefix('lambda')}function:{authorizer}-{rule.name}"
