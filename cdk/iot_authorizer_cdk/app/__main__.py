"""The CDK app of a stage, which `make deploy` and `make destroy` run.

1. `python -m iot_authorizer_cdk.app` has the stacks of the stage that the context names (`cdk deploy -c stage=dev`).
2. `python -m iot_authorizer_cdk.app destroy` has empty stacks with the same names. It needs only the authorizer's name
   from `authorizer.toml`: a mistake elsewhere, or a lost key file, keeps no stack from being deleted.
3. An error is one line on standard error and exit code 1.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from aws_cdk import Acknowledgment, App, CfnWaitConditionHandle, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.app.stacks import AuthorizerStack, DomainStack
from iot_authorizer_cdk.app.stages import StackNames, read_stage, stage_tables
from iot_authorizer_cdk.package.configuration import CONFIGURATION, SAMPLE_TABLE, TABLE, built_configuration
from iot_authorizer_cdk.package.target import LAMBDA
from iot_authorizer_cdk.properties import InvalidSettings, check_authorizer_name
from iot_policies import InvalidFile

_CODE = Path("build/lambda")
_FLAGS = Path(__file__).with_name("feature_flags.json")
"""The feature flags that the CDK recommends for new apps (`cdk flags`) and does not set by default."""
_NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def build_app(code: Path = _CODE, context: dict[str, object] | None = None) -> App:
    """Returns the app, with context in addition to that of `cdk.json`. Raises InvalidFile and InvalidSettings."""
    flags: dict[str, object] = json.loads(_FLAGS.read_bytes())
    app = App(context=flags | (context or {}))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    name = str(app.node.try_get_context("stage") or "dev")
    stage = read_stage(app.node.try_get_context("stages"), name)
    Tags.of(app).add("stage", name)
    configured_name = load_configuration(built_configuration(code), {TABLE: SAMPLE_TABLE}).name
    authorizer_name = configured_name + stage.suffix
    check_authorizer_name(f"cdk.json: context.stages.{name}.suffix", authorizer_name, " with the authorizer's name")
    names = StackNames.of(configured_name, name)
    own_name = authorizer_name if stage.suffix else None
    stack = AuthorizerStack(app, names.authorizer, code=code, stage=stage, name=own_name)
    if stage.python != LAMBDA.python:
        reason = f"stage {name} sets python {stage.python}"
        Validations.of(stack).acknowledge(Acknowledgment(id="AwsSolutions::AwsSolutions-L1", reason=reason))
    if stage.domain is not None:
        domain = DomainStack(app, names.domain, domain=stage.domain, authorizer_name=authorizer_name)
        domain.add_stack_dependency(stack)
    return app


def build_destroy_app(config: Path, context: dict[str, object] | None = None) -> App:
    """Returns the app for the stage that the context names. Raises InvalidSettings, OSError."""
    app = App(context=context)
    stage = str(app.node.try_get_context("stage") or "dev")
    table = stage_tables(app.node.try_get_context("stages"), stage)[stage]
    found = _NAME.search(config.read_text("utf-8", errors="replace"))
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


def main() -> None:
    """Synthesizes the app that the argument chooses."""
    parser = argparse.ArgumentParser(prog="python -m iot_authorizer_cdk.app", description="Synthesize the CDK app.")
    parser.add_argument("action", nargs="?", choices=["destroy"], help="synthesize empty stacks, to destroy them")
    destroys = parser.parse_args().action == "destroy"
    try:
        synthesize(build_destroy_app(Path(CONFIGURATION)) if destroys else build_app())
    except (InvalidFile, InvalidSettings, OSError) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
