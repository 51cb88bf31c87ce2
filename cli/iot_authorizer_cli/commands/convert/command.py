"""`iot-authorizer convert acl`: a template from an ACL file of mosquitto."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer.user_claims import check_user_name
from iot_authorizer_cli.bad_lines import refuse_bad_lines
from iot_authorizer_cli.commands.convert.acl_file import AclFile, read_acl
from iot_authorizer_cli.commands.convert.conversion import ANONYMOUS, CLAIM, NO_RULES, AllowedClientIds, convert
from iot_authorizer_cli.commands.convert.report import AclReport, compare
from iot_authorizer_cli.commands.convert.template_blocks import template_text
from iot_authorizer_cli.commands.users.mosquitto_passwords import read_mosquitto_users
from iot_authorizer_cli.options import usage_errors
from iot_authorizer_cli.terminal import tell
from iot_core.whole_file import write_whole
from iot_policies.errors import printable
from iot_policies.template import PolicyTemplate
from iot_policies.toml_file import read_file

_NOTHING = "nothing was written"


def acl(
    acl_file: Annotated[Path, typer.Argument(metavar="ACL_FILE", help="The acl_file of mosquitto.")],
    passwords: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The password_file of mosquitto: also convert users without rules."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="POLICY", help="Write the template into this file, instead of printing it.")
    ] = None,
    users_output: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Write the claims of the users into this file, for users import --replace."),
    ] = None,
    client_ids: Annotated[
        AllowedClientIds,
        typer.Option(
            help="name: the client ID is the user name, or begins with it and a slash. any: every client ID without a "
            "slash, as in mosquitto, but no persistent sessions, which another client could take over."
        ),
    ] = AllowedClientIds.NAME,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="Also convert the rules for clients without a user name (allow_anonymous)."),
    ] = False,
) -> None:
    """Make a policy template from an ACL file of mosquitto.

    Then prove that mosquitto and the template let each user publish and receive the same, or print the topics that
    differ, with the line that decides in mosquitto. This report is on standard error.

    Every user needs the claims of --users-output. The rules are those of mosquitto 2.0.

    Exits with 0 if it is proved, with 1 if something differs, with 3 if something cannot be decided.
    """
    _check_new(output, "--output")
    _check_new(users_output, "--users-output")
    if output is not None and users_output is not None and output.absolute() == users_output.absolute():
        raise typer.BadParameter("expected a file other than that of --output", param_hint="--users-output")
    found, bad = read_acl(read_file(acl_file))
    refuse_bad_lines(acl_file, bad, _NOTHING, "ACL_FILE")
    names, unusable = _names([*(name for name in found.topics if name is not None), *_users_of(passwords)])
    with usage_errors("ACL_FILE"):
        conversion = convert(found, names, client_ids, anonymous=anonymous)
    text = template_text(conversion.blocks, _heading(acl_file))
    template = PolicyTemplate.parse(text.encode(), output or Path("the template"))
    report = compare(found, template, conversion, client_ids, unusable, anonymous=anonymous)
    _write(output, text)
    if users_output is not None:
        write_whole(users_output, _csv(conversion.claims).encode())
    for line in _lines(acl_file, found, report, anonymous=anonymous):
        tell(line)
    raise typer.Exit(report.exit_code)


def _check_new(path: Path | None, option: str) -> None:
    if path is not None and path.exists():
        raise typer.BadParameter(f"{path} exists: name another file, or remove it", param_hint=option)


def _users_of(passwords: Path | None) -> list[str]:
    """The users of a password file. Raises a usage error if a line is wrong."""
    if passwords is None:
        return []
    rows, bad = read_mosquitto_users(read_file(passwords), 0)
    refuse_bad_lines(passwords, bad, _NOTHING, "--passwords")
    return [row.user.name for row in rows]


def _names(users: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The users that can be users here, and why the others cannot."""
    names: dict[str, None] = {}
    unusable: dict[str, str] = {}
    for user in users:
        try:
            names[check_user_name(user)] = None
        except ValueError as error:
            unusable[user] = str(error)
    return [*names], unusable


def _heading(acl_file: Path) -> Iterator[str]:
    yield f"Made of {printable(acl_file.name)} by `iot-authorizer convert acl`."
    yield ""
    yield f'Each user needs the claim {CLAIM}: the first user with the same rules, or "{NO_RULES}".'


def _write(output: Path | None, text: str) -> None:
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_whole(output, text.encode())


def _csv(claims: Mapping[str, Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "claims"])
    writer.writerows([user, json.dumps(its, ensure_ascii=False)] for user, its in claims.items())
    return text.getvalue()


def _lines(acl_file: Path, acl: AclFile, report: AclReport, *, anonymous: bool) -> Iterator[str]:
    yield f"{acl_file}: {report.heading}"
    yield from (f"  {line}" for line in report.lines())
    if anonymous:
        claims = f'principal = "{ANONYMOUS}" and claims = {{ {ANONYMOUS} = true }}'
        yield f"  clients without a user name: set {claims} in [anonymous] of authorizer.toml"
    elif acl.rules_of(None):
        yield "  left out: the topics before the first user, which are for clients without a user name (--anonymous)"
