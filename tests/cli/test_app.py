"""`iot-authorizer render`, `explain` and `lint`, and errors."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from tests.cli.conftest import Run

CHAT = "policies/chat.toml"
KEYS = ["keys", "keys new", "keys list", "keys rotate", "keys retire"]
IDENTITIES = ["password", "users", "revoke"]
COMMANDS = ["dev", "connect", "invoke", "render", "explain", "lint", "token", *KEYS, "sign", *IDENTITIES]


def test_it_tells_its_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"iot-authorizer {version('iot-authorizer')}\n")


def test_help_says_where_to_begin(run: Run) -> None:
    shown = run("--help").stdout
    assert ("Begin with dev" in shown, "Example: iot-authorizer dev" in shown) == (True, True)


def test_render_prints_the_documents_as_one_compact_json_list(run: Run) -> None:
    done = run("render", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}')
    documents = json.loads(done.stdout)
    assert done.stdout == json.dumps(documents, separators=(",", ":")) + "\n"
    assert [document["Version"] for document in documents] == ["2012-10-17"]


def test_render_writes_arns_for_the_region_and_the_account(run: Run) -> None:
    done = run("render", CHAT, "--principal", "ann", "--region", "eu-north-1", "--account", "999988887777")
    assert '"arn:aws:iot:eu-north-1:999988887777:client/ann"' in done.stdout


def test_render_fills_in_the_client_id(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["clients/{client_id}"]\n')
    done = run("render", "own.toml", "--principal", "ann", "--client-id", "ann-1")
    assert "topic/clients/ann-1" in done.stdout


def test_render_notes_what_is_left_out_since_a_claim_is_missing(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\n[[grant]]\npublish = ["a/{claims.romos}", "b/{client_id}"]\n'
    )
    done = run("render", "own.toml", "--principal", "ann", "--client-id", "ann", "--claims", '{"rooms": ["lobby"]}')
    assert (done.returncode, done.stderr) == (
        0,
        'left out: grant[1], publish = "a/{claims.romos}": claims.romos is missing\n',
    )


@pytest.mark.parametrize(
    ("action", "resource", "code"),
    [
        ("connect", "ann", 0),
        ("connect", "ann/phone", 0),
        ("connect", "ann-marie", 1),
        ("publish", "rooms/lobby/say/ann", 0),
        ("publish", "rooms/lobby/say/bob", 1),
        ("retain", "rooms/lobby/topic", 0),
        ("retain", "rooms/lobby/say/ann", 1),
        ("subscribe", "rooms/lobby/#", 0),
        ("subscribe", "rooms/#", 1),
        ("receive", "rooms/lobby/say/bob", 0),
        ("receive", "rooms/attic/say/bob", 1),
    ],
)
def test_explain_exits_with_0_for_allowed_and_1_for_denied(run: Run, action: str, resource: str, code: int) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}', action, resource)
    assert done.returncode == code, done.stdout
    assert done.stdout.startswith("denied" if code else "allowed")


def test_explain_names_the_entry_that_allows(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["a"]}', "publish", "rooms/a/say/ann")
    assert 'by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"' in done.stdout


def test_explain_names_the_deny_that_denies(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"suspended": true}', "publish", "users/ann/outbox")
    assert 'by deny "suspended", publish = "#"' in done.stdout


def test_explain_says_what_a_claim_must_be(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "publish", "rooms/a/mute/bob")
    assert "needs role = moderator or admin" in done.stdout


def test_explain_says_which_claim_is_missing(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "publish", "rooms/a/say/ann")
    assert "claims.rooms is missing" in done.stdout


def test_explain_says_which_value_is_unsafe_without_the_value(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["+"]}', "publish", "rooms/a/say/ann")
    assert (done.returncode, "unsafe_value: claims.rooms" in done.stdout) == (1, True)


def test_the_ready_templates_are_clean(run: Run) -> None:
    done = run("lint", CHAT, "policies/fleet.toml", "policies/broadcast.toml")
    assert (done.returncode, "warning" in done.stdout) == (0, False)


def test_lint_exits_with_1_and_names_file_line_and_entry(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["sensor"]\n')
    done = run("lint", "own.toml")
    assert done.returncode == 1
    assert done.stdout.startswith('own.toml:2: warning: grant[0].connect[0]: "sensor" is not bound to the principal')


ERRORS = [
    (["render", "missing.toml", "--principal", "ann"], "missing.toml: can't be read: No such file or directory"),
    (["render", CHAT], "--principal"),
    (["render", CHAT, "--principal", "ann", "--claims", "{"], "--claims: expected a JSON object"),
    (["render", CHAT, "--principal", "ann", "--claims", "[]"], "--claims: expected a JSON object"),
    (
        ["render", CHAT, "--principal", "a/b"],
        "--principal: principal cannot be a topic level: expected at most 128",
    ),
    (
        ["render", CHAT, "--principal", "a", "--claims", '{"rooms": "+"}'],
        "--claims: claims.rooms cannot be a topic level",
    ),
    (["render", CHAT, "--principal", ""], "--principal: expected a name"),
    (["explain", CHAT, "--principal", "", "connect", "ann"], "--principal: expected a name"),
    (["explain", CHAT, "--principal", "ann", "jump", "x"], "'jump' is not one of"),
    (["lint"], "Missing argument"),
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
    (["invoke", "--handler", "json.nothing"], "json.nothing: json has no function nothing"),
    (["invoke", "--handler", "json.dumps"], "the handler raised TypeError"),
    (["explain", CHAT, "--principal", "ann", "publish", "a/+"], "RESOURCE: a topic name must not contain + or #"),
    (["explain", CHAT, "--principal", "ann", "subscribe", "rooms/#/x"], "RESOURCE: # must be the last level"),
    (["lint", "authorizer.toml"], "authorizer.toml: this is a configuration: lint takes policy templates"),
    (["render", "authorizer.toml", "--principal", "ann"], "this is a configuration: render takes policy templates"),
    (["token", "--principal", ""], "--principal: expected a name"),
    (["fly"], "No such command 'fly'"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=[" ".join(arguments)[:40] for arguments, _ in ERRORS])
def test_an_error_is_one_line_on_standard_error_and_exit_code_2(run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert message in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_into_80_columns(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="iot-authorizer").stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_room_for_what_options_mean(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*command.split(), "--help"]).stdout
    assert "\n  --help" + " " * 30 not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert (done.returncode, "Example: iot-authorizer " + command in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("topic", "other"),
    [("rooms/attic/say/ann", "claims.rooms"), ("rooms/a/say/bob", "principal"), ("users/bob/outbox", "principal")],
)
def test_explain_says_whose_topic_it_is_instead(run: Run, topic: str, other: str) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["a"]}', "publish", topic)
    assert done.stdout.rstrip().endswith(f"is for another {other}")
