"""The command line: its commands with their help, and how it reports errors."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from tests.cli.conftest import Run

CHAT = "policies/chat.toml"


def test_it_prints_its_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"iot-authorizer {version('iot-authorizer')}\n")


def test_help_says_where_to_begin(run: Run) -> None:
    shown = run("--help").stdout
    assert ("Begin with init" in shown, "Example: iot-authorizer init" in shown) == (True, True)


CONFIGURATION = "this is a configuration: expected a policy template, which its key policy names"
TEMPLATE = "this is a policy template: expected a configuration, such as authorizer.toml"
TAKE_A_TEMPLATE = [
    ["lint", "authorizer.toml"],
    ["render", "authorizer.toml", "--principal", "ann"],
    ["explain", "authorizer.toml", "--principal", "ann", "connect", "ann"],
]
TAKE_A_CONFIGURATION = [["invoke"], ["dev"], ["connect", "--for", "paho"], ["keys", "list"], ["sign", "token"]]

ERRORS = [
    (["render", "missing.toml", "--principal", "ann"], "missing.toml: file not found: correct its name, or create it"),
    (["render", CHAT], "--principal"),
    (["render", CHAT, "--principal", "ann", "--claims", "{"], "--claims: expected a JSON object"),
    (["render", CHAT, "--principal", "ann", "--claims", "[]"], "--claims: expected a JSON object"),
    (["token", "--principal", "ann", "--claims", '{"a": 1e999}'], "--claims: expected a JSON object"),
    (["dev", "--region", "x y"], "--region: expected a region, such as eu-west-1, found 'x y'"),
    (
        ["render", CHAT, "--principal", "a/b"],
        "--principal: principal cannot be a topic level: expected a text or a whole number of at most 128",
    ),
    (
        ["render", CHAT, "--principal", "a", "--claims", '{"rooms": "+"}'],
        "--claims: claims.rooms cannot be a topic level",
    ),
    (["render", CHAT, "--principal", ""], "--principal: expected a name"),
    (["explain", CHAT, "--principal", "", "connect", "ann"], "--principal: expected a name"),
    (["explain", CHAT, "--principal", "ann", "jump", "x"], "'jump' is not one of"),
    (["lint"], "Missing argument 'POLICY': an example is `iot-authorizer lint policies/*.toml`"),
    (["lint", "."], ".: this is a folder: name a file in it"),
    (["token"], "Missing option '--principal': an example is `iot-authorizer token --principal ann --expires 15m`"),
    (["token", "--principal", "ann", "--expires", "soon"], '--expires: expected a number and a unit, as in "30s"'),
    (["token", "--principal", "ann", "--expires", "99999999d"], "--expires"),
    (["invoke", "--mqtt-context", '{"password": "?"}'], "--mqtt-context: password: "),
    (
        ["invoke", "--mqtt-context", '{"secret": "s3cret"}'],
        "--mqtt-context: expected username, password, clientId, found secret",
    ),
    (["invoke", "--token-signature", "no base64!"], "--token-signature: expected standard base64"),
    (["invoke", "--config", "missing.toml"], "missing.toml: file not found"),
    (["invoke", "--handler", "nowhere.handler"], "nowhere.handler: no module named nowhere"),
    (["invoke", "--handler", "json.nothing"], "json.nothing: Python itself has a module json"),
    (["explain", CHAT, "--principal", "ann", "publish", "a/+"], "RESOURCE: a topic name must not contain a wildcard"),
    (["explain", CHAT, "--principal", "ann", "subscribe", "rooms/#/x"], "RESOURCE: # must be the last level"),
    *((command, f"authorizer.toml: {CONFIGURATION}") for command in TAKE_A_TEMPLATE),
    *(([*command, "--config", CHAT], f"{CHAT}: {TEMPLATE}") for command in TAKE_A_CONFIGURATION),
    (["token", "--principal", ""], "--principal: expected a name"),
    (["fly"], "No such command 'fly'"),
    (["revoke", "undo", "pump-7"], "No such command: --help lists the commands"),
    (["render", CHAT, "--principal", "a", "--account", "12"], "--account: expected 12 digits, found 12"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=[" ".join(arguments)[:40] for arguments, _ in ERRORS])
def test_an_error_is_one_line_on_standard_error_and_exit_code_2(run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert message in done.stderr


@pytest.mark.parametrize("command", [["invoke"], ["dev"], ["connect", "--for", "paho"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('policy = "nope"', "4: policy"),
        ('policy = "policies/chat.toml"\n[signing]\npublic_keys = { a = "nope" }', "6: signing.public_keys.a"),
    ],
    ids=["policy", "signing"],
)
def test_a_file_that_is_not_there_is_named_with_the_line_and_the_key_that_name_it(
    run: Run, folder: Path, command: list[str], text: str, place: str
) -> None:
    written = f'\nname = "chat"\ntoken_key_name = "t"\n{text}\n[anonymous]\nprincipal = "x"\n'
    (folder / "authorizer.toml").write_text(written)
    message = f"authorizer.toml:{place}: nope: file not found: correct its name, or create it"
    assert run(*command).stderr == f"iot-authorizer: {message}\n"


def test_a_configuration_without_a_template_is_recognized(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('name = "own"\nhandler = "rules.lambda_handler"\n')
    assert run("lint", "own.toml").stderr.startswith(f"iot-authorizer: own.toml: {CONFIGURATION}\n")


def commands(group: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """All commands, such as `users add`, and the groups that hold them."""
    for name, command in group.items():
        yield f"{path}{name}"
        yield from commands(getattr(command, "commands", {}), f"{path}{name} ")


COMMANDS = list(commands(get_group(app).commands))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_room_for_what_options_mean_in_80_columns(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="iot-authorizer").stdout
    assert f"Example: iot-authorizer {command}" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert "\n  --help" + " " * 30 not in shown


@pytest.mark.parametrize("group", ["", "keys", "users", "revoke", "revoke undo"])
def test_without_a_subcommand_it_lists_them(run: Run, group: str) -> None:
    done = run(*group.split())
    listed = [path for path in COMMANDS if path.rpartition(" ")[0] == group]
    missing = [path for path in listed if f"\n  {path.rpartition(' ')[2]} " not in done.stdout]
    shortened = [line for line in done.stdout.splitlines() if line.startswith("  ") and line.endswith("...")]
    assert (done.returncode, missing, shortened, done.stderr) == (0, [], [], "")


def test_no_command_loads_boto3_or_rich_before_it_runs() -> None:
    script = """
import sys
from typer.main import get_group
from iot_authorizer_cli.app import app
def load(command):
    for each in getattr(command, "commands", {}).values():
        load(each)
load(get_group(app))
slow = {"boto3", "botocore.session", "rich.console"}
print(slow & set(sys.modules), "iot_authorizer_cli.commands.dev.command" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set() True\n"


def test_help_loads_no_command_to_list_it() -> None:
    commands = "[name for name in sys.modules if name.startswith('iot_authorizer_cli.commands.')]"
    assert loaded("--help", commands) == "[]"


def test_help_says_of_each_command_the_first_sentence_of_its_own_help(run: Run) -> None:
    shown = run("--help").stdout
    expected = [(command.help or "").partition(".")[0] for command in get_group(app).commands.values()]
    assert [sentence for sentence in expected if f"  {sentence}." not in shown] == []


def test_a_command_loads_only_what_it_needs(folder: Path) -> None:
    others = "{'iot_policies.proofs', 'iot_core.core', 'iot_authorizer_cdk', 'jwt', 'cryptography'} & set(sys.modules)"
    assert loaded("render policies/chat.toml --principal ann", others, folder) == "set()"
    others = "{'iot_policies.proofs', 'iot_authorizer_cdk'} & set(sys.modules)"
    assert loaded("users import --help", others) == "set()"


def test_a_proof_loads_no_comparison() -> None:
    others = "{'iot_policies.proofs.diff', 'iot_policies.proofs.who_can'} & set(sys.modules)"
    script = f"import sys, iot_policies.proofs; print({others})"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
    )


def loaded(arguments: str, expression: str, folder: Path | None = None) -> str:
    """The value of an expression after a command; the command's own output is not in it."""
    script = f"""
import sys
from iot_authorizer_cli.entry_point import main
sys.argv[1:] = {arguments.split()!r}
try:
    main()
finally:
    print({expression}, file=sys.stderr)
"""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr.strip()
