"""Errors of `iot-authorizer keys` and `sign`: each is one line, and no file changes."""

from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.changing import make_key, retire_key
from iot_authorizer_cli.project.configuration import read_project_configuration
from iot_authorizer_cli.project.key_ring import KeyRefused
from tests.cli.conftest import Run, refused, state

COMMANDS = [["keys", "new"], ["keys", "list"], ["keys", "rotate"], ["keys", "retire", "old", "--yes"], ["sign", "x"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_configuration_it_says_how_to_name_one(run: Run, folder: Path, command: list[str]) -> None:
    (folder / "authorizer.toml").unlink()
    expected = "authorizer.toml: file not found: name your configuration with --config, or write a new project with "
    assert refused(run, *command) == f"{expected}`iot-authorizer init`"
    assert not (folder / "keys").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_invalid_configuration_is_named_with_its_line(run: Run, folder: Path, command: list[str]) -> None:
    (folder / "authorizer.toml").write_text('name = "chat"\npolicy = chat\n')
    assert refused(run, *command).startswith("authorizer.toml:2: not valid TOML")
    assert not (folder / "keys").exists()


NAMES = ["", "a/b", "../../x", "a.b", "a b", "é", "x" * 129, "a\nb", "."]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_iot_core_does_not_accept_is_refused(config: Path, name: str) -> None:
    before = state(config.parent)
    with pytest.raises(KeyRefused, match="a key's name: expected 1 to 128 letters, digits and :_-"):
        make_key(config, name, 2048)
    with pytest.raises(KeyRefused, match="a key's name: expected 1 to 128 letters, digits and :_-"):
        retire_key(config, name)
    assert state(config.parent) == before


@pytest.mark.parametrize("name", ["a:b_c-D9", "x" * 128])
def test_a_name_that_iot_core_accepts_is_accepted(config: Path, name: str) -> None:
    assert make_key(config, name, 2048).sign(b"x")
    assert (
        name
        in read_project_configuration(
            config, "arn:aws:lambda:us-east-1:123456789012:function:a"
        ).description.public_keys
    )


def test_a_wrong_name_in_the_configuration_is_reported_with_its_line(run: Run, folder: Path) -> None:
    config = folder / "authorizer.toml"
    line = config.read_text().count("\n") + 2
    with config.open("a") as file:
        file.write('[signing.public_keys]\n"a b" = "keys/x.pem"\n')
    assert refused(run, "keys", "list").startswith(f"authorizer.toml:{line}: signing.public_keys.a b: ")


@pytest.mark.parametrize("path", ["keys/first.pem", "keys/private/first.pem"])
def test_an_existing_file_is_not_overwritten(run: Run, folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text("another user's")
    before = state(folder)
    advice = "choose another name, or remove the file if no other configuration names a key first"
    assert refused(run, "keys", "new", "first") == f"{path} already exists: {advice}"
    assert state(folder) == before


def test_a_third_key_is_more_than_iot_core_accepts(run: Run, two_keys: Path) -> None:
    before = state(two_keys.parent)
    expected = "IoT Core takes at most 2 keys: retire one first, with iot-authorizer keys retire old"
    assert [refused(run, "keys", command) for command in ("new", "rotate")] == [expected] * 2
    assert state(two_keys.parent) == before


@pytest.mark.parametrize(
    ("keys", "command", "advice"),
    [
        ([], ["keys", "rotate"], "keys new --config 'my own.toml'"),
        ([], ["sign", "x"], "keys new --config 'my own.toml'"),
        (["old"], ["keys", "retire", "old", "--yes"], "keys rotate --config 'my own.toml'; "),
        (["old", "new"], ["keys", "new"], "keys retire --config 'my own.toml' old"),
    ],
    ids=["rotate", "sign", "retire", "new"],
)
def test_a_suggested_command_names_the_same_configuration(
    run: Run, folder: Path, keys: list[str], command: list[str], advice: str
) -> None:
    config = (folder / "authorizer.toml").rename(folder / "my own.toml")
    for name in keys:
        make_key(config, name, 2048)
    assert f"iot-authorizer {advice}" in refused(run, *command, "--config", "my own.toml")


def test_signing_needs_a_token_key_name(run: Run, folder: Path) -> None:
    config = folder / "authorizer.toml"
    config.write_text(config.read_text().replace('token_key_name = "token"\n', ""))
    assert refused(run, "keys", "new").startswith("authorizer.toml: token_key_name: is missing: IoT Core looks for")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["new", "old"], "authorizer.toml already has a key old: choose another name"),
        (["new", "../x"], "a key's name: expected 1 to 128 letters, digits and :_-"),
        (["retire", "other", "--yes"], "authorizer.toml has no key other; its keys: old"),
        (["retire", "old", "--yes"], "old is the last key, and IoT Core cannot turn signing off for an authorizer: "),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_refused_change_of_keys_changes_no_file(run: Run, config: Path, command: list[str], expected: str) -> None:
    before = state(config.parent)
    assert refused(run, "keys", *command).startswith(expected)
    assert state(config.parent) == before


def test_without_a_terminal_nothing_is_removed_without_yes(run: Run, two_keys: Path) -> None:
    before = state(two_keys.parent)
    assert refused(run, "keys", "retire", "old") == "--yes is required when the command does not run in a terminal"
    assert state(two_keys.parent) == before
