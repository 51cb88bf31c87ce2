"""The app that destroys finds the deployed stacks, even if the configuration is missing or invalid."""

from pathlib import Path

import pytest
from aws_cdk import App

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.app.stages import StackNames
from iot_authorizer_cdk.app.synthesis import build_destroy_app


def stacks(app: App) -> set[str]:
    return {stack.stack_name for stack in app.synth().stacks}


@pytest.mark.parametrize("has_domain", [True, False])
def test_it_has_the_stacks_of_a_stage(config: Path, has_domain: bool) -> None:
    stage = {"domain": {"name": "chat"}} if has_domain else {"suffix": "-prod"}
    names = StackNames.of("chat", "prod")
    expected = {names.authorizer, names.domain} if has_domain else {names.authorizer}
    assert stacks(build_destroy_app(config, {"stage": "prod", "stages": {"prod": stage}})) == expected


def test_only_the_name_is_needed(config: Path) -> None:
    config.write_text('# broken\nname   = "chat"\npolicy = nowhere\n[[')
    context: dict[str, object] = {"stage": "prod", "stages": {"prod": {"memory": True}}}
    assert stacks(build_destroy_app(config, context)) == {"IotAuthorizer-chat-prod"}


@pytest.mark.parametrize(
    ("stage", "content", "message"),
    [
        ("test", 'name = "chat"', r"stage test: not in cdk\.json under context\.stages, which has: prod"),
        ("prod", "name = chat", r"authorizer\.toml: found no line name = "),
    ],
)
def test_without_a_stage_or_a_name_it_destroys_nothing(config: Path, stage: str, content: str, message: str) -> None:
    config.write_text(content)
    with pytest.raises(InvalidSettings, match=message):
        build_destroy_app(config, {"stage": stage, "stages": {"prod": {}}})
