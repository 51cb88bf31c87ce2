"""The command line, `iot-authorizer`: all commands, and what every command does with an error."""

import re
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from iot_authorizer_cli.commands.connect.command import connect
from iot_authorizer_cli.commands.dev.command import dev
from iot_authorizer_cli.commands.explain import explain
from iot_authorizer_cli.commands.invoke import invoke
from iot_authorizer_cli.commands.keys.app import app as keys
from iot_authorizer_cli.commands.lint import lint
from iot_authorizer_cli.commands.password import password
from iot_authorizer_cli.commands.render import render
from iot_authorizer_cli.commands.revoke.app import app as revoke
from iot_authorizer_cli.commands.sign import sign
from iot_authorizer_cli.commands.token import token
from iot_authorizer_cli.commands.users.app import app as users
from iot_authorizer_cli.options import add_command
from iot_authorizer_cli.project.identity_table import problem_of
from iot_authorizer_cli.signing.key_ring import KeyRefused
from iot_core.authorizers.invocation import Refused
from iot_core.functions.lambda_function import BrokenHandler
from iot_identities.table import TableUnavailable
from iot_policies import InvalidFile, PolicyError
from iot_policies.errors import printable

app = typer.Typer(
    name="iot-authorizer",
    help="Develop a custom authorizer for AWS IoT Core. Begin with dev, which runs IoT Core on this machine.",
    epilog="\b\nExample: iot-authorizer dev --config authorizer.toml",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

add_command(app, "dev", dev, "--config authorizer.toml --port 8080")
add_command(app, "connect", connect, "--for paho > client.py && python client.py")
add_command(app, "invoke", invoke, '--mqtt-context \'{"clientId": "ann"}\'')
add_command(app, "render", render, "policies/chat.toml --principal ann")
add_command(app, "explain", explain, "policies/chat.toml --principal ann connect ann")
add_command(app, "lint", lint, "policies/*.toml")
add_command(app, "token", token, "--principal ann --expires 15m")
add_command(app, "password", password, "")
add_command(app, "sign", sign, '"$TOKEN"')
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
app.add_typer(revoke, name="revoke")


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


def main() -> None:
    """Runs the command line. Prints an error as one line on standard error and exits with 2."""
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
