"""The CDK app of a stage.

1. To deploy, it has the stacks of the stage that the context names (`cdk deploy -c stage=dev`). It builds the Lambda
   directory for the stage while it synthesizes.
2. To destroy, it has empty stacks with the same names. It needs only the authorizer's name from `authorizer.toml`: a
   mistake elsewhere, or a lost key file, keeps no stack from being deleted.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Acknowledgment, Annotations, App, CfnWaitConditionHandle, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cdk.app.stacks import AuthorizerStack, DomainStack
from iot_authorizer_cdk.app.stages import (
    StackNames,
    check_own_messages,
    check_own_table,
    neighbours,
    read_stage,
    stage_tables,
)
from iot_authorizer_cdk.package.target import LAMBDA
from iot_authorizer_cdk.properties import InvalidSettings, check_authorizer_name
from iot_policies.toml_file import read_file

SHARED_ACCOUNT = "iot-authorizer:sharedAccount"
"""The ID of the warning about stages that may share an account."""
_FLAGS = Path(__file__).with_name("feature_flags.json")
"""The feature flags that the CDK recommends for new apps (`cdk flags`) and does not set by default."""
_NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def build_app(config: Path, context: dict[str, object] | None = None) -> App:
    """Returns the app, with context in addition to that of `cdk.json`.

    Raises InvalidFile, InvalidSettings, UvError, OSError.
    """
    flags: dict[str, object] = json.loads(_FLAGS.read_bytes())
    app = App(context=flags | (context or {}), stack_traces=False)  # They would show lines of jsii only.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    name = str(app.node.try_get_context("stage") or "dev")
    stages = stage_tables(app.node.try_get_context("stages"), name)
    stage = read_stage(stages, name)
    Tags.of(app).add("stage", name)
    read_file(config)  # A missing file would be one without keys.
    configuration, _ = load_partial_configuration(config, {}, only=("name", "table", "topic_prefix", "rule"))
    check_own_table(stages, name, configuration.table)
    check_own_messages(stages, name, configuration.rule, configuration.topic_prefix)
    own_name = configuration.name + stage.suffix
    check_authorizer_name(f"cdk.json: context.stages.{name}.suffix", own_name, " with the authorizer's name")
    names = StackNames.of(configuration.name, name)
    stack = AuthorizerStack(app, names.authorizer, config=config, stage=stage, name=own_name if stage.suffix else None)
    if stage.own_account is None and (others := neighbours(stages, name)):
        Annotations.of(stack).add_warning_v2(SHARED_ACCOUNT, _shared(name, sorted(others)))
    if stage.python != LAMBDA.python:
        reason = f"stage {name} sets python {stage.python}"
        Validations.of(stack).acknowledge(Acknowledgment(id="AwsSolutions::AwsSolutions-L1", reason=reason))
    if stage.domain is not None:
        domain = DomainStack(app, names.domain, domain=stage.domain, authorizer_name=stack.authorizer.authorizer_name)
        domain.add_stack_dependency(stack)
    return app


def _shared(name: str, others: Sequence[str]) -> str:
    return (
        f"stage {name} and {', '.join(others)} share IoT Core's endpoint, topics and client IDs if they are in one AWS "
        "account. A client chooses the authorizer by its name: one that is allowed in one stage can read the topics of "
        "the other and disconnect its clients, as far as the template allows. Give each stage its own account and set "
        '"own_account": true, or set "own_account": false to accept this, with a topic_prefix for each stage.'
    )


def build_destroy_app(config: Path, context: dict[str, object] | None = None) -> App:
    """Returns the app for the stage that the context names. Raises InvalidSettings, OSError."""
    app = App(context=context)
    stage = str(app.node.try_get_context("stage") or "dev")
    table = stage_tables(app.node.try_get_context("stages"), stage)[stage]
    found = _NAME.search(config.read_text("utf-8-sig", errors="replace"))
    if found is None:
        raise InvalidSettings(f'{config}: found no line name = "…", which says what to destroy')
    names = StackNames.of(found[1], stage)
    stack = _empty(app, names.authorizer)
    if isinstance(table, dict) and table.get("domain") is not None:
        _empty(app, names.domain).add_stack_dependency(stack)
    return app


def _empty(app: App, name: str) -> Stack:
    stack = Stack(app, name)
    CfnWaitConditionHandle(stack, "Nothing")  # A template needs at least one resource, and this one does nothing.
    return stack


def synthesize(app: App) -> None:
    """Writes the templates. Raises InvalidSettings if they break a rule, which the CDK has printed by then."""
    try:
        app.synth()
    except RuntimeError as error:  # jsii raises no other type for the CDK's errors.
        if not str(error).startswith("ValidationFailed"):
            raise
        place = "the report above and validation-report.json name it"
        raise InvalidSettings(f"a template breaks a rule: {place}") from None
