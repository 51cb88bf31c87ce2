"""Runs the command line as a user runs it."""

import itertools
import shutil
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from iot_authorizer_cli.commands.keys import changing
from iot_authorizer_cli.commands.keys.changing import make_key
from tests import ROOT
from tests.cli.in_process import run_here

Run = Callable[..., subprocess.CompletedProcess[str]]
MOST_RSA_KEYS = 3


@cache
def rsa_key(bits: int, _number: int) -> RSAPrivateKey:
    """One of a few keys of a size."""
    return generate_private_key(65_537, bits)


@pytest.fixture(autouse=True)
def few_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """`keys new` takes turns with a few RSA keys: making one takes longer than most tests."""
    numbers = itertools.cycle(range(MOST_RSA_KEYS))
    monkeypatch.setattr(changing, "generate_private_key", lambda _, bits: rsa_key(bits, next(numbers)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with the ready templates and the configuration."""
    return fill(tmp_path)


def fill(folder: Path) -> Path:
    """Copies the ready templates and the configuration into a folder."""
    (folder / "policies").mkdir()
    for template in (ROOT / "policies").glob("*.toml"):
        shutil.copy(template, folder / "policies")
    shutil.copy(ROOT / "authorizer.toml", folder)
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs `iot-authorizer` with some arguments."""
    return partial(run_here, folder)


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with one key, named `old`."""
    make_key(folder / "authorizer.toml", "old", 2048)
    return folder / "authorizer.toml"


@pytest.fixture
def two_keys(config: Path) -> Path:
    """A configuration with the keys `old` and `new`, of which `new` signs."""
    make_key(config, "new", 2048)
    return config


def state(folder: Path) -> dict[str, bytes]:
    """The content of all files of a folder, by path."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(run: Run, *arguments: str) -> str:
    """The one line that a command prints when it refuses."""
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stdout + done.stderr
    return done.stderr.removeprefix("iot-authorizer: ").rstrip()
