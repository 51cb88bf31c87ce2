"""What differs between stages: `cdk.json` has a table for each, and `-c stage=NAME` chooses one."""

from typing import Literal

from aws_cdk import aws_lambda
from pydantic import BaseModel, ConfigDict, ValidationError

from cdk.authorizer_function import FunctionProps
from cdk.bounds import check_text
from cdk.domain_stack import DomainProps
from cdk.settings import InvalidSettings

LATEST_PYTHON = "3.14"
"""The runtime that cdk-nag asks for (AwsSolutions-L1)."""


class StageDomain(BaseModel):
    """`domain`: a domain configuration for this stage's authorizer."""

    model_config = ConfigDict(extra="forbid")

    name: str
    protocol: Literal["MQTT_WSS", "SECURE_MQTT"] = "MQTT_WSS"
    allow_authorizer_override: bool = False
    domain_name: str | None = None
    certificate_arn: str | None = None
    validation_certificate_arn: str | None = None
    tls_policy: str | None = None

    def props(self, authorizer_name: str) -> DomainProps:
        """For the stack."""
        return DomainProps(authorizer_name=authorizer_name, **self.model_dump())


class Stage(BaseModel):
    """A stage's table."""

    model_config = ConfigDict(extra="forbid")

    suffix: str = ""
    """Behind the authorizer's name, so that stages can share an account."""
    memory_size: int = 512
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    snap_start: bool = False
    secret_kms_key_arns: tuple[str, ...] = ()
    tracing: bool = False
    caching_for_http: bool = False
    default: bool = False
    """Whether it is the account's default authorizer."""
    alarm_topic_arn: str | None = None
    identity_table: bool = False
    """Whether it has a table of users, revocations and counts of wrong passwords."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    python: Literal["3.11", "3.12", "3.13", "3.14"] = "3.14"
    """With the architecture, what the Lambda directory was built for."""
    domain: StageDomain | None = None

    def function(self) -> FunctionProps:
        """How the function runs in this stage."""
        family = aws_lambda.RuntimeFamily.PYTHON
        return FunctionProps(
            memory_size=self.memory_size,
            reserved_concurrency=self.reserved_concurrency,
            provisioned_concurrency=self.provisioned_concurrency,
            snap_start=self.snap_start,
            secret_keys=self.secret_kms_key_arns,
            tracing=self.tracing,
            architecture=aws_lambda.Architecture.custom(self.architecture),
            runtime=aws_lambda.Runtime(f"python{self.python}", family, supports_snap_start=True),
        )


def read_stage(stages: object, name: str) -> Stage:
    """One stage of the context. Raises InvalidSettings."""
    if not isinstance(stages, dict) or name not in stages:
        known = ", ".join(sorted(stages)) if isinstance(stages, dict) else "none"
        raise InvalidSettings(f"stage {name}: cdk.json has no such stage under context.stages, only: {known}")
    check_text(
        f"cdk.json: context.stages.{name}", name, "[A-Za-z0-9-]{1,100}", "a name of 1 to 100 letters, digits and -"
    )
    try:
        return Stage.model_validate(stages[name])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InvalidSettings(f"cdk.json: context.stages.{name}.{key}: {first['msg']}") from None
