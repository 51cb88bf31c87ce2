"""`iot-authorizer credentials`: prints the owner's access key, or writes it into an AWS profile."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.commands.credentials.aws_profile import check_profile_name, write_profile
from iot_authorizer_cli.options import DataFolder, region_name, usage_errors
from iot_authorizer_cli.project.development_issuer import DATA, make_folder
from iot_core.iam.access_keys import AccessKey, owner_key
from iot_policies.account_region import EXAMPLE_PLACE

_PROFILE = "iot-authorizer"
_STALE = "AWS_SESSION_TOKEN AWS_PROFILE"
"""Variables that would spoil the credentials: a session token is of another key, and some SDKs prefer a profile."""


class Format(StrEnum):
    """In which form the credentials are given."""

    ENV = "env"
    PROCESS = "process"
    PROFILE = "profile"


def credentials(
    output: Annotated[
        Format,
        typer.Option(
            "--format",
            help="env prints commands for a shell, process prints the JSON of credential_process, profile writes an "
            "AWS profile.",
        ),
    ] = Format.ENV,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="With --format profile, write the profile of this name.")
    ] = _PROFILE,
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", callback=region_name, help="Set this AWS region, as in dev.")
    ] = EXAMPLE_PLACE.region,
    data: DataFolder = DATA,
) -> None:
    """Print credentials of the account's owner on this machine.

    A client that signs with them may do everything at the local endpoint, over MQTT and HTTPS. The key is made once and
    kept in the data folder. AWS does not know it.
    """
    key = owner_key(make_folder(data), EXAMPLE_PLACE)
    if output is Format.PROFILE:
        _write(key, profile, region)
    elif output is Format.PROCESS:
        typer.echo(json.dumps({"Version": 1, "AccessKeyId": key.key_id, "SecretAccessKey": key.secret}))
    else:
        typer.echo(f"unset {_STALE}")
        for name, value in _variables(key, region).items():
            typer.echo(f"export {name}={value}")


def _variables(key: AccessKey, region: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": key.key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": region,  # AWS's SDKs read one of the two.
        "AWS_DEFAULT_REGION": region,
    }


def _write(key: AccessKey, profile: str, region: str) -> None:
    path = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials").expanduser()
    settings = {"aws_access_key_id": key.key_id, "aws_secret_access_key": key.secret, "region": region}
    with usage_errors("--profile"):
        check_profile_name(profile)
        write_profile(path, profile, settings)
    typer.echo(f"wrote the profile {profile} into {path}: use it with --profile {profile}, or AWS_PROFILE={profile}")
