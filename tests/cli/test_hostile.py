"""The command line with hostile input."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.local.harness.function import allow


def test_a_client_id_cannot_write_to_the_terminal(run: Run) -> None:
    done = run("invoke", "--mqtt-context", json.dumps({"clientId": "\x1b[31mred\nallowed: principal=admin"}))
    assert (done.stderr.count("\n"), "\x1b" in done.stderr) == (1, False)


def test_only_the_owner_can_read_the_data_folder(run: Run, folder: Path) -> None:
    run("token", "--principal", "ann")
    assert stat.S_IMODE((folder / ".iot-authorizer").stat().st_mode) & 0o077 == 0


def test_a_key_that_others_can_read_is_not_used(run: Run, folder: Path) -> None:
    run("token", "--principal", "ann")
    (folder / ".iot-authorizer/development-key.pem").chmod(0o644)
    done = run("token", "--principal", "ann")
    assert (done.returncode, "chmod 600" in done.stderr) == (2, True)


def test_a_token_without_its_option_is_not_echoed(run: Run) -> None:
    done = run("invoke", "eyJhbGciOiJSUzI1NiJ9.SECRET.x")
    assert (done.returncode, "SECRET" in done.stderr) == (2, False)


FILES = {
    "huge number": "principal = " + "9" * 5000,
    "deep claims": "[[grant]]\nwhen = { " + "a." * 3000 + "a = 1 }",
    "endless entry": '[[grant]]\npublish = ["' + "a/" * 3000 + '+"]',
    "latin-1": "principal = 'é'".encode("latin-1").decode("latin-1"),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_hostile_template_is_one_line_and_exit_code_2(run: Run, folder: Path, text: str) -> None:
    (folder / "own.toml").write_bytes(text.encode("latin-1"))
    done = run("lint", "own.toml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr[-500:]


HANDLERS = {
    "syntax error": "def (",
    "raises": "raise RuntimeError('no')",
    "not callable": "handler = 5",
}


@pytest.mark.parametrize("source", HANDLERS.values(), ids=HANDLERS)
def test_a_handler_that_cannot_be_loaded_is_one_line_and_exit_code_2(run: Run, folder: Path, source: str) -> None:
    (folder / "own_handler.py").write_text(source)
    done = run("invoke", "--handler", "own_handler.handler")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr[-500:]


BROKEN = {
    "takes nothing": "def handler(): return {}",
    "answers no object": "def handler(event, context): return 'yes'",
    "answers no JSON": "def handler(event, context): return {'a': object()}",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_handler_is_one_line_and_exit_code_1(run: Run, folder: Path, source: str) -> None:
    (folder / "own_handler.py").write_text(source)
    done = run("invoke", "--handler", "own_handler.handler")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr[-500:]


def test_a_handler_of_your_own_needs_no_configuration(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").unlink()
    (folder / "own_handler.py").write_text(f"def handler(event, context): return {allow()!r}")
    assert run("invoke", "--handler", "own_handler.handler").returncode == 0
