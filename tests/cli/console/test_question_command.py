"""A question of the page as a command: pasted, it gives the same answer."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.conftest import fill
from tests.cli.console.conftest import Ask, Edit, asking
from tests.cli.in_process import run_here
from tests.effort import examples

ANN = {"principal": "ann", "claims": {"rooms": ["lobby"]}, "client_id": "ann/a"}
_PRINTABLE = st.characters(exclude_categories=["C", "Z"], include_characters=" ", exclude_characters="+#")
WORDS = st.text(_PRINTABLE, min_size=1, max_size=20)
"""Texts that a user could paste, with quotes, hyphens and dollar signs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name a shell would split, with a template that reads what the issuer adds to a token."""
    folder = fill(tmp_path_factory.mktemp("it's a folder"))
    path = folder / "policies/chat.toml"
    more = '[[grant]]\nwhen = { iss = "urn:iot-authorizer:development" }\npublish = ["of/{claims.sub}"]\n'
    path.write_text(f"{path.read_text()}\n{more}")
    return folder


@pytest.fixture(scope="module")
def core(folder: Path) -> Iterator[LocalIotCore]:
    with LocalIotCore(folder / "authorizer.toml", limits=IOT_CORE.without_throttling(), region="eu-west-1") as core:
        yield core


def pasted(folder: Path, command: object) -> tuple[int, list[str]]:
    """The exit code and the lines of a command that is run in another folder than the template's."""
    program, *words = shlex.split(str(command))
    assert Path(program).name == "iot-authorizer"
    found = run_here(folder, *words)
    return found.returncode, found.stdout.splitlines()


def as_printed(question: Mapping[str, object], answer: Mapping[str, object]) -> tuple[int, list[str]]:
    """What `explain` prints for an answer of the page."""
    is_allowed, reasons = answer["allowed"], answer["reasons"]
    assert isinstance(reasons, list)
    head = f"{'allowed' if is_allowed else 'denied'}: {question['action']} {question['resource']}"
    return 0 if is_allowed else 1, [head, *(f"  {reason}" for reason in reasons)]


@pytest.mark.slow
def test_the_command_gives_the_same_answer_in_a_shell(ask: Ask) -> None:
    question = {**ANN, "action": "publish", "resource": "rooms/the attic's $HOME/say/ann"}
    found = ask("/console/explain", question).json
    command, environment = ["sh", "-c", str(found["command"])], {**os.environ, "COLUMNS": "200"}
    printed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (printed.returncode, printed.stdout.splitlines()) == as_printed(question, found)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"action": "connect", "resource": "ann/phone"},
        {"action": "subscribe", "resource": "rooms/attic/#"},
        {"action": "send", "resource": "ann/phone users/ann/inbox/x"},
        {"action": "retain", "resource": "rooms/lobby/topic", "client_id": "bob"},
        {"resource": "of/ann", "client_id": None},
        {"resource": "of/bob", "claims": {"sub": "bob", "other": [1, {"x": None}]}},
        {"resource": "-x", "principal": "--claims", "client_id": "-"},
        {"claims": {"rooms": ["\u202e", "\u05d0", "\ud800", "@x"]}},
        {"means": "password", "principal": "bob"},
    ],
)
def test_the_command_asks_the_same_question(ask: Ask, tmp_path: Path, change: dict[str, object]) -> None:
    question = {**ANN, "action": "publish", "resource": "rooms/lobby/say/ann", **change}
    found = ask("/console/explain", question).json
    assert pasted(tmp_path, found["command"]) == as_printed(question, found)


@examples(0.3)
@given(principal=WORDS, resource=WORDS, client_id=WORDS, value=WORDS)
def test_any_text_that_can_be_printed_comes_through_the_shell(
    ask: Ask, tmp_path: Path, principal: str, resource: str, client_id: str, value: str
) -> None:
    question = {
        "principal": principal,
        "claims": {"rooms": [value]},
        "client_id": client_id,
        "action": "read",
        "resource": resource,
    }
    answer = ask("/console/explain", question)
    if answer.status == 200:
        assert pasted(tmp_path, answer.json["command"]) == as_printed(question, answer.json)


@pytest.mark.parametrize("resource", ["rooms/\x1b[201~\nreboot\n", "rooms/\u202esay", "rooms/\u2028"])
def test_there_is_no_command_for_what_a_terminal_could_take_for_one(ask: Ask, resource: str) -> None:
    assert ask("/console/explain", {**ANN, "action": "publish", "resource": resource}).json["command"] is None


def test_there_is_no_command_while_the_saved_template_is_not_in_force(ask: Ask, edit: Edit) -> None:
    edit("[[deny]]", "[[deny")
    assert ask("/console/explain", {**ANN, "action": "publish", "resource": "a"}).json["command"] is None


@pytest.mark.parametrize(("prefix", "option"), [("", ""), ("dev", " --topic-prefix dev")])
def test_the_command_is_as_short_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, option: str
) -> None:
    path = fill(tmp_path) / "authorizer.toml"
    path.write_text(f'topic_prefix = "{prefix}"\n{path.read_text()}')
    monkeypatch.chdir(tmp_path)
    question = {**ANN, "action": "publish", "resource": "a"}
    with LocalIotCore() as core, asking(core.console_url) as ask:
        found = ask("/console/explain", question).json
    about = "policies/chat.toml publish a"
    expected = f"""{about} --principal ann --claims '{{"rooms": ["lobby"]}}' --client-id ann/a{option}"""
    assert str(found["command"]).partition(" explain ")[2] == expected
    assert pasted(tmp_path, found["command"]) == as_printed(question, found)
