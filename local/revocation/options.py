"""Options that the subcommands of `iot-authorizer revoke` share, and what they stand for."""

import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from local.development import table_path
from local.function.lambda_function import ACCOUNT, REGION
from local.gateway.configured import Configured, read_configured
from local.identity_table import open_table
from local.revocation.connections import Connections, LocalConnections
from local.revocation.granted import is_client_id
from local.revocation.locking_out import Place
from policies.errors import printable
from policies.toml_file import read_file

DEV = "http://127.0.0.1:8080"
"""The plain port of `iot-authorizer dev`, unless it is told another one."""
CONFIGURATION = Path("authorizer.toml")
_FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:authorizer"

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
    str | None, typer.Option("--table", metavar="NAME", help="A table in DynamoDB. Unless given, dev's here.")
]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where dev's table is.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help=f"The configuration: {CONFIGURATION}, if it is there.")
]
EndpointUrl = Annotated[
    str | None, typer.Option(metavar="URL", help=f"Of connections. Unless given, {DEV}; with --table, AWS's.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Don't look for clients that come back.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; times in seconds since 1970.")]


def group(short_help: str, long_help: str, arguments: str) -> typer.Typer:
    """A command that has subcommands, and alone prints its help. `arguments` are those of its example."""

    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return typer.Typer(
        callback=show_help,
        invoke_without_command=True,
        help=long_help,
        short_help=short_help,
        epilog=example(arguments),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def example(arguments: str) -> str:
    """What the help of a subcommand ends with."""
    return f"\b\nExample: iot-authorizer revoke {arguments}"


def given_name(name: str) -> str:
    """A principal's name. Raises a usage error for none."""
    if not name:
        raise typer.BadParameter("expected a name", param_hint="NAME")
    return name


def given_client_ids(found: list[str] | None) -> tuple[str, ...]:
    """Client IDs. Raises a usage error for what can be none."""
    for each in found or ():
        if not is_client_id(each):
            raise typer.BadParameter("expected 1 to 128 characters, and no $ in front", param_hint="--client-id")
    return tuple(found or ())


def place(table: str | None, data: Path, config: Path | None, endpoint_url: str | None, no_wait: bool) -> Place:
    """Where somebody is locked out. Raises usage errors, InvalidFile, TableUnavailable and OSError."""
    return Place(
        table=open_table(table, data),
        configured=_configured(config, data),
        connections=_connections(table, endpoint_url),
        tell=tell,
        pause=None if no_wait else time.sleep,
    )


def tell(line: str) -> None:
    """A line for people, on standard error."""
    typer.echo(printable(f"iot-authorizer: {line}"), err=True)


def _configured(path: Path | None, data: Path) -> Configured:
    if path is not None:
        read_file(path)
    return read_configured(path or CONFIGURATION, _FUNCTION_ARN, table_path(data))


def _connections(table: str | None, endpoint_url: str | None) -> Connections:
    try:
        if table is None:
            return LocalConnections(endpoint_url or DEV)
        if endpoint_url is not None:
            _check_url(endpoint_url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint-url") from None
    from local.revocation.aws_connections import AwsConnections  # noqa: PLC0415 (boto3 takes long to load)

    return AwsConnections(endpoint_url)


def _check_url(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected a URL, as in https://HOST")
