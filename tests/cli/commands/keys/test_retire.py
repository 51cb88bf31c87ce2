"""`iot-authorizer keys retire`: it removes a key with the files that `keys new` wrote for it, and no other file."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.changing import retire_key
from tests.cli.conftest import Run
from tests.cli.dev import PROGRAM

OLD = ["keys/private/old.pem", "keys/old.pem"]


@pytest.fixture
def config(two_keys: Path) -> Path:
    return two_keys


def named(config: Path) -> list[str]:
    """The names of the keys in a configuration."""
    return list(tomllib.loads(config.read_text())["signing"]["public_keys"])


def retired(run: Run, *options: str) -> list[str]:
    """The lines about files that it prints when `old` is retired."""
    done = run("keys", "retire", "old", "--yes", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[:-1]


def kept(*files: str) -> list[str]:
    return [f"kept {file}: keys new did not write it for this key" for file in files]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_both_halves_are_removed_and_printed(run: Run, config: Path) -> None:
    before = files(config.parent)
    assert retired(run) == [f"removed {file}" for file in OLD]
    assert (before - files(config.parent), named(config)) == (set(OLD), ["new"])


@pytest.mark.parametrize(("answer", "stays", "code"), [("y\n", False, 0), ("n\n", True, 1)])
def test_on_a_terminal_it_asks_before_it_removes(config: Path, answer: str, stays: bool, code: int) -> None:
    at_terminal = "import pty, os, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    command = [sys.executable, "-c", at_terminal, str(PROGRAM), "keys", "retire", "old"]
    done = subprocess.run(
        command, cwd=config.parent, input=answer, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Retire old? This removes keys/private/old.pem and keys/old.pem" in done.stdout
    assert ((config.parent / "keys/private/old.pem").exists(), done.returncode) == (stays, code)


def test_a_key_that_another_configuration_names_is_not_retired_by_this_one(run: Run, config: Path) -> None:
    """This configuration has only the public half, from the service that signs."""
    other = config.with_name("other.toml")
    (config.parent / "theirs.pem").write_text((config.parent / "keys/new.pem").read_text())
    keys = '{ "old" = "theirs.pem", "new" = "keys/new.pem" }'
    other.write_text(f'name = "other"\ntoken_key_name = "token"\n[signing]\npublic_keys = {keys}\n')
    before = files(config.parent)
    assert retired(run, "--config", "other.toml") == kept("keys/private/old.pem", "theirs.pem")
    assert (files(config.parent), named(other), named(config)) == (before, ["new"], ["old", "new"])


@pytest.mark.parametrize("file", ["../precious.txt", "keys/private/new.pem", "policies/chat.toml", "keys/third.pem"])
def test_a_file_that_keys_new_did_not_write_stays(run: Run, config: Path, file: str) -> None:
    path = config.parent / file
    if not path.exists():
        path.write_text((config.parent / "keys/old.pem").read_text())
    config.write_text(config.read_text().replace('"keys/old.pem"', f'"{file}"'))
    before = path.read_bytes()
    assert retired(run) == kept("keys/private/old.pem", file)
    assert (path.read_bytes(), named(config)) == (before, ["new"])


@pytest.mark.parametrize("file", ["keys/old.pem", "./keys/old.pem"])
def test_a_public_half_that_another_key_needs_stays(run: Run, config: Path, file: str) -> None:
    config.write_text(config.read_text().replace('"keys/new.pem"', f'"{file}"'))
    assert retired(run) == kept(*OLD)


def test_a_private_half_that_is_a_link_stays_because_its_target_would(run: Run, config: Path) -> None:
    private = config.parent / "keys/private/old.pem"
    private.symlink_to(private.rename(config.parent / "vault.pem"))
    assert retired(run) == ["removed keys/old.pem", *kept("keys/private/old.pem")]


def test_a_public_half_that_holds_something_else_by_now_stays(run: Run, config: Path) -> None:
    (config.parent / "keys/old.pem").write_text("my notes")
    assert retired(run) == kept(*OLD)


def test_a_private_half_that_is_another_pairs_stays(run: Run, config: Path) -> None:
    private = config.parent / "keys/private"
    (private / "old.pem").write_bytes((private / "new.pem").read_bytes())
    assert retired(run) == ["removed keys/old.pem", *kept("keys/private/old.pem")]


def test_a_private_half_that_other_users_can_read_is_removed(run: Run, config: Path) -> None:
    (config.parent / "keys/private/old.pem").chmod(0o644)
    assert retired(run) == [f"removed {file}" for file in OLD]


def test_an_interrupted_retirement_can_be_repeated(run: Run, config: Path) -> None:
    blocked = config.with_name(f".authorizer.toml.{os.getpid()}.partial")  # It is written here first.
    blocked.mkdir()
    with pytest.raises(OSError):
        retire_key(config, "old")
    assert (named(config), (config.parent / "keys/private/old.pem").exists()) == (["old", "new"], False)
    blocked.rmdir()
    assert retired(run) == ["removed keys/old.pem"]
    assert named(config) == ["new"]
