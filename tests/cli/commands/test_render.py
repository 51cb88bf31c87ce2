"""`iot-authorizer render`: the policy documents of a principal."""

import json
from pathlib import Path

import pytest

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


def test_render_prints_a_session_policy_for_one_client_id(run: Run) -> None:
    done = run("render", CHAT, "--as", "session-policy", "--principal", "ann", "--client-id", "ann/phone")
    assert done.stdout == f"{json.dumps(json.loads(done.stdout), separators=(',', ':'))}\n"
    assert ("client/ann/phone" in done.stdout, "client/ann/*" in done.stdout) == (True, False)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "--client-id: required"),
        (["--client-id", "bob"], "--client-id: no entry of connect allows the client ID"),
        (["--client-id", "ann", "--claims", '{"rooms": ["☃"]}'], "--claims: claims.rooms has a character above U+00FF"),
        (["--client-id", "ann", "--claims", json.dumps({"rooms": [*range(40)]})], "AWS STS accepts 2,048"),
    ],
)
def test_render_says_why_there_is_no_session_policy(run: Run, more: list[str], expected: str) -> None:
    done = run("render", CHAT, "--as", "session-policy", "--principal", "ann", *more)
    assert (done.returncode, expected in done.stderr) == (2, True)


def test_render_answers_each_principal_of_a_file_with_a_session_policy_or_a_reason(run: Run, folder: Path) -> None:
    (folder / "all.jsonl").write_text(
        '{"principal": "ann", "client_id": "ann"}\n{"principal": "a", "client_id": "b"}\n'
    )
    first, second = run("render", CHAT, "--as", "session-policy", "--principals", "all.jsonl").stdout.splitlines()
    assert "client/ann" in first
    assert json.loads(second) == {"refused": "client_id_not_granted"}


def test_render_names_the_line_without_the_client_id_that_a_session_policy_needs(run: Run, folder: Path) -> None:
    (folder / "all.jsonl").write_text('{"principal": "ann"}\n')
    done = run("render", CHAT, "--as", "session-policy", "--principals", "all.jsonl")
    assert (done.returncode, "all.jsonl:1: client_id: missing" in done.stderr) == (2, True)


def test_render_prints_the_role_of_guests_with_the_claims_that_all_of_them_have(run: Run) -> None:
    done = run("render", CHAT, "--as", "cognito-role", "--claims", '{"rooms": ["lobby"]}')
    assert "topic/rooms/lobby/say/${cognito-identity.amazonaws.com:sub}" in done.stdout


def test_render_warns_of_an_entry_that_tells_guests_the_identity_ids_of_others(run: Run) -> None:
    done = run("render", CHAT, "--as", "cognito-role", "--claims", '{"rooms": ["lobby"]}')
    assert 'grant[1].subscribe[0]: warning: "rooms/{claims.rooms}/#" tells each guest' in done.stderr
    assert "warning" not in run("render", CHAT, "--as", "cognito-role").stderr


def test_render_names_the_line_of_an_entry_that_guests_cannot_have(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["a/{claims.rooms}"]\n')
    done = run("render", "own.toml", "--as", "cognito-role")
    assert (done.returncode, "own.toml:3: grant[0].publish[0]" in done.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--principal", "--client-id", "--principals"])
def test_a_role_is_for_all_guests(run: Run, option: str) -> None:
    done = run("render", CHAT, "--as", "cognito-role", option, "ann")
    assert (done.returncode, "the role is for all guests" in done.stderr) == (2, True)
