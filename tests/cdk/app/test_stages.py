"""The stages of cdk.json."""

import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from iot_authorizer.rule_settings import MessageRule
from iot_authorizer_cdk import DomainProps, InvalidSettings
from iot_authorizer_cdk.app.stages import (
    StackNames,
    Stage,
    check_own_messages,
    check_own_table,
    read_stage,
    stages_of_file,
)

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/identities"


def test_a_stage_has_the_constructs_properties_and_the_apps() -> None:
    table = {"memory_size": 1024, "own_account": True, "suffix": "-prod", "domain": {"name": "chat"}}
    expected = Stage(memory_size=1024, own_account=True, suffix="-prod", domain=DomainProps(name="chat"))
    assert read_stage({"prod": table}, "prod") == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, ": found 3: Input should be an object"),
        ({"sufix": "-dev"}, ".sufix: unknown key"),
        ({"own_account": "true"}, ".own_account: found 'true': Input should be a valid boolean"),
        ({"memory_size": "1024"}, ".memory_size: found '1024': Input should be a valid integer"),
        ({"python": "3.10"}, ".python: found '3.10': Input should be '3.11', "),
        ({"log_retention_days": 31}, ".log_retention_days: found 31: Input should be 1, 3, "),
        ({"memory_size": 64}, ".memory_size: found 64, expected 128 to 10240 MB"),
        ({"alarm_topic_arn": "alarms"}, ".alarm_topic_arn: found 'alarms', expected an ARN, arn:aws:sns"),
        ({"domain": {}}, r"\.domain\.name: this key is required"),
        ({"domain": {"name": "chat", "nam": "chat"}}, r"\.domain\.nam: unknown key"),
        ({"domain": {"name": "chat room"}}, r"\.domain\.name: found 'chat room', expected 1 to 128 letters"),
    ],
)
def test_a_mistake_is_reported_with_its_key(table: object, message: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"^cdk\.json: context\.stages\.dev{message}"):
        read_stage({"dev": table}, "dev")


@pytest.mark.parametrize(
    ("stages", "name", "message"),
    [
        ({"dev": {}}, "test", r"stage test: not in cdk\.json under context\.stages, which has: dev"),
        (None, "dev", "which has: none"),
        ({"my-stage": {}}, "my-stage", r"cdk\.json: context\.stages\.my-stage: expected a name of 1 to 40 letters"),
        ({"dev": {}, "prod": {}}, "prod", r"context\.stages\.prod\.suffix: the same as dev's: set another, or "),
        ({"dev": {}, "prod": {"suffix": ""}}, "prod", r"context\.stages\.prod\.suffix: the same as dev's"),
    ],
)
def test_a_stage_must_exist_and_have_its_own_names(stages: object, name: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read_stage(stages, name)


OWN: dict[str, object] = {"own_account": True}


@pytest.mark.parametrize(("dev", "prod"), [(OWN, {}), ({}, OWN), (OWN, OWN)])
def test_stages_of_which_one_has_its_own_account_may_have_one_name_and_name_one_table(
    dev: dict[str, object], prod: dict[str, object]
) -> None:
    stages = {"dev": dev, "prod": prod}
    assert read_stage(stages, "prod").suffix == read_stage(stages, "dev").suffix
    check_own_table(stages, "prod", "identities")


@pytest.mark.parametrize(
    ("table", "dev", "prod", "is_refused"),
    [
        (None, {}, {}, False),
        ("identities", {}, {}, True),
        ("identities", {"own_account": False}, {"own_account": False}, True),
        ("identities", {"identity_table": True}, {}, False),
        ("identities", {}, {"identity_table": True}, False),
        (TABLE_ARN, OWN, OWN, True),
        (TABLE_ARN, OWN, {"identity_table": True}, False),
    ],
)
def test_two_stages_never_use_one_identity_table(
    table: str | None, dev: dict[str, object], prod: dict[str, object], is_refused: bool
) -> None:
    message = f"authorizer.toml: table: stages prod and dev would use one table, {table}: set"
    with pytest.raises(InvalidSettings, match=re.escape(message)) if is_refused else nullcontext():
        check_own_table({"dev": dev, "prod": prod}, "prod", table)


@pytest.mark.parametrize(
    ("topic", "dev", "prod", "is_refused"),
    [
        ("rooms/#", {}, {}, True),
        ("rooms/#", {"topic_prefix": "dev"}, {}, False),
        ("+/say", {"topic_prefix": "dev"}, {}, True),  # A client of dev can publish to dev/say.
        ("rooms/#", {}, {"topic_prefix": "prod"}, True),  # And one without a prefix to prod/rooms/lobby.
        ("rooms/#", {"topic_prefix": "dev"}, {"topic_prefix": "dev/prod"}, True),
        ("#", {"topic_prefix": "dev"}, {}, True),
        ("rooms/#", {}, {"topic_prefix": None}, True),
        ("rooms/#", {"topic_prefix": None}, {}, True),
        ("#", {"topic_prefix": "dev"}, {"topic_prefix": "prod"}, False),
        ("$aws/events/#", {"topic_prefix": "dev"}, {"topic_prefix": "prod"}, True),
        ("$aws/events/#", {}, {"own_account": False}, False),
        ("$aws/events/#", {}, {"own_account": True}, False),
        ("$aws/events/#", {"own_account": True}, {}, False),
    ],
)
def test_a_rule_gets_no_messages_of_another_stage_unless_this_is_accepted(
    topic: str, dev: dict[str, object], prod: dict[str, object], is_refused: bool
) -> None:
    rule = MessageRule(name="on_say", topics=(topic,), function="my_rules.on_message")
    message = "authorizer.toml: rule on_say: stage prod can get messages of stage dev"
    with pytest.raises(InvalidSettings, match=re.escape(message)) if is_refused else nullcontext():
        check_own_messages({"dev": dev, "prod": prod}, "prod", [rule], "")


def test_the_stages_are_read_from_cdk_json(tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    file.write_text('{"context": {"stages": {"dev": {}}}}')
    assert stages_of_file(file) == {"dev": {}}
    twice = '{"context": {"stages": {"dev": {}, "dev": {"topic_prefix": "dev"}}}}'
    for content in ("", "[]", '{"context": {}}', "[" * 100_000, twice):
        file.write_text(content)
        with pytest.raises(InvalidSettings, match=r"cdk\.json: expected JSON with an object context\.stages"):
            stages_of_file(file)


def test_every_authorizer_and_stage_has_its_own_stacks() -> None:
    pairs = [(name, stage) for name in ("chat", "a=b", "a@b", "x" * 128) for stage in ("dev", "prod")]
    names = [StackNames.of(*pair) for pair in pairs]
    assert names[0] == StackNames("IotAuthorizer-chat-dev", "IotAuthorizerDomain-chat-dev")
    assert len({name for each in names for name in (each.authorizer, each.domain)}) == 2 * len(pairs)


def test_building_the_lambda_directory_does_not_load_the_cdk() -> None:
    check = "import iot_authorizer_cli.commands.build, sys; sys.exit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
