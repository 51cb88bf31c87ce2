"""What is to be destroyed is found, whatever became of what was deployed."""

from pathlib import Path

import pytest
from aws_cdk import App

from iot_authorizer_cdk import app, destroy_app
from iot_authorizer_cdk.settings import InvalidSettings


def stacks(built: App) -> list[str]:
    return [stack.stack_name for stack in built.synth().stacks]


@pytest.mark.parametrize("stage", [{"domain": {"name": "chat"}}, {"suffix": "-prod"}], ids=["domain", "none"])
def test_it_has_the_stacks_that_were_deployed(code: Path, stage: dict[str, object]) -> None:
    context: dict[str, object] = {"stage": "prod", "stages": {"prod": stage}}
    deployed = stacks(app.build_app(code, context))
    assert stacks(destroy_app.build_app(code / "authorizer.toml", context)) == deployed


def test_a_broken_configuration_and_a_broken_stage_are_no_reason_not_to(tmp_path: Path) -> None:
    (tmp_path / "authorizer.toml").write_text('# broken\nname   = "chat"\npolicy = nowhere\n[[')
    context: dict[str, object] = {"stage": "prod", "stages": {"prod": {"memory": True}}}
    assert stacks(destroy_app.build_app(tmp_path / "authorizer.toml", context)) == ["IotAuthorizer-chat-prod"]


def test_a_stage_that_there_is_not_destroys_nothing(code: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"stage test: cdk\.json has no such stage"):
        destroy_app.build_app(code / "authorizer.toml", {"stage": "test", "stages": {"prod": {}}})
