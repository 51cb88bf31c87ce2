"""`iot-authorizer render`: the policy documents of a principal."""

import json
from pathlib import Path

from tests.cli.conftest import Run

CHAT = "policies/chat.toml"


def test_render_prints_the_documents_as_one_compact_json_list(run: Run) -> None:
    done = run("render", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}')
    documents = json.loads(done.stdout)
    assert done.stdout == json.dumps(documents, separators=(",", ":")) + "\n"
    assert [document["Version"] for document in documents] == ["2012-10-17"]


def test_render_writes_arns_for_the_region_and_the_account(run: Run) -> None:
    done = run("render", CHAT, "--principal", "ann", "--region", "eu-north-1", "--account", "999988887777")
    assert '"arn:aws:iot:eu-north-1:999988887777:client/ann"' in done.stdout


def test_render_fills_in_the_client_id(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["clients/{client_id}"]\n')
    done = run("render", "own.toml", "--principal", "ann", "--client-id", "ann-1")
    assert "topic/clients/ann-1" in done.stdout


def test_render_notes_what_is_left_out_since_a_claim_is_missing(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\n[[grant]]\npublish = ["a/{claims.romos}", "b/{client_id}"]\n'
    )
    done = run("render", "own.toml", "--principal", "ann", "--client-id", "ann", "--claims", '{"rooms": ["lobby"]}')
    assert (done.returncode, done.stderr) == (
        0,
        'left out: grant[1], publish = "a/{claims.romos}": claims.romos is missing\n',
    )


def test_render_answers_each_principal_of_a_file_on_a_line(run: Run, folder: Path) -> None:
    (folder / "all.jsonl").write_text('{"principal": "ann", "claims": {"rooms": ["lobby"]}}\n\n{"principal": "a/b"}\n')
    done = run("render", CHAT, "--principals", "all.jsonl")
    first, second = done.stdout.splitlines()
    assert f"{first}\n" == run("render", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}').stdout
    assert json.loads(second) == {"refused": "unsafe_value"}


def test_render_names_the_line_that_is_no_principal(run: Run, folder: Path) -> None:
    (folder / "all.jsonl").write_text('{"principal": "ann"}\n{"name": "ann"}\n')
    done = run("render", CHAT, "--principals", "all.jsonl")
    assert (done.returncode, "all.jsonl:2: expected a JSON object with principal" in done.stderr) == (2, True)


def test_render_needs_one_principal_or_a_file_of_them(run: Run) -> None:
    assert "--principal" in run("render", CHAT).stderr
    assert "--principals" in run("render", CHAT, "--principal", "ann", "--principals", "all.jsonl").stderr
