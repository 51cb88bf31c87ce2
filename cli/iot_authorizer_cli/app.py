"""The command line, `iot-authorizer`: all commands, and what every command does with an error."""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache, wraps
from importlib.metadata import version
from typing import Annotated, Any, get_type_hints

import typer
from typer.main import get_command

from iot_authorizer_cdk.package.uv import UvError
from iot_authorizer_cdk.properties import InvalidSettings
from iot_authorizer_cli.commands.build import build
from iot_authorizer_cli.commands.check import check
from iot_authorizer_cli.commands.connect.command import connect
from iot_authorizer_cli.commands.credentials.command import credentials
from iot_authorizer_cli.commands.deploy.command import deploy, destroy
from iot_authorizer_cli.commands.dev.command import dev
from iot_authorizer_cli.commands.diff import diff
from iot_authorizer_cli.commands.explain import explain
from iot_authorizer_cli.commands.init.command import init
from iot_authorizer_cli.commands.invoke import invoke
from iot_authorizer_cli.commands.keys import command as keys
from iot_authorizer_cli.commands.lint import lint
from iot_authorizer_cli.commands.lock import lock
from iot_authorizer_cli.commands.password import password
from iot_authorizer_cli.commands.prove import prove
from iot_authorizer_cli.commands.render import render
from iot_authorizer_cli.commands.revoke import command as revoke
from iot_authorizer_cli.commands.sign import sign
from iot_authorizer_cli.commands.test.command import run as run_tests
from iot_authorizer_cli.commands.token import token
from iot_authorizer_cli.commands.users import change as users
from iot_authorizer_cli.commands.users.import_users import import_users
from iot_authorizer_cli.commands.users.show import list_users, show
from iot_authorizer_cli.commands.what_can import what_can
from iot_authorizer_cli.commands.who_can import who_can
from iot_authorizer_cli.distribution import DISTRIBUTION
from iot_authorizer_cli.project.identity_table import problem_of
from iot_authorizer_cli.project.key_ring import KeyRefused
from iot_core.functions.lambda_function import BrokenHandler
from iot_identities.table import TableUnavailable
from iot_policies import InvalidFile, PolicyError
from iot_policies.errors import printable


def _example(*calls: str) -> str:
    return "\b\n" + "\n".join(f"Example: iot-authorizer {words}".rstrip() for words in calls)


app = typer.Typer(
    name="iot-authorizer",
    help="Develop a custom authorizer for AWS IoT Core. Begin with init, which writes a project into this folder, and "
    "dev, which runs IoT Core on this machine.",
    epilog=_example("init chat"),
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _add_group(parent: typer.Typer, path: str, text: str, example: str) -> typer.Typer:
    """Adds a command with subcommands, such as `revoke undo`. Without a subcommand it prints its help."""

    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    group = typer.Typer(
        callback=show_help,
        invoke_without_command=True,
        help=text,
        epilog=_example(f"{path} {example}"),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    parent.add_typer(group, name=path.rpartition(" ")[2])
    return group


def _add(group: typer.Typer, path: str, command: Callable[..., None], *examples: str) -> None:
    """Adds a command. `path` is what a user types, such as `users add`; each of `examples` is what can follow it."""
    name = path.rpartition(" ")[2]
    epilog = _example(*(f"{path} {example}" for example in examples))
    group.command(name, epilog=epilog)(_with_option_groups(command))


def _with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Makes each field of a parameter that is a dataclass, such as `TableOptions`, an option of the command."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }

    @wraps(command)
    def run(**given: object) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in groups:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        types = get_type_hints(groups[name], include_extras=True)
        parameters += [
            inspect.Parameter(each.name, parameter.kind, default=each.default, annotation=types[each.name])
            for each in fields(groups[name])
        ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


_add(app, "init", init, "chat --auth0 example.eu.auth0.com --audience chat")
_add(app, "dev", dev, "--config authorizer.toml --port 8080")
_add(app, "connect", connect, "--for paho > client.py && python client.py")
_add(app, "invoke", invoke, '--mqtt-context \'{"clientId": "ann"}\'')
_add(
    app,
    "render",
    render,
    "policies/chat.toml --principal ann",
    "policies/chat.toml --as session-policy \\\n    --principal ann --client-id ann",
    "policies/chat.toml --as cognito-role",
)
_add(app, "explain", explain, "policies/chat.toml --principal ann connect ann")
_add(app, "what-can", what_can, "policies/chat.toml --principal ann")
_add(app, "who-can", who_can, "policies/chat.toml retain rooms/lobby/topic")
_add(app, "diff", diff, "HEAD:policies/chat.toml policies/chat.toml")
_add(app, "lint", lint, "policies/*.toml")
_add(app, "test", run_tests, "policies/chat.test.toml --mutate")
_add(app, "prove", prove, "policies/*.toml")
_add(app, "check", check, "chat.proof.json")
_add(app, "token", token, "--principal ann --expires 15m")
_add(app, "password", password, "")
_add(app, "credentials", credentials, "--principal ann --client-id ann/phone")
_add(app, "sign", sign, '"$TOKEN"')
_add(app, "lock", lock, 'httpx "redis>=5"')
_add(app, "build", build, "--stage dev")
_add(app, "deploy", deploy, "--stage dev")
_add(app, "destroy", destroy, "--stage dev")

_keys = _add_group(app, "keys", "Manage the key pairs that sign tokens. IoT Core gets the public halves.", "new")
_add(_keys, "keys new", keys.new, "")
_add(_keys, "keys list", keys.list_keys, "")
_add(_keys, "keys rotate", keys.rotate, "")
_add(_keys, "keys retire", keys.retire, "2026-11")

_users = _add_group(
    app,
    "users",
    "Manage users with passwords and claims. They are in this machine's table, or in a DynamoDB table. A password is "
    "never an argument: the command asks for it, reads it from standard input, or generates it.",
    "add pump-7 --generate",
)
_add(_users, "users add", users.add, "pump-7 --generate")
_add(_users, "users set-password", users.set_password, "pump-7")
_add(_users, "users rotate", users.rotate, "pump-7 --generate")
_add(_users, "users set-claims", users.set_claims, 'pump-7 \'{"role": "device"}\'')
_add(_users, "users set-valid-until", users.set_valid_until, "pump-7 2027-12-31")
_add(_users, "users disable", users.disable, "pump-7")
_add(_users, "users enable", users.enable, "pump-7")
_add(_users, "users unlock", users.unlock, "ann --client-id ann/phone")
_add(_users, "users remove", users.remove, "pump-7")
_add(_users, "users list", list_users, "")
_add(_users, "users show", show, "pump-7")
_add(_users, "users import", import_users, "devices.csv --generate passwords.csv")

_revoke = _add_group(app, "revoke", "Revoke principals and tokens, and end their connections.", "principal ann")
_add(_revoke, "revoke principal", revoke.principal, "ann --for 30d")
_add(_revoke, "revoke token", revoke.token, "- < stolen.jwt")
_add(_revoke, "revoke before", revoke.before, "now --issuer https://auth.example.com/")
_add(_revoke, "revoke list", revoke.list_revocations, "--json")

_undo = _add_group(_revoke, "revoke undo", "Undo a revocation.", "principal ann")
_add(_undo, "revoke undo principal", revoke.undo_principal, "ann")
_add(_undo, "revoke undo token", revoke.undo_token, "- < stolen.jwt")
_add(_undo, "revoke undo before", revoke.undo_before, "--issuer https://auth.example.com/")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iot-authorizer {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@cache
def _command() -> Callable[..., object]:
    """All commands, built once: building them takes longer than most commands."""
    return get_command(app)


def main() -> None:
    """Runs the command line. Prints an error as one line on standard error and exits with 2."""
    try:
        code = _command()(["--help"] if len(sys.argv) == 1 else None, standalone_mode=False)
    except typer.TyperException as error:
        message = _UNEXPECTED.sub(r"\1", error.format_message())
        code = _fail(_NO_SUCH_COMMAND.sub("No such command: --help lists the commands", message))
    except BrokenHandler as error:
        cause = error.__cause__
        code = _fail(problem_of(cause) if isinstance(cause, TableUnavailable) else str(error))
    except (InvalidFile, InvalidSettings, PolicyError, KeyRefused, UvError) as error:
        code = _fail(str(error))
    except TableUnavailable as error:
        code = _fail(problem_of(error))
    except UnicodeEncodeError as error:
        code = _fail(f"standard output's encoding, {error.encoding}, cannot represent this: set PYTHONIOENCODING=utf-8")
    except OSError as error:
        code = _fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except typer.Abort:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


_NO_SUCH_COMMAND = re.compile(r"No such command '(?![a-z-]{1,16}').*?'", re.DOTALL)
"""A word in the place of a command may be a token or a password; only what looks like a command is quoted."""
_UNEXPECTED = re.compile(r"(Got unexpected extra argument\S*) \(.*\)", re.DOTALL)
"""An extra argument may be a token whose option was forgotten."""


def _fail(message: str) -> int:
    if message:
        text = " ".join(message.split()).replace("Value error, ", "")
        typer.echo(f"iot-authorizer: {printable(text)}", err=True)
    return 2
