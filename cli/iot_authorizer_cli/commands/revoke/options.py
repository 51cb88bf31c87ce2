"""Options that the subcommands of `iot-authorizer revoke` share, and what they stand for."""

import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from iot_authorizer_cli.commands.revoke.connections import Connections, Ending, InTime
from iot_authorizer_cli.commands.revoke.granted import is_client_id
from iot_authorizer_cli.commands.revoke.known import Known, read_known
from iot_authorizer_cli.commands.revoke.local_connections import LocalConnections
from iot_authorizer_cli.commands.revoke.place import Place
from iot_authorizer_cli.commands.revoke.wording import what
from iot_authorizer_cli.project.development_issuer import ISSUER, table_path
from iot_authorizer_cli.project.identity_table import open_table
from iot_authorizer_cli.prompts import at_terminal
from iot_identities.revocations import Kind, Revocation
from iot_policies.errors import printable
from iot_policies.placeholders import is_safe
from iot_policies.toml_file import read_file

DEV = "http://127.0.0.1:8080"
"""The plain port of `iot-authorizer dev`, unless it is told another one."""
CONFIGURATION = Path("authorizer.toml")
_PATIENCE, _PATIENCE_FOR_AWS = 5.0, 20.0
"""Seconds that an endpoint has for a whole answer; at AWS, the first one asks for the account's endpoint as well."""

PrincipalName = Annotated[str, typer.Argument(metavar="NAME", help="As log lines have it.")]
TokenText = Annotated[
    str | None, typer.Argument(metavar="TOKEN", show_default=False, help="A JWT; - reads it from standard input.")
]
TokenId = Annotated[str | None, typer.Option("--id", metavar="JTI", help="In the place of the token: its ID,")]
IssuerOfToken = Annotated[str | None, typer.Option("--issuer", metavar="ISS", help="and its issuer.")]
Issuer = Annotated[str | None, typer.Option("--issuer", metavar="ISS", help="Tokens of this issuer alone.")]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="How long it holds: 30m, 24h, 30d; else until undone.")
]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", metavar="ID", help="A connection to end; may be repeated.")
]
TableName = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="The DynamoDB table. Unless given, this machine's, in --data."),
]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where this machine's table is kept.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help=f"The configuration: {CONFIGURATION}, if it is there.")
]
EndpointUrl = Annotated[
    str | None, typer.Option(metavar="URL", help=f"Of connections. Unless given, {DEV}; with --table, AWS's.")
]
CleanSession = Annotated[bool, typer.Option("--clean-session", help="End their sessions, too: what waits is lost.")]
NoWill = Annotated[bool, typer.Option("--no-will", help="Don't publish their Wills.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Don't look for clients that come back.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; times in seconds since 1970.")]


def given_name(name: str) -> str:
    """A principal's name. Raises a usage error for none."""
    if not name:
        raise typer.BadParameter("expected a name", param_hint="NAME")
    return name


def remarks_on_name(name: str) -> tuple[str, ...]:
    """Says of a name that can't stand in a topic that it is no pattern: somebody may take it for one."""
    if is_safe(name):
        return ()
    return (f"{name} is taken as this very name, and as no pattern or client ID: a client ID goes with --client-id",)


def given_client_ids(found: list[str] | None) -> tuple[str, ...]:
    """Client IDs. Raises a usage error for what can be none."""
    for each in found or ():
        if not is_client_id(each):
            raise typer.BadParameter("expected 1 to 128 characters, and no $ in front", param_hint="--client-id")
    return tuple(found or ())


def given_issuer(issuer: str | None) -> str | None:
    """An issuer, or None. Raises a usage error for an empty one: a variable that is not set would select nothing."""
    if issuer == "":
        raise typer.BadParameter("expected an issuer", param_hint="--issuer")
    return issuer


def remarks_on_issuer(issuer: str | None, known: Known, *, at_aws: bool) -> tuple[str, ...]:
    """Says that the configuration knows no such issuer, so that no token is concerned."""
    if issuer is None or known.names_issuer(issuer) or (issuer == ISSUER and not at_aws):
        return ()
    return (f"{known.path} names no issuer {issuer}: this locks out no token of any other",)


def agree(revocation: Revocation, *, yes: bool) -> None:
    """Asks before everybody's tokens are locked out. Raises a usage error where nobody is there to be asked."""
    if yes or revocation.kind is not Kind.BEFORE:
        return
    if not at_terminal():
        raise typer.BadParameter("expected where there is no terminal to ask at", param_hint="--yes")
    if not typer.confirm(f"Lock out {printable(what(revocation))}?", err=True):
        tell("nothing was revoked")
        raise typer.Exit(1)


def place(
    table: str | None, data: Path, config: Path | None, endpoint_url: str | None, no_wait: bool, ending: Ending
) -> Place:
    """Where somebody is locked out. Raises usage errors, InvalidFile, TableUnavailable and OSError."""
    if config is not None:
        read_file(config)
    _check_endpoint(table, endpoint_url)
    file = table_path(data)
    is_new = table is None and not file.exists()
    return Place(
        table=open_table(table, data),
        table_name=str(file) if table is None else table,
        known=read_known(config or CONFIGURATION, tell),
        connections=_connections(table, endpoint_url, ending),
        tell=tell,
        is_new=is_new,
        pause=None if no_wait else time.sleep,
        expected=table is not None or endpoint_url is not None,
        also_sessions=ending.clean_session,
    )


def tell(line: str) -> None:
    """A line for people, on standard error."""
    typer.echo(printable(f"iot-authorizer: {line}"), err=True)


def _check_endpoint(table: str | None, url: str | None) -> None:
    """Before anything is made. Raises a usage error."""
    try:
        if table is None:
            LocalConnections(url or DEV)
        elif url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("expected a URL, as in https://HOST")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint-url") from None


def _connections(table: str | None, url: str | None, ending: Ending) -> Connections:
    if table is None:
        return InTime(LocalConnections(url or DEV, ending), _PATIENCE)
    from iot_authorizer_cli.commands.revoke.aws_connections import AwsConnections  # noqa: PLC0415 (boto3 takes long to load)

    return InTime(AwsConnections(url, ending), _PATIENCE_FOR_AWS)
