"""Arguments and options that the subcommands of `iot-authorizer users` share."""

from collections.abc import Mapping
from typing import Annotated

import typer

from iot_authorizer_cli.commands.users.rules import checked_claims

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.", show_default=False)]
Generate = Annotated[bool, typer.Option("--generate", help="Generate a password and print it once.")]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", metavar="ID", help="Include this client ID's failures; repeatable.")
]


def given_claims(text: str, option: str) -> Mapping[str, object]:
    """Reads claims of a user. Raises a usage error that names the option."""
    try:
        return checked_claims(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
