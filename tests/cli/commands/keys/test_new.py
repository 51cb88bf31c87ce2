"""`iot-authorizer keys new` and `rotate`."""

import json
import os
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.cli.conftest import Run
from tests.clients.needs import needs


def named(config: Path) -> dict[str, str]:
    """The files of the public halves, by the keys' names, as the configuration has them."""
    keys: dict[str, str] = tomllib.loads(config.read_text())["signing"]["public_keys"]
    return keys


def listed(run: Run) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in json.loads(run("keys", "list", "--json").stdout)}


def test_a_new_key_is_a_pair_that_the_configuration_names(run: Run, folder: Path) -> None:
    assert run("keys", "new", "first").returncode == 0
    assert named(folder / "authorizer.toml") == {"first": "keys/first.pem"}
    half = ["pkey", "-in", "keys/private/first.pem", "-pubout"]
    public = subprocess.run([needs("openssl"), *half], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert (folder / "keys/first.pem").read_text() == public


def test_no_part_of_the_private_half_is_printed(run: Run, folder: Path) -> None:
    shown = "".join(
        done.stdout + done.stderr
        for done in (run("keys", "new", "first"), run("keys", "list", "--json"), run("sign", "x"), run("keys", "list"))
    )
    key = load_pem_private_key((folder / "keys/private/first.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    lines = (folder / "keys/private/first.pem").read_text().splitlines()
    assert [line for line in [*lines, str(key.private_numbers().d)] if line in shown] == []


def test_it_prints_the_files_and_what_to_do_next(run: Run) -> None:
    shown = run("keys", "new", "first").stdout
    for part in ("keys/first.pem", "keys/private/first.pem", "authorizer.toml", "Deploy", "iot-authorizer sign TOKEN"):
        assert part in shown


def test_with_the_first_key_it_says_that_a_deployed_authorizer_needs_another_name(run: Run) -> None:
    about = "IoT Core cannot turn it on for an existing authorizer"
    assert [about in run("keys", "new", name).stdout for name in ("first", "second")] == [True, False]


def test_the_first_key_says_which_clients_it_cuts_off(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").write_text(
        'name = "chat"\ntoken_key_name = "t"\n[passwords]\nfile = "passwords.toml"\n[anonymous]\nprincipal = "guest"\n'
    )
    first, second = (run("keys", "new", name).stderr for name in ("first", "second"))
    assert "[passwords]: with signing, IoT Core refuses every client that signs in with a user name" in first
    assert "[anonymous]: with signing, IoT Core refuses every client without credentials" in first
    assert second == ""


def test_a_key_without_a_name_gets_the_month_and_a_number_if_the_month_exists(run: Run, folder: Path) -> None:
    before = time.strftime("%Y-%m")
    run("keys", "new")
    run("keys", "new")
    names = list(named(folder / "authorizer.toml"))
    assert names in ([month, f"{month}-2"] for month in (before, time.strftime("%Y-%m")))


@pytest.mark.parametrize("bits", ["2048", "3072", "4096"])
def test_a_key_has_the_given_size(run: Run, bits: str) -> None:
    run("keys", "new", "first", "--bits", bits)
    assert listed(run)["first"]["bits"] == int(bits)


def test_the_newest_private_half_signs_after_a_rotation(run: Run, config: Path) -> None:
    run("keys", "rotate", "new")
    assert [(name, entry["signs"]) for name, entry in listed(run).items()] == [("old", False), ("new", True)]


def test_of_two_private_halves_with_the_same_time_the_later_in_the_configuration_signs(run: Run, config: Path) -> None:
    run("keys", "rotate", "a-new-one")
    for path in (config.parent / "keys/private").glob("*.pem"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert listed(run)["a-new-one"]["signs"] is True


def test_a_rotation_says_when_to_retire_the_key_before(run: Run, config: Path) -> None:
    shown = " ".join(run("keys", "rotate", "new").stdout.split())
    assert "old stays valid" in shown
    assert shown.endswith("When the last token that old signed has expired: iot-authorizer keys retire old")


def test_a_configuration_elsewhere_has_its_keys_beside_it(run: Run, folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "authorizer.toml").rename(folder / "other/own.toml")
    done = run("keys", "new", "first", "--config", "other/own.toml")
    assert "iot-authorizer sign --config other/own.toml TOKEN" in done.stdout
    assert sorted(path.name for path in (folder / "other/keys").rglob("*.pem")) == ["first.pem", "first.pem"]
