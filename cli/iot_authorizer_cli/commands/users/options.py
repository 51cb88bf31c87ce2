"""Arguments and options that the commands share, and what they stand for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.commands.users.rules import checked_claims

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.", show_default=False)]
TableName = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="The DynamoDB table. Unless given, this machine's, in --data."),
]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where this machine's table is kept.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it: this once.")]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", metavar="ID", help="And this client ID's; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; times in seconds since 1970.")]


def given_claims(text: str, option: str) -> Mapping[str, object]:
    """Claims of a user. Raises a usage error that names the option."""
    try:
        return checked_claims(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
