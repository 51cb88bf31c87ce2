"""Arguments and options that several commands share, and the Typer apps that commands join."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.arguments import principal_name
from iot_policies import InvalidFile

CONFIG = Path("authorizer.toml")
"""The configuration file, if no other is given."""

Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="Read this configuration file.")]
DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Keep this machine's keys, messages and table in this folder.")
]
TableName = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="Use this DynamoDB table; default: this machine's table in --data."),
]
Handler = Annotated[str, typer.Option("--handler", metavar="NAME", help="Run this Lambda handler.")]
Region = Annotated[str, typer.Option("--region", metavar="REGION", help="Write this AWS region into ARNs.")]
Account = Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="Write this AWS account ID into ARNs.")]
PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="A policy template, such as policies/chat.toml.")]
PrincipalName = Annotated[
    str, typer.Option("--principal", metavar="ID", callback=principal_name, help="Set the principal's name.")
]
Claims = Annotated[str, typer.Option("--claims", metavar="JSON", help="Set the principal's claims.")]
ClientId = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="Use this MQTT client ID.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with times in seconds since 1970.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def require_config(path: Path) -> None:
    """Raises InvalidFile if the configuration does not exist."""
    if not path.exists():
        raise InvalidFile(path, None, "", "file not found: name your configuration with --config")


def new_app(path: str, text: str, example: str) -> typer.Typer:
    """An app for the subcommands of a command, such as `revoke undo`. Without a subcommand it prints its help."""

    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return typer.Typer(
        callback=show_help,
        invoke_without_command=True,
        help=text,
        epilog=_example(f"{path} {example}"),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def add_command(app: typer.Typer, path: str, command: Callable[..., None], example: str) -> None:
    """Adds a command to an app. `path` is what a user types, such as `users add`, `example` what may follow it."""
    app.command(path.rpartition(" ")[2], epilog=_example(f"{path} {example}"))(command)


def _example(words: str) -> str:
    return f"\b\nExample: iot-authorizer {words}".rstrip()
