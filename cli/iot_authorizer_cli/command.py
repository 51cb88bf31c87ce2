"""The command line, `iot-authorizer`."""

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

import iot_authorizer_cli.connect_command
import iot_authorizer_cli.cost_command
import iot_authorizer_cli.dev_command
import iot_authorizer_cli.invoke_command
import iot_authorizer_cli.keys_command
import iot_authorizer_cli.password_command
import iot_authorizer_cli.revoke.command
import iot_authorizer_cli.sign_command
import iot_authorizer_cli.users.command
from iot_authorizer_cli.arguments import duration, json_object, principal_name, topic_filter, topic_name
from iot_authorizer_cli.project.development import DATA, DevelopmentIssuer
from iot_authorizer_cli.project.identity_table import problem_of
from iot_authorizer_cli.signing.key_ring import KeyRefused
from iot_core.authorizers.refused import Refused
from iot_core.functions.lambda_function import ACCOUNT, REGION, BrokenHandler
from iot_identities.table import TableUnavailable
from iot_policies import InvalidFile, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.errors import UnsafeValue, printable
from iot_policies.explaining import explain as explain_template
from iot_policies.explaining import left_out
from iot_policies.linter import lint as lint_template
from iot_policies.packing import compact
from iot_policies.placeholders import LONGEST_VALUE, UNSAFE_SIGNS
from iot_policies.toml_file import key_of, line_of, read_toml

app = typer.Typer(
    name="iot-authorizer",
    help="A custom authorizer for AWS IoT Core, on this machine. Begin with dev: it runs IoT Core here.",
    epilog="\b\nExample: iot-authorizer dev --config authorizer.toml",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

iot_authorizer_cli.dev_command.register(app)
iot_authorizer_cli.connect_command.register(app)
iot_authorizer_cli.invoke_command.register(app)
iot_authorizer_cli.cost_command.register(app)
iot_authorizer_cli.password_command.register(app)
iot_authorizer_cli.keys_command.register(app)
iot_authorizer_cli.sign_command.register(app)
iot_authorizer_cli.users.command.register(app)
iot_authorizer_cli.revoke.command.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iot-authorizer {version('iot-authorizer')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="A policy template, as policies/chat.toml.")]
PrincipalName = Annotated[
    str, typer.Option("--principal", metavar="ID", callback=principal_name, help="The principal's name.")
]
ClaimsText = Annotated[str, typer.Option("--claims", metavar="JSON", help="The principal's claims.")]
ClientId = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="The MQTT client ID.")]
_OPTIONS = {"principal": "--principal", "client_id": "--client-id"}
"""Where placeholders come from; all others are claims."""
_LEVEL = f"expected at most {LONGEST_VALUE} bytes, none of {' '.join(UNSAFE_SIGNS)} and no control character"
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where keys are kept.")]


@app.command(
    short_help="Print the policy documents that a principal gets.",
    epilog="\b\nExample: iot-authorizer render policies/chat.toml --principal ann",
)
def render(
    policy: PolicyFile,
    principal: PrincipalName,
    claims: ClaimsText = "{}",
    client_id: ClientId = None,
    region: Annotated[str, typer.Option(metavar="REGION", help="The AWS region.")] = REGION,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="The AWS account.")] = ACCOUNT,
) -> None:
    """Print the policy documents that a principal gets, as one compact JSON list."""
    who = Principal(principal, json_object(claims, "--claims"))
    try:
        template = _template(policy, "render")
        compiled = compile_policy(template, who, client_id)
    except UnsafeValue as error:
        raise typer.BadParameter(f"{error}: {_LEVEL}", param_hint=_OPTIONS.get(error.source, "--claims")) from None
    typer.echo(compact(compiled.documents(region=region, account=account)))
    for entry, missing in left_out(template, who, client_id):
        typer.echo(printable(f"left out: {entry}: {' and '.join(missing)} is missing"), err=True)


@app.command(
    short_help="Say whether a principal may do something, and why.",
    epilog="\b\nExample: iot-authorizer explain policies/chat.toml --principal ann connect ann",
)
def explain(
    policy: PolicyFile,
    action: Annotated[
        Literal["connect", "publish", "retain", "subscribe", "receive"],
        typer.Argument(metavar="ACTION", show_choices=False, help="connect, publish, retain, subscribe or receive."),
    ],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="A client ID, topic or filter.")],
    principal: PrincipalName,
    claims: ClaimsText = "{}",
    client_id: ClientId = None,
) -> None:
    """Say whether a principal may connect, publish, retain, subscribe or receive, and by which entry.

    Exits with 0 for allowed, 1 for denied.
    """
    if action in ("publish", "retain", "receive"):
        topic_name(resource, "RESOURCE")
    if action == "subscribe":
        topic_filter(resource, "RESOURCE")
    who = Principal(principal, json_object(claims, "--claims"))
    found = explain_template(_template(policy, "explain"), who, action, resource, client_id)
    typer.echo(f"{'allowed' if found.allowed else 'denied'}: {action} {resource}")
    for reason in found.reasons:
        typer.echo(f"  {reason}")
    raise typer.Exit(0 if found.allowed else 1)


@app.command(
    short_help="Look for mistakes in policy templates.", epilog="\b\nExample: iot-authorizer lint policies/*.toml"
)
def lint(policies: Annotated[list[Path], typer.Argument(metavar="POLICY", help="Policy templates.")]) -> None:
    """Look for mistakes in policy templates. Exits with 0 for none, 1 for findings."""
    warnings = 0
    for path in policies:
        template, text = _template(path, "lint"), path.read_text("utf-8")
        for finding in lint_template(template):
            line = line_of(text, finding.location)
            place = f"{path}:{line}" if line else f"{path}"
            typer.echo(": ".join(filter(None, (place, finding.severity, key_of(finding.location), finding.message))))
            warnings += finding.severity == "warning"
    typer.echo(f"{_count(warnings, 'finding')} in {_count(len(policies), 'template')}", err=True)
    raise typer.Exit(1 if warnings else 0)


@app.command(
    short_help="Print a JWT of the development issuer.",
    epilog="\b\nExample: iot-authorizer token --principal ann --expires 15m",
)
def token(
    principal: PrincipalName,
    claims: ClaimsText = "{}",
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long it lives: 30s, 15m, 1h, 7d; -1h: expired.")
    ] = "1h",
    data: DataFolder = DATA,
) -> None:
    """Print a JWT of the development issuer, which only this machine trusts.

    With --expires -1h it expired an hour ago, to see it refused. The authorizer allows clocks to differ by 30 s, so a
    token is let in for as long after its end.
    """
    sign = -1 if expires.startswith("-") else 1
    lifetime = sign * duration(expires.removeprefix("-"), "--expires", "365d")
    typer.echo(DevelopmentIssuer(data).token(principal, json_object(claims, "--claims"), lifetime))


def _template(path: Path, command: str) -> PolicyTemplate:
    try:
        return PolicyTemplate.load(path)
    except InvalidFile:
        if "policy" in read_toml(path)[0]:
            problem = f"this is a configuration: {command} takes policy templates"
            raise InvalidFile(path, None, "", problem) from None
        raise


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def main() -> None:
    """Runs the command line. Errors are one line on standard error, and exit code 2."""
    try:
        code = app(["--help"] if len(sys.argv) == 1 else None, standalone_mode=False)
    except typer.TyperException as error:
        code = _fail(_NO_SUCH_COMMAND.sub("No such command", _UNEXPECTED.sub(r"\1", error.format_message())))
    except (InvalidFile, PolicyError, BrokenHandler, KeyRefused) as error:
        code = _fail(str(error))
    except Refused as error:
        code = _fail(f"IoT Core refuses this client before it invokes the function: {error}")
    except TableUnavailable as error:
        code = _fail(problem_of(error))
    except UnicodeEncodeError as error:
        code = _fail(f"standard output can't hold this in {error.encoding}")
    except OSError as error:
        code = _fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except typer.Abort:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


_NO_SUCH_COMMAND = re.compile(r"No such command '(?![a-z-]{1,16}').*?'", re.DOTALL)
"""What stands where a command should be may be a token or a password, unless it looks like a word."""
_UNEXPECTED = re.compile(r"(Got unexpected extra argument\S*) \(.*\)", re.DOTALL)
"""What was given too much may be a token whose option was forgotten."""


def _fail(message: str) -> int:
    if message:
        text = " ".join(message.split()).replace("Value error, ", "")
        typer.echo(f"iot-authorizer: {printable(text)}", err=True)
    return 2
