"""`iot-authorizer check`: a certificate of `prove`, checked by running `render`."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from iot_policies import PolicyTemplate
from iot_policies.proofs import prove
from iot_policies.proofs.certificate import certificate
from tests import ROOT
from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"


@cache
def proved() -> str:
    template = PolicyTemplate.load(ROOT / CHAT)
    return json.dumps(certificate(template, prove(template), name=CHAT, content=(ROOT / CHAT).read_bytes()))


@pytest.fixture
def chat() -> dict[str, Any]:
    """The certificate of the template `chat`."""
    found: dict[str, Any] = json.loads(proved())
    return found


@pytest.mark.slow
def test_a_certificate_that_prove_wrote_holds(run: Run, folder: Path) -> None:
    assert run("prove", CHAT, "--certificate", "chat.json").returncode == 0
    done = run("check", "chat.json", "--principals", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "chat.json: holds for policies/chat.toml, tried with 5 random principals\n"


def test_a_certificate_of_a_changed_template_does_not_hold(run: Run, folder: Path) -> None:
    run("prove", CHAT, "--certificate", "chat.json")
    (folder / CHAT).write_text((folder / CHAT).read_text() + "\n")
    done = run("check", "chat.json")
    assert done.returncode == 1
    assert "the template is not the one of the certificate" in done.stdout


DEEP = "[" * 100_000
"""JSON that is nested deeper than Python can read."""
CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "without a verdict": (lambda of: of.pop("verdict"), "verdict: is missing"),
    "without examples": (lambda of: of.pop("examples"), "examples: is missing"),
    "examples are a text": (lambda of: of.update(examples="x"), "examples: expected a list, found a text"),
    "an example without claims": (lambda of: of["examples"][0].pop("claims"), "examples[0].claims: is missing"),
    "an example without an answer": (
        lambda of: of["examples"][0].update(documents=7),
        "examples[0]: expected exactly one",
    ),
    "actions are null": (
        lambda of: of["entries"]["grant[0].connect[0]"].update(actions=None),
        "expected an object, found null",
    ),
    "pairs are a list": (lambda of: of.update(pairs=[]), "pairs: expected an object, found a list"),
    "the prefix is a number": (lambda of: of["template"].update(topic_prefix=1.5), "expected a text, found 1.5"),
    "the version is true": (lambda of: of.update(certificate=True), "certificate: expected a whole number, found true"),
    "another version": (lambda of: of.update(certificate=2), "certificate: expected version 1, found 2"),
    "the template is a folder": (lambda of: of["template"].update(name="."), "this is a folder"),
    "the template has no file name": (lambda of: of["template"].update(name="a\0b"), "expected a file name"),
    "an invalid prefix": (lambda of: of["template"].update(topic_prefix="a/+"), "`iot-authorizer render` failed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_shape_is_a_usage_error(run: Run, folder: Path, chat: dict[str, Any], change: str) -> None:
    edit, expected = CHANGES[change]
    edit(chat)
    (folder / "chat.json").write_text(json.dumps(chat))
    assert expected in refused(run, "check", "chat.json")


@pytest.mark.parametrize(
    "content", ["", "[1]", "{", DEEP, '{"template": {}}'], ids=["empty", "list", "cut", "deep", "little"]
)
def test_a_file_that_is_no_certificate_is_a_usage_error(run: Run, folder: Path, content: str) -> None:
    (folder / "chat.json").write_text(content)
    assert "chat.json: expected a certificate, as `prove --certificate` writes it: " in refused(
        run, "check", "chat.json"
    )


def test_a_template_that_does_not_load_is_a_usage_error(run: Run, folder: Path, chat: dict[str, Any]) -> None:
    (folder / CHAT).write_text("grant = 5\n")
    chat["template"]["sha256"] = hashlib.sha256(b"grant = 5\n").hexdigest()
    (folder / "chat.json").write_text(json.dumps(chat))
    assert "`iot-authorizer render` failed" in refused(run, "check", "chat.json")


def test_a_certificate_is_for_one_template(run: Run) -> None:
    done = run("prove", CHAT, "policies/fleet.toml", "--certificate", "all.json")
    assert (done.returncode, "--certificate" in done.stderr) == (2, True)
