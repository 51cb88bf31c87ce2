"""`iot-authorizer credentials`: prints an access key of the owner or of a principal, or writes an AWS profile."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.commands.credentials.aws_profile import check_profile_name, write_profile
from iot_authorizer_cli.commands.credentials.limited import limited_key
from iot_authorizer_cli.project.development_issuer import DATA, make_folder
from iot_core.iam.access_keys import AccessKey, owner_key
from iot_policies import Principal
from iot_policies.account_region import EXAMPLE_PLACE, account_region

_PROFILE = "iot-authorizer"
_PROFILE_VARIABLE = "AWS_PROFILE"
_STALE = f"AWS_SESSION_TOKEN {_PROFILE_VARIABLE}"
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
    principal: Annotated[
        str | None,
        typer.Option(
            "--principal",
            metavar="ID",
            callback=options.principal_name,
            help="Give this principal temporary credentials instead, limited by the template.",
        ),
    ] = None,
    claims: options.Claims = "{}",
    client_id: Annotated[
        str | None,
        typer.Option(
            "--client-id",
            metavar="ID",
            callback=options.client_id,
            help="Allow only this MQTT client ID; default: one that the template allows the principal.",
        ),
    ] = None,
    expires: Annotated[
        str,
        typer.Option("--expires", metavar="DURATION", help="Let temporary credentials expire after 15m to 12h."),
    ] = "1h",
    config: options.Config = options.CONFIG,
    region: Annotated[
        str,
        typer.Option(
            "--region", metavar="REGION", callback=options.region_name, help="Set this AWS region, as in dev."
        ),
    ] = EXAMPLE_PLACE.region,
    account: options.Account = EXAMPLE_PLACE.account,
    data: options.DataFolder = DATA,
) -> None:
    """Print AWS credentials of the owner, or of a principal.

    A client signs its requests or its WebSocket URL with them. The owner may do everything, over MQTT and HTTPS. Its
    key is made once and kept in the data folder. A principal may do what the template grants it, with one client ID.
    AWS does not know these credentials.
    """
    place = account_region(region, account)
    if principal is not None:
        seconds = options.duration(expires, "--expires", "12h", "15m")
        known = Principal(principal, options.json_object(claims, "--claims"))
        key = limited_key(make_folder(data), config, known, client_id, place, seconds)
    elif client_id is not None or claims != "{}":
        raise typer.BadParameter("required with --client-id and --claims", param_hint="--principal")
    else:
        key = owner_key(make_folder(data), place)
    if output is Format.PROFILE:
        _write(key, profile, region)
    elif output is Format.PROCESS:
        typer.echo(json.dumps({"Version": 1, **_members(key)}))
    else:
        typer.echo(f"unset {_STALE}" if key.session_token is None else f"unset {_PROFILE_VARIABLE}")
        for name, value in _variables(key, region).items():
            typer.echo(f"export {name}={value}")


def _members(key: AccessKey) -> dict[str, str]:
    """The credentials as `credential_process` names them."""
    found = {"AccessKeyId": key.key_id, "SecretAccessKey": key.secret}
    if key.session_token is None:
        return found
    return {**found, "SessionToken": key.session_token, "Expiration": key.expiration or ""}


def _variables(key: AccessKey, region: str) -> dict[str, str]:
    token = {} if key.session_token is None else {"AWS_SESSION_TOKEN": key.session_token}
    return {
        "AWS_ACCESS_KEY_ID": key.key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        **token,
        "AWS_REGION": region,  # AWS's SDKs read one of the two.
        "AWS_DEFAULT_REGION": region,
    }


def _write(key: AccessKey, profile: str, region: str) -> None:
    path = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials").expanduser()
    token = {} if key.session_token is None else {"aws_session_token": key.session_token}
    settings = {"aws_access_key_id": key.key_id, "aws_secret_access_key": key.secret, **token, "region": region}
    with options.usage_errors("--profile"):
        check_profile_name(profile)
        write_profile(path, profile, settings)
    typer.echo(f"wrote the profile {profile} into {path}: use it with --profile {profile}, or AWS_PROFILE={profile}")
