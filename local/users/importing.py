"""`iot-authorizer users import`: users from a CSV file, all or, where it is interrupted, the rest the next time."""

import time
from pathlib import Path
from typing import Annotated

import typer

from identities.table import TableUnavailable
from local.development import DATA
from local.identity_table import open_table
from local.users.csv_file import read_users
from local.users.import_run import ImportRun
from local.users.options import DataFolder, TableName
from local.users.progress import progress
from policies.errors import printable


def register(app: typer.Typer) -> None:
    """Adds the command to a command line."""
    app.command(
        "import",
        short_help="Add the users of a CSV file.",
        epilog="\b\nExample: iot-authorizer users import devices.csv --dry-run",
    )(import_users)


def import_users(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Write users that are there again, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, count, and write nothing.")] = False,
    table: TableName = None,
    data: DataFolder = DATA,
) -> None:
    """Add the users of a CSV file.

    Its header is name and any of password, hash (argon2id), claims (JSON), valid_until (a date or seconds since 1970)
    and disabled (true or false). Where one line is wrong, all that are wrong are told, and nothing is written. Users
    that are there are left alone: after an interruption, the same command goes on with those that are missing.
    """
    rows, bad = read_users(file.read_bytes(), int(time.time()))
    for line in bad:
        typer.echo(printable(f"{file}:{line.number}: {line.problem}"), err=True)
    if bad:
        count = "one line is wrong" if len(bad) == 1 else f"{len(bad):,} lines are wrong"
        raise typer.BadParameter(f"{count}: nothing was written", param_hint="FILE")
    running = ImportRun(open_table(table, data), rows, replacing=replace, writing=not dry_run)
    try:
        with progress("users", len(rows)) as tell:
            running.run(tell)
    except KeyboardInterrupt:
        _tell_how_far(running, len(rows), replace)
        raise typer.Exit(130) from None
    except TableUnavailable:
        _tell_how_far(running, len(rows), replace)
        raise
    prefix = "nothing was written; it would be: " if dry_run else ""
    counts = f"added {running.added:,}, replaced {running.replaced:,}, left alone {running.left_alone:,}"
    typer.echo(prefix + counts)


def _tell_how_far(running: ImportRun, total: int, replace: bool) -> None:
    rest = "the same command writes all again" if replace else "the same command goes on with the rest"
    typer.echo(f"{running.done:,} of {total:,} users are done: {rest}", err=True)
