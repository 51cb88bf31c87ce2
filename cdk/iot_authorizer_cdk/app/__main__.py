"""The CDK app: `cdk deploy -c stage=dev`, which `make deploy` runs."""

import json
import sys
from pathlib import Path

from aws_cdk import Acknowledgment, App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.app.stacks import AuthorizerStack
from iot_authorizer_cdk.app.stages import StackNames, read_stage
from iot_authorizer_cdk.constructs.domain import DomainStack
from iot_authorizer_cdk.package.configuration import SAMPLE_TABLE, TABLE, built_configuration
from iot_authorizer_cdk.package.target import LAMBDA
from iot_authorizer_cdk.properties import InvalidSettings, check_authorizer_name
from iot_policies import InvalidFile

_CODE = Path("build/lambda")
_FLAGS = Path(__file__).with_name("feature_flags.json")
"""The feature flags that the CDK recommends for new apps (`cdk flags`) and does not set by default."""


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
    """Synthesizes the app. An error is one line on standard error and exit code 1."""
    try:
        synthesize(build_app())
    except (InvalidFile, InvalidSettings) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
