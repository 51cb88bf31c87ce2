"""The command line, `iot-authorizer`: all commands, and what every command does with an error.

A command's module is imported when the command is called, so that no command waits for what only others need. A list
of commands takes their docstrings from their sources.
"""

import ast
import inspect
import re
import sys
from collections import UserDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial, wraps
from pkgutil import get_data
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from iot_authorizer_cli.distribution import DISTRIBUTION
from iot_authorizer_cli.loading import load
from iot_policies.errors import printable


def _example(*calls: str) -> str:
    return "\b\n" + "\n".join(f"Example: iot-authorizer {words}".rstrip() for words in calls)


class _Group(TyperGroup):
    """A command with subcommands."""

    def __init__(self, *, name: str, commands: Mapping[str, object], **settings: Any) -> None:  # noqa: ANN401 (as Typer)
        super().__init__(name=name, **settings)
        self.commands = self._known = _Commands({**_loaders[name], **commands})

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 (as Typer)
        """The names, in the order in which help has them."""
        return list(self.commands)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ANN401, ARG002 (as Typer)
        """Writes the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._known.summary(name)) for name in self._known])


class _Commands(UserDict[str, Any]):
    """The commands of a group by name. Each is loaded when it is first looked up."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (Typer's class of commands is not public)
        if isinstance(self.data[name], partial):
            self.data[name] = self.data[name]()
        return self.data[name]

    def summary(self, name: str) -> str:
        """What a command does, in one sentence."""
        found = self.data[name]
        text: str = _docstring(found.args[1]) if isinstance(found, partial) else found.help
        return text.partition("\n")[0].partition(". ")[0].removesuffix(".") + "."


_loaders: dict[str, dict[str, partial[object]]] = defaultdict(dict)
"""What loads each command, by the name of its group and its own."""

app = typer.Typer(
    cls=_Group,
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
        cls=_Group,
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


def _add(path: str, function: str, *examples: str) -> None:
    """Adds a command.

    `path` is what a user types, such as `users add`; `function` is its module in `commands` and its name;
    each of `examples` is what can follow the path.
    """
    group, _, name = path.rpartition(" ")
    _loaders[group.rpartition(" ")[2] or "iot-authorizer"][name] = partial(_load, path, function, examples)


def _docstring(function: str) -> str:
    """The docstring of a command. To import all commands, only to list them, takes twice as long as all the rest.

    It is empty if there is no source.
    """
    module, _, name = function.partition(":")
    source = get_data("iot_authorizer_cli.commands", f"{module.replace('.', '/')}.py") or b""
    functions = (each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef) and each.name == name)
    return next((ast.get_docstring(each) or "" for each in functions), "")


def _load(path: str, function: str, examples: Sequence[str]) -> object:
    """Imports a command and makes it one of Typer's."""
    module, _, name = function.partition(":")
    command = getattr(load(f"iot_authorizer_cli.commands.{module}"), name)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    epilog = _example(*(f"{path} {example}" for example in examples))
    single.command(path.rpartition(" ")[2], epilog=epilog)(_with_option_groups(command))
    return get_command(single)


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


_add("init", "init.command:init", "chat --auth0 example.eu.auth0.com --audience chat")
_add("dev", "dev.command:dev", "--config authorizer.toml --port 8080")
_add("connect", "connect.command:connect", "--for paho > client.py && python client.py")
_add("invoke", "invoke:invoke", '--mqtt-context \'{"clientId": "ann"}\'')
_add(
    "render",
    "render:render",
    "policies/chat.toml --principal ann",
    "policies/chat.toml --as session-policy \\\n    --principal ann --client-id ann",
    "policies/chat.toml --as cognito-role",
)
_add("explain", "explain:explain", "policies/chat.toml --principal ann connect ann")
_add("what-can", "what_can:what_can", "policies/chat.toml --principal ann")
_add("who-can", "who_can:who_can", "policies/chat.toml retain rooms/lobby/topic")
_add("diff", "diff:diff", "HEAD:policies/chat.toml policies/chat.toml")
_add("lint", "lint:lint", "policies/*.toml")
_add("test", "test.command:run", "policies/chat.test.toml --mutate")
_add("prove", "prove:prove", "policies/*.toml", "policies/chat.toml --as session-policy")
_add("check", "check:check", "chat.proof.json")
_add("conformance", "conformance.command:conformance", "checks", 'checks --endpoint "$ENDPOINT"')
_add("token", "token:token", "--principal ann --expires 15m")
_add("password", "password:password", "")
_add("credentials", "credentials.command:credentials", "--principal ann --client-id ann/phone")
_add("sign", "sign:sign", '"$TOKEN"')
_add("lock", "lock:lock", 'httpx "redis>=5"')
_add("build", "build:build", "--stage dev")
_add("deploy", "deploy.command:deploy", "--stage dev")
_add("destroy", "deploy.command:destroy", "--stage dev")

_add_group(app, "keys", "Manage the key pairs that sign tokens. IoT Core gets the public halves.", "new")
_add("keys new", "keys.command:new", "")
_add("keys list", "keys.command:list_keys", "")
_add("keys rotate", "keys.command:rotate", "")
_add("keys retire", "keys.command:retire", "2026-11")

_add_group(
    app,
    "users",
    "Manage users with passwords and claims. They are in this machine's table, or in a DynamoDB table. A password is "
    "never an argument: the command asks for it, reads it from standard input, or generates it.",
    "add pump-7 --generate",
)
_add("users add", "users.change:add", "pump-7 --generate")
_add("users set-password", "users.change:set_password", "pump-7")
_add("users rotate", "users.change:rotate", "pump-7 --generate")
_add("users set-claims", "users.change:set_claims", 'pump-7 \'{"role": "device"}\'')
_add("users set-valid-until", "users.change:set_valid_until", "pump-7 2027-12-31")
_add("users disable", "users.change:disable", "pump-7")
_add("users enable", "users.change:enable", "pump-7")
_add("users unlock", "users.change:unlock", "ann --client-id ann/phone")
_add("users remove", "users.change:remove", "pump-7")
_add("users list", "users.show:list_users", "")
_add("users show", "users.show:show", "pump-7")
_add(
    "users import",
    "users.import_users:import_users",
    "devices.csv --generate passwords.csv",
    "--mosquitto /etc/mosquitto/passwd",
)

_add_group(app, "convert", "Convert the settings of another broker.", "acl /etc/mosquitto/acl")
_add(
    "convert acl",
    "convert.command:acl",
    "/etc/mosquitto/acl",
    "acl --passwords passwd \\\n    --output policies/fleet.toml --users-output claims.csv",
)

_revoke = _add_group(app, "revoke", "Revoke principals and tokens, and end their connections.", "principal ann")
_add("revoke principal", "revoke.command:principal", "ann --for 30d")
_add("revoke token", "revoke.command:token", "- < stolen.jwt")
_add("revoke before", "revoke.command:before", "now --issuer https://auth.example.com/")
_add("revoke list", "revoke.command:list_revocations", "--json")

_add_group(_revoke, "revoke undo", "Undo a revocation.", "principal ann")
_add("revoke undo principal", "revoke.command:undo_principal", "ann")
_add("revoke undo token", "revoke.command:undo_token", "- < stolen.jwt")
_add("revoke undo before", "revoke.command:undo_before", "--issuer https://auth.example.com/")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 (it takes a while to load)

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
        message = _with_example(_UNEXPECTED.sub(r"\1", error.format_message()), error)
        code = _fail(_NO_SUCH_COMMAND.sub("No such command: --help lists the commands", message))
    except typer.Abort:
        code = 130
    except Exception as error:
        message = load("iot_authorizer_cli.failures").message_of(error)
        if message is None:
            raise
        code = _fail(message)
    sys.exit(code if isinstance(code, int) else 0)


def _with_example(message: str, error: typer.TyperException) -> str:
    """Adds the first example of the command's help to the message that something is missing."""
    command = getattr(getattr(error, "ctx", None), "command", None)  # Only errors in the use of a command have one.
    example = _EXAMPLE.search(getattr(command, "epilog", None) or "")
    if example is None or not message.startswith("Missing "):
        return message
    return f"{message.rstrip('.')}: an example is `{example[1]}`"


_EXAMPLE = re.compile("Example: (.+)")
_NO_SUCH_COMMAND = re.compile(r"No such command '(?![a-z-]{1,16}').*?'", re.DOTALL)
"""A word in the place of a command may be a token or a password; only what looks like a command is quoted."""
_UNEXPECTED = re.compile(r"(Got unexpected extra argument\S*) \(.*\)", re.DOTALL)
"""An extra argument may be a token whose option was forgotten."""


def _fail(message: str) -> int:
    if message:
        text = " ".join(message.split()).replace("Value error, ", "")
        typer.echo(f"iot-authorizer: {printable(text)}", err=True)
    return 2
