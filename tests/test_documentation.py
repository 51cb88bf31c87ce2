"""Every command and every example in README.md and docs/ runs, and prints what it is said to print."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer_cdk.app.stages import Stage
from iot_authorizer_cdk.package.target import LAMBDA, write_target
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import DATA
from tests import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text("utf-8")) if kind == language]


@pytest.fixture
def ports(folder: Path) -> Iterator[dict[str, str]]:
    """IoT Core as the pages start it, on ports that are free: what stands for which port of theirs."""
    with LocalIotCore(folder / "authorizer.toml", folder=folder / DATA) as core:
        yield {"8080": str(core.port), "8443": str(core.tls_port)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a user has it, with what the pages tell to write there: a page changes no other page's."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("*.py"))
    shutil.copy(ROOT / "authorizer.toml", folder)
    built = folder / "build" / "lambda"  # Of what `make build` writes, all that the construct looks at.
    shutil.copytree(folder / "policies", built / "policies")
    shutil.copy(ROOT / "authorizer.toml", built)
    write_target(built, LAMBDA)
    for page in PAGES:
        for block in blocks(page, "python"):
            if match := re.match(r"# (\w+\.py)\n", block):
                (folder / match[1]).write_text(block)
    return folder


def run(folder: Path, command: str, variables: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Runs one command as a shell would in a terminal; gives its output, and variables that it sets."""
    environment = {**os.environ, **variables, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f"{command}\nexec 2>/dev/null; set | grep -E '^(TOKEN|HASH|PASSWORD)=' > variables || true"
    done = subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pairs = (line.split("=", 1) for line in (folder / "variables").read_text().splitlines())
    return done.stdout, variables | {name: value.strip("'") for name, value in pairs}


def on_free_ports(command: str, ports: dict[str, str]) -> str:
    for port, free in ports.items():
        command = command.replace(f"localhost:{port}", f"localhost:{free}")
    return command


def as_pattern(expected: str) -> str:
    """What is printed, with `…` for what differs from run to run."""
    return ".*".join(map(re.escape, expected.split("…")))


def follow(page: Path, folder: Path, ports: dict[str, str]) -> None:
    """Runs all commands of a page in a new terminal."""
    variables: dict[str, str] = {}
    for block in blocks(page, "console"):
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            output, variables = run(folder, on_free_ports(command, ports), variables)
            assert re.fullmatch(as_pattern(expected), output, re.DOTALL), f"{command}\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_prints_what_the_page_says(page: Path, folder: Path, ports: dict[str, str]) -> None:
    follow(page, folder, ports)


@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_the_pages_that_make_keys_can_be_followed_in_one_folder(step: int, folder: Path, ports: dict[str, str]) -> None:
    pages = [page for page in PAGES if "iot-authorizer keys new" in "".join(blocks(page, "console"))]
    assert [page.name for page in pages] == ["connect-clients.md", "deploy.md", "configuration.md"]
    for page in pages[::step]:
        follow(page, folder, ports)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_python_example_runs(page: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_toml_example_is_toml(page: Path) -> None:
    for block in blocks(page, "toml"):
        tomllib.loads(block)


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make (\w+)", blocks(PAGES[0], "sh")[0], re.MULTILINE)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert set(commands) <= set(targets)


@pytest.mark.parametrize(
    ("file", "name"),
    sorted(set(re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "docs/explanation/security.md").read_text("utf-8")))),
)
def test_each_attack_has_the_test_that_the_page_names(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_each_reason_code_has_its_cause_and_its_cure_in_the_docs(reason: Reason) -> None:
    text = (ROOT / "docs/reference/log-and-reason-codes.md").read_text("utf-8")
    assert re.search(rf"^\| `{reason}` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)


@pytest.mark.parametrize("key", [field.name for field in fields(Stage)])
def test_each_key_of_a_stage_is_in_the_docs(key: str) -> None:
    text = (ROOT / "docs/how-to/deploy.md").read_text("utf-8")
    assert re.search(rf"^\| [^|]*`{key}`[^|]* \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
