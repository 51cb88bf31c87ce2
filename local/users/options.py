"""Arguments and options that the commands share."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.", show_default=False)]
TableName = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="NAME", help="The DynamoDB table. Unless given, the one of --data: this machine's."
    ),
]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where this machine's table is kept.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it: this once.")]
ClientIds = Annotated[
    list[str] | None, typer.Option("--client-id", metavar="ID", help="And this client ID's; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; times in seconds since 1970.")]
