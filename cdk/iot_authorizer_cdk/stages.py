"""What differs between stages: `cdk.json` has a table for each, and `-c stage=NAME` chooses one."""

import json
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from iot_authorizer_cdk.settings import InvalidSettings
from iot_authorizer_cdk.target import Target

_CDK_JSON = Path("cdk.json")


class StageDomain(BaseModel):
    """`domain`: a domain configuration for this stage's authorizer."""

    model_config = ConfigDict(extra="forbid")

    name: str
    protocol: Literal["MQTT_WSS", "SECURE_MQTT"] = "MQTT_WSS"
    allow_authorizer_override: bool = False
    domain_name: str | None = None
    certificate_arn: str | None = None
    validation_certificate_arn: str | None = None
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    tls_policy: str | None = None


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
    """With the architecture, what the Lambda directory is built for."""
    domain: StageDomain | None = None

    @property
    def target(self) -> Target:
        """What the function runs on."""
        return Target(self.python, self.architecture)


def stages_of_file(file: Path = _CDK_JSON) -> object:
    """What `cdk.json` has under `context.stages`, for what runs without the CDK. Raises InvalidSettings, OSError."""
    try:
        return json.loads(file.read_bytes())["context"]["stages"]
    except (ValueError, KeyError, TypeError):
        raise InvalidSettings(f"{file}: expected JSON with context.stages") from None


def read_stage(stages: object, name: str) -> Stage:
    """One stage of the context. Raises InvalidSettings."""
    if not isinstance(stages, dict) or name not in stages:
        known = ", ".join(sorted(stages)) if isinstance(stages, dict) else "none"
        raise InvalidSettings(f"stage {name}: cdk.json has no such stage under context.stages, only: {known}")
    if re.fullmatch("[A-Za-z0-9]{1,40}", name) is None:
        raise InvalidSettings(f"cdk.json: context.stages.{name}: expected a name of 1 to 40 letters and digits")
    try:
        stage = Stage.model_validate(stages[name])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InvalidSettings(f"cdk.json: context.stages.{name}.{key}: {first['msg']}") from None
    _check_shared(stages, name, stage)
    return stage


def _check_shared(stages: dict[str, object], name: str, stage: Stage) -> None:
    """Stages may have one name in accounts of their own; where `suffix` is only left out, it was forgotten."""
    for other, table in stages.items():
        said = table.get("suffix") if isinstance(table, dict) else None
        if other == name or (said or "") != stage.suffix:
            continue
        if said is None or "suffix" not in stage.model_fields_set:
            advice = f'give one another, or say "suffix": "{stage.suffix}" in both if they are in accounts of their own'
            raise InvalidSettings(f"cdk.json: context.stages.{name}.suffix: the same as {other}'s: {advice}")
