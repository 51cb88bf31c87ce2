"""`iot-authorizer users import`: users from a CSV file, all or, where it is interrupted, the rest the next time."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.commands.users.csv_file import Row, read_users
from iot_authorizer_cli.commands.users.import_run import ImportRun
from iot_authorizer_cli.commands.users.options import DataFolder, TableName
from iot_authorizer_cli.commands.users.password_file import PasswordFile, password_file
from iot_authorizer_cli.commands.users.progress import progress
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_authorizer_cli.prompts import standard_input
from iot_identities.table import TableUnavailable
from iot_policies.errors import printable


def import_users(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV in UTF-8; - for standard input.", show_default=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Change users that are there, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, count, and write nothing.")] = False,
    generate: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Make passwords for users without, and keep them in this file."),
    ] = None,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Add the users of a CSV file.

    Its header is name and any of password, hash (argon2id), generated (true where the password is random, of 16
    characters or more), claims (JSON), valid_until (a date or seconds since 1970) and disabled (true or false). Where
    one line is wrong, all that are wrong are told, and nothing is written. Users that are there are left alone: after
    an interruption, the same command goes on with those that are missing. With --replace they get what the line says;
    what the file has no column for, and a password where the line has none, stays as it is.
    """
    if generate is not None and generate.exists() and file.exists() and generate.samefile(file):
        raise typer.BadParameter("expected another file than the one that is imported", param_hint="--generate")
    rows = _rows(file)
    if dry_run:
        counted = ImportRun(open_table(table, data), rows, replacing=replace)
        counted.count()
        typer.echo(f"nothing was written; it would be: {_counts(counted)}")
        return
    identities = open_table(table, data)
    with ExitStack() as stack:
        made = _password_file(generate, stack) if generate else None
        _run(ImportRun(identities, rows, replacing=replace, made=made), len(rows), replace)
    if generate:
        typer.echo(f"the passwords that were made are in {printable(str(generate))}")


def _rows(file: Path) -> list[Row]:
    """Raises a usage error where a line is wrong, and OSError."""
    rows, bad = read_users(_content(file), int(time.time()))
    for line in bad:
        typer.echo(printable(f"{file}:{line.number}: {line.problem}"), err=True)
    if bad:
        count = "one line is wrong" if len(bad) == 1 else f"{len(bad):,} lines are wrong"
        raise typer.BadParameter(f"{count}: nothing was written", param_hint="FILE")
    return rows


def _content(file: Path) -> bytes:
    return standard_input("FILE") if str(file) == "-" else file.read_bytes()


def _password_file(path: Path, stack: ExitStack) -> PasswordFile:
    """Raises a usage error for a file with something else in it, and OSError."""
    try:
        return stack.enter_context(password_file(path))
    except ValueError as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--generate") from None


def _run(running: ImportRun, total: int, replace: bool) -> None:
    """Raises TableUnavailable and OSError."""
    try:
        with progress("users", total) as tell:
            running.run(tell)
    except (KeyboardInterrupt, TableUnavailable, OSError) as error:
        rest = "the same command begins anew" if replace else "the same command goes on with the rest"
        typer.echo(f"{running.done:,} of {total:,} users are done: {rest}", err=True)
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(130) from None
        raise
    for name in running.overtaken:
        typer.echo(f"left alone, since somebody else has written it meanwhile: {printable(name)}", err=True)
    typer.echo(_counts(running))
    if running.without_password:
        typer.echo(f"added without a password: {running.without_password:,}", err=True)


def _counts(running: ImportRun) -> str:
    return f"added {running.added:,}, replaced {running.replaced:,}, left alone {running.left_alone:,}"
