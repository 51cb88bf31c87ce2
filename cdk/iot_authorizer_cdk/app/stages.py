"""The stages of `cdk.json`: a table for each under `context.stages`. `-c stage=NAME` chooses one.

1. A stage has the properties of the construct, and what only the app has.
2. Its stacks are named after the authorizer in `authorizer.toml` and the stage.
3. Stages in one account share IoT Core: its endpoint, topics and client IDs. Unless a stage says whether it has its own
   account, the app warns.
4. Stages that may share an account must have different names of authorizers, and different identity tables. A rule of
   one must not get the messages of another.
5. Nothing here loads the CDK: building the Lambda directory also reads a stage.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from iot_authorizer.rule_settings import MessageRule, overlap, prefixed
from iot_authorizer_cdk.properties import (
    AuthorizerProps,
    DomainProps,
    InvalidSettings,
    check_arn,
    name_in_iot_core,
    plain_name,
)
from iot_policies.json_objects import unique_keys
from iot_policies.topics import HASH

_CDK_JSON = Path("cdk.json")
_LONGEST_NAME = 60
"""Letters of the authorizer's name in a stack's name, which may have 128 in total."""


@dataclass(frozen=True, kw_only=True)
class Stage(AuthorizerProps):
    """A stage's table."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    suffix: str = ""
    """Appended to the authorizer's name, so that stages can share an account."""
    own_account: bool | None = None
    """Whether no other stage is in its AWS account; False accepts what stages share, None makes the app warn."""
    default: bool = False
    """Whether the authorizer becomes the account's default."""
    alarm_topic_arn: str | None = None
    """The SNS topic that alarms notify."""
    identity_table: bool = False
    """Whether the stack has a table of users, revocations and counts of wrong passwords."""
    domain: DomainProps | None = None
    """A domain configuration whose clients use the authorizer."""

    def check(self) -> None:
        """Raises InvalidSettings for values that AWS would refuse or that exclude each other."""
        super().check()
        check_arn("alarm_topic_arn", self.alarm_topic_arn, "sns", "")
        if self.domain is not None:
            try:
                self.domain.check()
            except InvalidSettings as error:
                raise InvalidSettings(f"domain.{error}") from None


_STAGE = TypeAdapter(Stage)


@dataclass(frozen=True, slots=True)
class StackNames:
    """The names of a stage's stacks."""

    authorizer: str
    domain: str

    @classmethod
    def of(cls, configured_name: str, stage: str) -> "StackNames":
        """Returns names that no other authorizer and stage have: a stage's name contains no hyphen."""
        name = f"{plain_name(configured_name, '-', _LONGEST_NAME)}-{stage}"
        return cls(f"IotAuthorizer-{name}", f"IotAuthorizerDomain-{name}")


def stages_of_file(file: Path = _CDK_JSON) -> object:
    """Returns `context.stages` of cdk.json, for programs without the CDK. Raises InvalidSettings."""
    try:
        return json.loads(file.read_bytes(), object_pairs_hook=unique_keys)["context"]["stages"]
    except FileNotFoundError:
        advice = "run this in the folder of your project; a project that `iot-authorizer init` writes has it"
        raise InvalidSettings(f"{file}: file not found: {advice}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f": {error}" if isinstance(error, ValueError) else ""
        raise InvalidSettings(f"{file}: expected JSON with an object context.stages{problem}") from None


def deployed_names(configured: str, *, signing: bool, file: Path = _CDK_JSON) -> dict[str, str]:
    """Returns the name in IoT Core of each stage's authorizer, for programs without the CDK. Raises InvalidSettings.

    It is empty if the file does not exist or has no stages, as in a CDK app of one's own.
    """
    try:
        stages = stages_of_file(file)
    except InvalidSettings:
        return {}
    names = stages if isinstance(stages, dict) else {}
    suffixes = {name: read_stage(stages, name).suffix for name in names}
    return {name: name_in_iot_core(configured + suffix, signing=signing) for name, suffix in suffixes.items()}


def stage_tables(stages: object, name: str) -> dict[str, object]:
    """Returns all stages' tables. Raises InvalidSettings if the named stage is not one of them."""
    if isinstance(stages, dict) and name in stages:
        return stages
    known = ", ".join(sorted(stages)) if isinstance(stages, dict) else "none"
    raise InvalidSettings(f"stage {name}: not in cdk.json under context.stages, which has: {known}")


def read_stage(stages: object, name: str) -> Stage:
    """Returns one stage of `context.stages`, checked. Raises InvalidSettings."""
    tables, place = stage_tables(stages, name), f"cdk.json: context.stages.{name}"
    if re.fullmatch("[A-Za-z0-9]{1,40}", name) is None:
        raise InvalidSettings(f"{place}: expected a name of 1 to 40 letters and digits")
    try:
        stage = _STAGE.validate_json(json.dumps(tables[name]), strict=True)  # A text such as "true" is no boolean.
        stage.check()
    except ValidationError as error:
        raise InvalidSettings(_described(place, error)) from None
    except InvalidSettings as error:
        raise InvalidSettings(f"{place}.{error}") from None
    _check_suffix(tables, name, stage)
    return stage


def _described(place: str, error: ValidationError) -> str:
    """Returns the first mistake of a table in one line."""
    first = error.errors(include_url=False)[0]
    key = ".".join([place, *map(str, first["loc"])])
    if first["type"] == "unexpected_keyword_argument":
        return f"{key}: unknown key"
    if first["type"] == "missing":
        return f"{key}: this key is required"
    return f"{key}: found {first['input']!r}: {first['msg']}"


def neighbours(stages: Mapping[str, object], name: str, *, everywhere: bool = False) -> dict[str, Mapping[str, object]]:
    """Returns the tables of the other stages that may be in the account of the named one, or in any account."""
    tables: dict[str, Mapping[str, object]] = {key: each for key, each in stages.items() if isinstance(each, dict)}
    own = tables.pop(name, {})
    if everywhere:
        return tables
    if own.get("own_account") is True:
        return {}
    return {key: table for key, table in tables.items() if table.get("own_account") is not True}


def _check_suffix(stages: Mapping[str, object], name: str, stage: Stage) -> None:
    """Refuses the suffix of another stage that may be in the same account."""
    for other, table in neighbours(stages, name).items():
        if table.get("suffix", "") == stage.suffix:
            advice = 'set another, or "own_account": true in the one that has its own AWS account'
            raise InvalidSettings(f"cdk.json: context.stages.{name}.suffix: the same as {other}'s: {advice}")


def check_own_table(stages: Mapping[str, object], name: str, table: str | None) -> None:
    """Refuses an identity table that the configuration names for two stages. Raises InvalidSettings.

    The users of one stage would be users of the other. An ARN names the same table in every account.
    """
    if table is None:
        return
    is_arn = table.startswith("arn:")
    without = {key: each for key, each in neighbours(stages, name, everywhere=is_arn).items() if not _has_table(each)}
    if without and not _has_table(stages[name]):
        advice = 'set "identity_table": true in all but one'
        if not is_arn:
            advice += ', or "own_account": true in a stage that has its own AWS account'
        used = f"stages {name} and {', '.join(without)} would use one table, {table}"
        raise InvalidSettings(f"authorizer.toml: table: {used}: {advice}")


def check_own_messages(
    stages: Mapping[str, object], name: str, rules: Sequence[MessageRule], topic_prefix: str
) -> None:
    """Refuses rules that can get the messages of another stage, unless `own_account` is set. Raises InvalidSettings.

    Topics belong to the account. The messages of a stage are all below its topic prefix, and those to reserved topics.
    `topic_prefix` is the one of the configuration, for stages that have none.
    """
    own = stages[name]
    if not isinstance(own, dict) or own.get("own_account") is not None:
        return
    mine = _topic_prefix(own, topic_prefix)
    for other, table in neighbours(stages, name).items():
        (theirs,) = prefixed([HASH], _topic_prefix(table, topic_prefix))
        for rule in rules:
            for one in prefixed(rule.topics, mine):
                if one.startswith("$") or overlap(one, theirs):
                    problem = f"rule {rule.name}: stage {name} can get messages of stage {other}, by {one}"
                    advice = (
                        "set another topic_prefix for each stage (topics that begin with $aws have none), "
                        'or "own_account": true if it has its own AWS account, or "own_account": false to accept this'
                    )
                    raise InvalidSettings(f"authorizer.toml: {problem}, if they share an AWS account: {advice}")


def _topic_prefix(table: Mapping[str, object], configured: str) -> str:
    found = table.get("topic_prefix")
    return configured if found is None else str(found)  # null is the default, as if it was not set.


def _has_table(stage: object) -> bool:
    return isinstance(stage, dict) and stage.get("identity_table") is True
