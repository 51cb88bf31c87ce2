"""`iot-authorizer users`: a command line of its own below the other."""

import typer

from iot_authorizer_cli.users import changing, importing, passwords, showing


def register(app: typer.Typer) -> None:
    """Adds the commands to a command line."""
    users = typer.Typer(
        callback=_help,
        invoke_without_command=True,
        short_help="Add, change, show and import users with passwords.",
        epilog="\b\nExample: iot-authorizer users add pump-7 --generate",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    passwords.register(users)
    changing.register(users)
    showing.register(users)
    importing.register(users)
    app.add_typer(users, name="users")


def _help(context: typer.Context) -> None:
    """Users with passwords and claims, in a DynamoDB table or, for development, in one of this machine's.

    Passwords are asked for, read from standard input or made here. None is ever an argument, or shown again.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
