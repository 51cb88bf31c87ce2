"""No text tells a reader to install this package by its bare name: whoever registers that name would be installed."""

import re
import tomllib
from itertools import pairwise

import pytest

from iot_authorizer_cli.distribution import DISTRIBUTION
from tests import ROOT

INSTALLER = re.compile(r"\b(?:pip3?|pipx|uvx|poetry|pdm|conda)\b|\buv (?:add|pip|tool)\b|--with\b")
WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s'\"`]+")
SOURCE = re.compile(r"--(?:from|spec|with)")
"""The next word says what is installed, and a later one which program runs."""
BARE = re.compile(rf"{DISTRIBUTION}(?:\[[\w,]*\])?(?:[<>=~!]=?[\d.]+)?\.?")
FOLDERS = ("authorizer", "cdk", "cli", "docs", "identities", "local", "policies")
TEXTS = {".css", ".html", ".js", ".md", ".py", ".template", ".toml"}


def installs_by_name(line: str) -> bool:
    """Whether a line installs the package without saying where it comes from."""
    words = [word.strip("'\"") for word in WORD.findall(line)] if INSTALLER.search(line) else []
    named = [word for option, word in pairwise(words) if SOURCE.fullmatch(option)]
    return any(BARE.fullmatch(word) for word in named or words)


def test_the_name_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] == DISTRIBUTION


@pytest.mark.parametrize(
    "line",
    [
        "pip install iot-authorizer",
        "python3 -m pip install 'iot-authorizer[local]'",
        "run `pip install iot-authorizer`.",
        "uv add iot-authorizer[cdk,local]",
        "uv tool install iot-authorizer==0.1.0",
        "uvx iot-authorizer init chat",
        "uvx --from 'iot-authorizer[local]' iot-authorizer init",
        "pipx run iot-authorizer dev",
        "uv run --with iot-authorizer python",
    ],
)
def test_an_installation_by_the_bare_name_is_found(line: str) -> None:
    assert installs_by_name(line)


@pytest.mark.parametrize(
    "line",
    [
        "uvx --from './iot_authorizer-0.1.0-py3-none-any.whl[local]' iot-authorizer init chat",
        "uvx --from 'iot-authorizer[local] @ git+https://…' iot-authorizer init chat",
        "uv pip install 'iot-authorizer[cdk] @ https://example.com/iot.whl'",
        "uv add --editable '../iot-authorizer[cdk,local]'",
        "uv run iot-authorizer build",
    ],
)
def test_an_installation_that_names_its_source_is_not(line: str) -> None:
    assert not installs_by_name(line)


def test_no_text_installs_the_package_by_its_bare_name() -> None:
    texts = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in (ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml", *texts)
        for line in path.read_text("utf-8").splitlines()
        if installs_by_name(line)
    ]
    assert found == []
