"""`iot-authorizer keys retire`: a key goes with its own halves, and with no other file."""

import os
import tomllib
from pathlib import Path

import pytest

from iot_authorizer_cli.signing.changing import make_key, retire_key
from tests.cli.conftest import Run


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with two keys, of which `old` is retired."""
    for name in ("old", "new"):
        make_key(folder / "authorizer.toml", name, 2048)
    return folder / "authorizer.toml"


def named(config: Path) -> list[str]:
    """The names of the keys in a configuration."""
    return list(tomllib.loads(config.read_text())["signing"]["public_keys"])


def retired(run: Run) -> list[str]:
    """What it prints of files when `old` is retired."""
    done = run("keys", "retire", "old", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[:-2]


def name_another_file(config: Path, name: str, file: str) -> None:
    """Has the configuration name another file as the public half of a key."""
    text = config.read_text()
    assert f'"keys/{name}.pem"' in text
    config.write_text(text.replace(f'"keys/{name}.pem"', f'"{file}"'))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_both_halves_go_and_it_says_so(run: Run, config: Path) -> None:
    before = files(config.parent)
    assert retired(run) == ["removed keys/private/old.pem", "removed keys/old.pem"]
    assert before - files(config.parent) == {"keys/private/old.pem", "keys/old.pem"}


def test_a_key_that_another_configuration_names_is_not_retired_by_this_one(run: Run, config: Path) -> None:
    other = config.with_name("other.toml")
    other.write_text('name = "other"\ntoken_key_name = "token"\n')
    for name in ("first", "second"):
        make_key(other, name, 2048)
    before = files(config.parent)
    done = run("keys", "retire", "old", "--yes", "--config", "other.toml")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: other.toml names no key old, only: first, second\n",
    )
    assert files(config.parent) == before


def test_another_configurations_private_half_of_the_same_name_stays(run: Run, config: Path) -> None:
    """This one's key came with a public half alone, from who signs."""
    other = config.with_name("other.toml")
    (config.parent / "theirs.pem").write_text((config.parent / "keys/new.pem").read_text())
    keys = '{ "old" = "theirs.pem", "new" = "keys/new.pem" }'
    other.write_text(f'name = "other"\ntoken_key_name = "token"\n[signing]\npublic_keys = {keys}\n')
    done = run("keys", "retire", "old", "--yes", "--config", "other.toml")
    assert done.stdout.splitlines()[:-2] == [
        "keys/private/old.pem stays: is not the other half of theirs.pem",
        "theirs.pem stays: keys new did not put it there",
    ]
    assert {"keys/private/old.pem", "keys/old.pem", "theirs.pem"} <= files(config.parent)


def test_a_public_half_that_another_key_needs_stays(run: Run, config: Path) -> None:
    name_another_file(config, "new", "keys/../keys/old.pem")
    assert retired(run) == ["removed keys/private/old.pem", "keys/old.pem stays: is new's too"]
    assert (config.parent / "keys/old.pem").exists()


@pytest.mark.parametrize("file", ["../precious.txt", "keys/private/new.pem", "policies/chat.toml", "keys/third.pem"])
def test_a_file_that_keys_new_did_not_write_stays(run: Run, config: Path, file: str) -> None:
    path = config.parent / file
    if not path.exists():
        path.write_text((config.parent / "keys/old.pem").read_text())
    name_another_file(config, "old", file)
    before = path.read_bytes()
    assert f"{file} stays: keys new did not put it there" in retired(run)
    assert (path.read_bytes(), named(config)) == (before, ["new"])


def test_what_is_no_public_half_stays(run: Run, config: Path) -> None:
    (config.parent / "keys/old.pem").write_text("somebody's")
    assert retired(run)[-1] == (
        "keys/old.pem stays: expected the public half of an RSA key of 2048 bits or more, in PEM"
    )
    assert {"keys/old.pem", "keys/private/old.pem"} <= files(config.parent)
    assert named(config) == ["new"]


@pytest.mark.parametrize("file", ["keys/old.pem", "keys/private/old.pem"])
def test_a_folder_in_the_place_of_a_half_stays_and_the_key_is_retired(run: Run, config: Path, file: str) -> None:
    (config.parent / file).unlink()
    (config.parent / file).mkdir()
    assert f"{file} stays: is no file" in retired(run)
    assert named(config) == ["new"]


@pytest.mark.parametrize("file", ["keys/old.pem", "keys/private/old.pem"])
def test_a_link_in_the_place_of_a_half_stays(run: Run, config: Path, file: str) -> None:
    path = config.parent / file
    path.rename(config.parent / "elsewhere.pem")
    path.symlink_to(config.parent / "elsewhere.pem")
    assert f"{file} stays: is a link" in retired(run)
    assert (path.is_symlink(), (config.parent / "elsewhere.pem").exists()) == (True, True)


def test_a_private_half_that_is_another_pairs_stays(run: Run, config: Path) -> None:
    private = config.parent / "keys/private"
    (private / "old.pem").write_bytes((private / "new.pem").read_bytes())
    assert retired(run) == [
        "removed keys/old.pem",
        "keys/private/old.pem stays: is not the other half of keys/old.pem",
    ]
    assert (private / "old.pem").exists()


def test_a_private_half_that_others_can_read_goes(run: Run, config: Path) -> None:
    (config.parent / "keys/private/old.pem").chmod(0o644)
    assert retired(run) == ["removed keys/private/old.pem", "removed keys/old.pem"]


def test_a_retirement_that_broke_off_after_its_first_step_is_ended_by_another(run: Run, config: Path) -> None:
    blocked = config.with_name(f".authorizer.toml.{os.getpid()}.partial")  # Where it would be written first.
    blocked.mkdir()
    with pytest.raises(OSError):
        retire_key(config, "old")
    assert named(config) == ["old", "new"]
    blocked.rmdir()
    assert retired(run) == ["removed keys/old.pem"]
    assert named(config) == ["new"]
