"""`iot-authorizer users import`: users from a CSV file, or from a password file of mosquitto."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.bad_lines import refuse_bad_lines
from iot_authorizer_cli.commands.users.csv_file import Row, read_users
from iot_authorizer_cli.commands.users.import_run import ImportRun
from iot_authorizer_cli.commands.users.mosquitto_passwords import read_mosquitto_users
from iot_authorizer_cli.commands.users.password_file import PasswordFile, password_file
from iot_authorizer_cli.options import usage_errors
from iot_authorizer_cli.progress import progress
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.terminal import read_standard_input
from iot_identities.table import TableUnavailable
from iot_policies.errors import printable
from iot_policies.toml_file import read_file


def import_users(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file in UTF-8; - reads standard input.", show_default=False)
    ],
    mosquitto: Annotated[
        bool, typer.Option("--mosquitto", help="FILE is a password file of mosquitto, not a CSV file.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also change existing users.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, but write nothing.")] = False,
    generate: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Generate missing passwords and save them in this file."),
    ] = None,
    *,
    where: TableOptions,
) -> None:
    """Add the users of a CSV file.

    The columns are name and any of password, hash (argon2id), generated (true for a random password of 16 characters
    or more), claims (JSON), valid_until (a date or seconds since 1970) and disabled (true or false). If lines are
    wrong, reports all of them and writes nothing. Skips existing users, so after an interruption the same command
    continues. With --replace, changes existing users to what their line says; a column that the file lacks, and
    passwords that the line lacks, stay as they are.

    With --mosquitto, FILE has NAME:HASH in each line. Users keep their passwords. Hashes that begin with $7$ or $6$ are
    hashed once more, with argon2id.
    """
    if generate is not None and generate.exists() and file.exists() and generate.samefile(file):
        raise typer.BadParameter("expected a file other than the imported one", param_hint="--generate")
    rows = _rows(file, mosquitto=mosquitto)
    identities = where.open(make=True)
    if dry_run:
        counted = ImportRun(identities, rows, replacing=replace)
        counted.count()
        typer.echo(f"nothing was written; would be {_counts(counted)}")
        return
    with ExitStack() as stack:
        made = _password_file(generate, stack) if generate else None
        _run(ImportRun(identities, rows, replacing=replace, made=made), len(rows), replace)
    if generate:
        typer.echo(f"the generated passwords are in {printable(str(generate))}")


def _rows(file: Path, *, mosquitto: bool) -> list[Row]:
    """Raises a usage error if a line is wrong, and OSError."""
    read = read_mosquitto_users if mosquitto else read_users
    rows, bad = read(_content(file), int(time.time()))
    refuse_bad_lines(file, bad, "nothing was written", "FILE")
    return rows


def _content(file: Path) -> bytes:
    return read_standard_input("FILE") if str(file) == "-" else read_file(file)


def _password_file(path: Path, stack: ExitStack) -> PasswordFile:
    """Raises a usage error for a file with something else in it, and OSError."""
    with usage_errors("--generate", f"{path}: "):
        return stack.enter_context(password_file(path))


def _run(running: ImportRun, total: int, replace: bool) -> None:
    """Raises TableUnavailable and OSError."""
    try:
        with progress("users", total) as tell:
            running.run(tell)
    except (KeyboardInterrupt, TableUnavailable, OSError) as error:
        rest = "the same command starts again" if replace else "the same command continues"
        typer.echo(f"{running.done:,} of {total:,} users are done: {rest}", err=True)
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(130) from None
        raise
    for name in running.overtaken:
        typer.echo(f"skipped, because another writer changed it meanwhile: {printable(name)}", err=True)
    typer.echo(_counts(running))
    if running.without_password:
        typer.echo(f"added without a password: {running.without_password:,}", err=True)


def _counts(running: ImportRun) -> str:
    return f"added {running.added:,}, replaced {running.replaced:,}, skipped {running.skipped:,}"
