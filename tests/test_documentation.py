"""Every command and every example of README.md and docs/ runs and prints what the page says.

Each page has a folder of its own: its commands run there in the order of the page, and share the working directory and
the shell variables that they set. IoT Core runs beside them from the first command that connects to one of its ports.
A new project is written by the package that is installed here, so nothing is downloaded for it.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_group

from iot_authorizer.configuration import (
    Anonymous,
    Configuration,
    CredentialsSettings,
    Guessing,
    Passwords,
    RevocationSettings,
    Signing,
    load_configuration,
)
from iot_authorizer.rule_settings import MessageRule
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_authorizer_cdk.app.stages import Stage
from iot_authorizer_cdk.properties import DomainProps
from iot_authorizer_cli.app import app
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import DATA
from iot_core.feed import Record
from tests import ROOT
from tests.cli.conftest import fill
from tests.clients.needs import needs
from tests.local_aws import made_up_credentials
from tests.progress import without_progress

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
RUN_IN_THE_CLOUD = DOCS / "tutorials/platform-engineer.md"
"""A page that `tests/cloud/test_tutorial.py` runs from its beginning to its end, because it deploys."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
PORTS = re.compile(r"localhost:(8080|8443)")
DOWNLOADED = 'uvx --from "$SOURCE" '
"""Runs a program of the package that a reader has."""


FEWER = (("seq 5000", "seq 20"), ("5,001", "21"))
"""What a page says about thousands of devices, and what is tested."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text("utf-8")) if kind == language]


def commands(page: Path) -> list[tuple[str, str]]:
    """The commands of a page, each with the output that the page shows; with fewer devices than on the page."""
    text = "".join(blocks(page, "console"))
    for many, few in FEWER:
        text = text.replace(many, few)
    return COMMAND.findall(text)


def with_blocks(language: str) -> pytest.MarkDecorator:
    """Parametrizes a test with the pages that have blocks of a language."""
    found = [page for page in PAGES if page != RUN_IN_THE_CLOUD and blocks(page, language)]
    return pytest.mark.parametrize("page", found, ids=name_of)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with all ready templates, and with the Python files that pages tell the reader to write."""
    folder = tmp_path / "project"
    folder.mkdir()
    fill(folder)
    for page in PAGES:
        for block in blocks(page, "python") if page != RUN_IN_THE_CLOUD else ():
            if match := re.match(r"# (\w+\.py)\n", block):
                (folder / match[1]).write_text(block)
    return folder


class Terminal:
    """Runs the commands of a page."""

    def __init__(self, folder: Path, cores: ExitStack) -> None:
        self.folder = folder
        """The working directory."""
        self._kept = folder.with_name("variables")
        self._variables: dict[str, str] = {}
        self._cores = cores
        self._ports: dict[str, str] = {}
        """The ports of IoT Core on the page, and the free ports that are used instead."""

    def run(self, command: str) -> str:
        """Runs one command and returns its output."""
        if PORTS.search(command) and not self._ports:
            core = self._cores.enter_context(LocalIotCore(self.folder / "authorizer.toml", folder=self.folder / DATA))
            self._ports = {"8080": str(core.port), "8443": str(core.tls_port)}
        used = PORTS.sub(lambda match: f"localhost:{self._ports[match[1]]}", command.removeprefix(DOWNLOADED))
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", f"{used}\nexec 2>/dev/null; set | grep -E '^(TOKEN|HASH|PASSWORD|PWD)=' > '{self._kept}'"],
            check=False,
            cwd=self.folder,
            env={**os.environ, **self._variables, "PATH": programs},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        pairs = (line.split("=", 1) for line in self._kept.read_text().splitlines())
        self._variables |= {name: value.strip("'") for name, value in pairs}
        self.folder = Path(self._variables["PWD"])
        return without_progress(done.stdout)


@pytest.fixture
def terminal(folder: Path) -> Iterator[Terminal]:
    with ExitStack() as cores:
        yield Terminal(folder, cores)


def as_pattern(expected: str) -> str:
    """The expected output as a regular expression; `…` is any text."""
    return ".*".join(map(re.escape, expected.split("…")))


@with_blocks("console")
def test_each_command_prints_what_the_page_says(page: Path, terminal: Terminal) -> None:
    if "mosquitto_passwd" in page.read_text("utf-8"):
        needs("mosquitto_passwd")
    for command, expected in commands(page):
        output = terminal.run(command)
        assert re.fullmatch(as_pattern(expected), output, re.DOTALL), f"{command}\n{output}"


@pytest.mark.parametrize("page", PAGES[1:], ids=name_of)
def test_no_page_needs_a_clone_of_the_repository(page: Path) -> None:
    """Only README.md begins in one."""
    shown = [*blocks(page, "sh"), *blocks(page, "console")]
    assert [block for block in shown if re.search(r"^(\$ )?(make|git clone)\b", block, re.MULTILINE)] == []


@with_blocks("python")
def test_each_python_example_runs(page: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    made_up_credentials(monkeypatch)  # A backend has a region and the variables of the construct.
    monkeypatch.setenv("IDENTITY_TABLE", "identities")
    monkeypatch.setenv("ONLINE_TABLE", "online")
    monkeypatch.syspath_prepend(folder)
    for block in blocks(page, "toml"):
        if block.startswith("# authorizer.toml\n"):
            (folder / "authorizer.toml").write_text(block)
    names: dict[str, object] = {"__name__": "example", "__file__": str(folder / "example.py")}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@with_blocks("toml")
def test_each_toml_example_is_toml(page: Path) -> None:
    for block in blocks(page, "toml"):
        tomllib.loads(block)


ISSUERS = [block for block in blocks(DOCS / "how-to/configure-issuers.md", "toml") if "[[jwt]]" in block]


@pytest.mark.parametrize("block", ISSUERS, ids=lambda block: block[:40])
def test_each_example_of_an_issuer_can_be_loaded(tmp_path: Path, block: str) -> None:
    path = tmp_path / "authorizer.toml"
    path.write_text(block if block.startswith("name") else f'name = "chat"\npolicy = "chat.toml"\n{block}')
    assert load_configuration(path, {}).jwt


def heading_ids(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    for target, fragment in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text("utf-8")):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not fragment or fragment in heading_ids(file), f"{target}#{fragment}"


@pytest.mark.parametrize("page", [page for page in PAGES if page != ROOT / "README.md"], ids=name_of)
def test_each_page_is_reached_from_the_entry(page: Path) -> None:
    assert page == DOCS / "README.md" or f"]({page.relative_to(DOCS).as_posix()}" in (DOCS / "README.md").read_text()


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    shown = re.findall(r"^make (\w+)", blocks(PAGES[0], "sh")[0], re.MULTILINE)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert shown == ["demo", "test"]
    assert set(shown) <= set(targets)


@pytest.mark.parametrize(
    ("file", "name"),
    sorted(set(re.findall(r"`(tests/\S+\.py)::(\w+)`", (DOCS / "reference/attacks.md").read_text("utf-8")))),
)
def test_each_attack_has_the_test_that_the_page_names(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("key", [field.name for field in fields(Stage)])
def test_each_key_of_a_stage_is_in_the_reference(key: str) -> None:
    text = (DOCS / "reference/stages.md").read_text("utf-8")
    assert re.search(rf"^\| [^|]*`{key}`[^|]* \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)


def test_each_command_is_in_the_reference_with_its_options_and_no_other() -> None:
    text = (DOCS / "reference/command-line.md").read_text("utf-8")
    names = set(called(get_group(app)))
    assert {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)} == set()
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text)) - names == {"--help"}


def keys_of(page: str, *headings: str) -> set[str]:
    """The keys in the first column of the tables of a page whose first heading is one of these."""
    rows = re.findall(r"^\| (.*?) \|(?: .* \|)+$", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    found: set[str] = set()
    inside = False
    for first in rows:
        if "`" not in first and "---" not in first:
            inside = first in headings
        elif inside:
            found |= set(re.findall(r"`(\w+)`", first))
    return found


def test_each_key_of_the_configuration_is_in_the_reference_and_no_other() -> None:
    of_a_table = {"jwt", "passwords", "signed_tokens", "anonymous", "signing", "guessing", "revocation"}
    of_a_table |= {"credentials", "rule"}
    models = (
        Configuration,
        JwtIssuer,
        SignedTokens,
        Passwords,
        Anonymous,
        Signing,
        CredentialsSettings,
        Guessing,
        RevocationSettings,
        MessageRule,
    )
    keys = {key for model in models for key in model.model_fields} - of_a_table
    assert keys_of("reference/configuration.md", "key") == keys
    headings = heading_ids(DOCS / "reference/configuration.md")
    assert {table for table in of_a_table if table not in headings} == set()


def test_each_key_of_a_domain_is_in_the_reference() -> None:
    assert {field.name for field in fields(DomainProps)} <= keys_of("reference/stages.md", "key")


def test_each_metric_of_the_authorizer_is_in_the_reference() -> None:
    source = (ROOT / "authorizer/iot_authorizer/observer.py").read_text("utf-8")
    counted = set(re.findall(r'(?:add_metric\(|_counting\(|if fetched else )"(\w+)"', source))
    assert keys_of("reference/log-and-reason-codes.md", "metric") == counted


def test_the_fields_of_the_log_line_are_in_the_reference_and_no_other() -> None:
    sources = [
        (ROOT / f"authorizer/iot_authorizer/{name}.py").read_text("utf-8")
        for name in ("lambda_handler", "credentials_endpoint", "observer")
    ]
    logged = set(re.findall(r'(?:fields\[|put\(fields, |},)"(\w+)', "".join(sources)))
    of_metrics = {"service", "_aws"}
    assert keys_of("reference/log-and-reason-codes.md", "field") == logged | of_metrics


def test_each_reason_of_a_disconnection_is_in_the_reference_and_on_the_page_in_the_same_words() -> None:
    text = (DOCS / "reference/presence-and-feed.md").read_text("utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", text, re.MULTILINE))
    script = (ROOT / "cli/iot_authorizer_cli/console/static/wording.js").read_text("utf-8")
    assert dict(re.findall(r'^  ([A-Z_]+): "(.*)",$', script, re.MULTILINE)) == documented
    sources = [path.read_text("utf-8") for path in (ROOT / "local/iot_core").rglob("*.py")]
    assert set(re.findall(r"DisconnectReason\.([A-Z_]+)", "".join(sources))) == documented.keys()


def names_in(paths: Iterable[Path], functions: set[str], bodies: set[str]) -> set[str]:
    """The keywords in calls of some functions, and the keys of the dictionaries in the bodies of others."""
    found: set[str] = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in functions:
            found |= {keyword.arg for keyword in node.keywords if keyword.arg}
        elif isinstance(node, ast.FunctionDef) and node.name in bodies:
            dictionaries = [each for each in ast.walk(node) if isinstance(each, ast.Dict)]
            keys = [key for each in dictionaries for key in each.keys if isinstance(key, ast.Constant)]
            found |= {str(key.value) for key in keys}
    return found


def test_the_fields_of_presence_events_and_of_the_feed_are_in_the_reference_and_no_other() -> None:
    page = "reference/presence-and-feed.md"
    sources = [*(ROOT / "local/iot_core").rglob("*.py"), ROOT / "cli/iot_authorizer_cli/local_iot_core.py"]
    presence = [ROOT / "local/iot_core/broker/presence.py"]
    assert keys_of(page, "field of an event") == names_in(presence, {"_event", "_of_client"}, {"_event"})
    reported = names_in(presence, set(), {"connected", "disconnected", "_subscriptions"})
    of_calls = names_in(sources, {"add", "drop_report"}, {"drop_report"})
    of_rules = names_in([ROOT / "local/iot_core/rules/engine.py"], {"_report"}, set())
    of_each = {"id", "time", "kind", "explanation"}
    assert set(Record.__annotations__) == reported | of_calls | of_rules | of_each
    assert keys_of(page, "field of a record") == set(Record.__annotations__)


def called(group: TyperGroup, path: str = "") -> Iterator[str]:
    """The full names of all commands, and the names of their options."""
    for name, command in group.commands.items():
        full = f"{path} {name}".strip()
        if isinstance(command, TyperGroup):
            yield from called(command, full)
        elif not full.startswith("revoke undo"):
            yield full
            yield from (max(each.opts, key=len) for each in command.params if isinstance(each, TyperOption))


def test_each_function_of_the_architecture_is_in_a_file_of_its_row() -> None:
    rows = re.findall(r"^\| \d+ \| (.*) \| (.*) \|$", (DOCS / "architecture.md").read_text("utf-8"), re.MULTILINE)
    assert rows
    for step, files in rows:
        paths = [path for file in re.findall(r"`([\w/]+\.py)`", files) for path in ROOT.glob(f"*/iot_*/**/{file}")]
        text = "\n".join(path.read_text("utf-8") for path in paths)
        names = [name.rpartition(".")[2] for name in re.findall(r"`([A-Za-z_]+(?:\.\w+)?)`", step)]
        assert [name for name in names if not re.search(rf"(def|class) {name}\b", text)] == [], step
