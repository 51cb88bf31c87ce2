"""`iot-authorizer prove`: a proof, what it does not cover, and where a policy differs."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

CHAT = "policies/chat.toml"
WIDENED = '[[grant]]\nname = "all"\nwiden = true\npublish = ["a/+/b/#", "c"]\n'


@pytest.mark.parametrize("name", ["broadcast", "chat", "fleet", "public"])
def test_a_ready_template_is_proved(run: Run, name: str) -> None:
    done = run("prove", f"policies/{name}.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"policies/{name}.toml: proved for every principal that gets a policy\n")


def test_a_proof_counts_the_kinds_of_principals_that_get_no_policy(run: Run) -> None:
    assert "  no policy for some of them: invalid_name " in run("prove", CHAT).stdout


def test_an_entry_that_is_widened_is_named_and_the_exit_code_is_3(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(WIDENED)
    done = run("prove", CHAT, "own.toml")
    assert done.returncode == 3
    assert 'grant "all", publish = "a/+/b/#": `widen` allows more than the entry matches' in done.stdout
    assert '"c"' not in done.stdout


def test_a_quick_proof_says_what_it_leaves_out(run: Run) -> None:
    done = run("prove", "--quick", CHAT)
    assert done.returncode == 0
    assert "partly proved" in done.stdout
    assert "left out: the policies of example principals" in done.stdout


def test_json_has_an_object_for_each_template(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(WIDENED)
    first, second = map(json.loads, run("prove", "--json", CHAT, "own.toml").stdout.splitlines())
    assert (first["template"], first["verdict"], first["counterexample"]) == (CHAT, "proved", None)
    assert (second["verdict"], len(second["not_covered"])) == ("not covered", 1)


def test_a_template_that_does_not_load_has_its_own_error(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\npublish = ["a/+/b/#"]\n')
    done = run("prove", "own.toml")
    assert done.returncode == 2
    assert "own.toml:2: grant[0].publish[0]" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "name"), [("session-policy", "a session policy"), ("cognito-role", "a role of guests")]
)
def test_a_template_is_proved_for_another_target(run: Run, target: str, name: str) -> None:
    done = run("prove", CHAT, "--as", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{CHAT}: proved as {name} for every principal that gets one\n")


@pytest.mark.parametrize(("option", "more"), [("--quick", ()), ("--certificate", ("chat.json",))])
def test_options_about_documents_are_refused_for_another_target(run: Run, option: str, more: tuple[str, ...]) -> None:
    done = run("prove", CHAT, "--as", "session-policy", option, *more)
    assert done.returncode == 2
    assert f"Invalid value for {option}: only for documents" in done.stderr
