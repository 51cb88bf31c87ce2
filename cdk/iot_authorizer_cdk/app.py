"""The CDK app: `cdk deploy -c stage=dev`, which `make deploy` calls."""

import json
import sys
from pathlib import Path

from aws_cdk import Acknowledgment, App, Tags, Validations, aws_lambda
from cdk_nag import AwsSolutionsChecks

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.authorizer_function import FunctionProps
from iot_authorizer_cdk.authorizer_stack import AuthorizerStack
from iot_authorizer_cdk.bounds import AUTHORIZER_NAME, check_text
from iot_authorizer_cdk.domain_stack import DomainProps, DomainStack
from iot_authorizer_cdk.settings import SOME_TABLE, TABLE, InvalidSettings, built_configuration
from iot_authorizer_cdk.stack_names import StackNames
from iot_authorizer_cdk.stages import Stage, read_stage
from iot_authorizer_cdk.target import LAMBDA
from iot_policies import InvalidFile

CODE = Path("build/lambda")
_FLAGS = Path(__file__).with_name("feature_flags.json")
"""What the CDK recommends to new apps (`cdk flags`), where that is another than it does by itself."""


def build_app(code: Path = CODE, context: dict[str, object] | None = None) -> App:
    """The app, with a context beside `cdk.json`'s. Raises InvalidFile and InvalidSettings."""
    flags: dict[str, object] = json.loads(_FLAGS.read_bytes())
    app = App(context=flags | (context or {}))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    name = str(app.node.try_get_context("stage") or "dev")
    stage = read_stage(app.node.try_get_context("stages"), name)
    Tags.of(app).add("stage", name)
    own_name = load_configuration(built_configuration(code), {TABLE: SOME_TABLE}).name
    authorizer_name = own_name + stage.suffix
    names = StackNames.of(own_name, name)
    expected = "with the authorizer's name before it 1 to 128 letters, digits and _=,@-"
    check_text(f"cdk.json: context.stages.{name}.suffix", authorizer_name, AUTHORIZER_NAME, expected)
    stack = AuthorizerStack(
        app,
        names.authorizer,
        code=code,
        name=authorizer_name if stage.suffix else None,
        function=_function(stage),
        caching_for_http=stage.caching_for_http,
        default=stage.default,
        alarm_topic_arn=stage.alarm_topic_arn,
        identity_table=stage.identity_table,
    )
    if stage.python != LAMBDA.python:
        reason = f"stage {name} says python {stage.python}"
        Validations.of(stack).acknowledge(Acknowledgment(id="AwsSolutions::AwsSolutions-L1", reason=reason))
    if stage.domain is not None:
        props = DomainProps(authorizer_name=authorizer_name, **stage.domain.model_dump())
        domain = DomainStack(app, names.domain, domain=props)
        domain.add_stack_dependency(stack)
    return app


def _function(stage: Stage) -> FunctionProps:
    """How the function runs in a stage."""
    family = aws_lambda.RuntimeFamily.PYTHON
    return FunctionProps(
        memory_size=stage.memory_size,
        reserved_concurrency=stage.reserved_concurrency,
        provisioned_concurrency=stage.provisioned_concurrency,
        snap_start=stage.snap_start,
        secret_keys=stage.secret_kms_key_arns,
        tracing=stage.tracing,
        architecture=aws_lambda.Architecture.custom(stage.architecture),
        runtime=aws_lambda.Runtime(f"python{stage.python}", family, supports_snap_start=True),
    )


def synthesize(app: App) -> None:
    """Writes the templates. Raises InvalidSettings where they break a rule, which the CDK has said by then."""
    try:
        app.synth()
    except RuntimeError as error:  # jsii's: the CDK's own errors have no other type here.
        if not str(error).startswith("ValidationFailed"):
            raise
        raise InvalidSettings("the templates break a rule: it stands above, and in validation-report.json") from None


def main() -> None:
    """Synthesizes. What can't be deployed is one line on standard error, and exit code 1."""
    try:
        synthesize(build_app())
    except (InvalidFile, InvalidSettings) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
