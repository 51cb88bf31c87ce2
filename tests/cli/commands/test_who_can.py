"""`iot-authorizer who-can`: conditions, and the users of a file or of the table that meet them."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iot_authorizer_cli.project.development_issuer import DATA, make_folder, table_path
from iot_identities import revocations
from iot_identities.passwords import hash_password
from iot_identities.revocations import Kind, Revocation
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User, to_item
from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"
TOPIC = ("retain", "rooms/lobby/topic")
USERS = """
{"principal": "ann", "claims": {"rooms": ["lobby", "a"]}}
{"principal": "bob", "claims": {"rooms": ["a"]}}

{"principal": "eve", "claims": {"rooms": "lobby", "suspended": "Yes"}}
{"principal": "a/b", "claims": {"rooms": "lobby"}}
{"principal": "zoe"}
{"principal": "cat", "claims": {"rooms": "lobby"}}
"""


@pytest.fixture
def users(folder: Path) -> str:
    (folder / "users.jsonl").write_text(USERS)
    return "users.jsonl"


def test_a_placeholder_that_the_topic_does_not_show_is_a_condition(run: Run, folder: Path) -> None:
    (folder / "shared.toml").write_text('[[grant]]\nsubscribe = ["$share/{claims.g}/b/+", "$share/{client_id}/b/+"]\n')
    done = run("who-can", "shared.toml", "receive", "b/c")
    assert [line.partition("  by ")[0] for line in done.stdout.splitlines()[1:]] == [
        "allowed if",
        "  the claim g               ",
        "  the client has a client ID",
    ]


def test_who_can_prints_the_conditions_of_grants_and_denies_and_an_example(run: Run) -> None:
    done = run("who-can", CHAT, "publish", "rooms/lobby/say/ann")
    assert done.stdout.splitlines() == [
        'publish rooms/lobby/say/ann: for example ann with {"rooms": "lobby"}',
        "allowed if",
        '  rooms = lobby and principal = ann  by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"',
        "denied if",
        '  suspended = true  by deny "suspended", publish = "#"',
    ]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("template", "question", "line"),
    [
        ("broadcast", ("connect", "ann/1"), "  role = listener or speaker and principal = ann, not asking for Last"),
        ("fleet", ("connect", "d-7"), "  role = device and principal = d-7  by "),
        ("public", ("receive", "public/a"), '  any client  by grant "public", subscribe = "public/#"'),
    ],
)  # fmt: skip
def test_conditions_are_in_words(run: Run, template: str, question: tuple[str, str], line: str) -> None:
    shown = run("who-can", f"policies/{template}.toml", *question).stdout.splitlines()
    assert any(each.startswith(line) for each in shown), shown


def test_what_no_principal_can_exits_with_1(run: Run) -> None:
    done = run("who-can", CHAT, "publish", "rooms/lobby")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "publish rooms/lobby: no principal can")


def test_the_users_of_a_file_that_can_are_listed(run: Run, users: str) -> None:
    done = run("who-can", CHAT, *TOPIC, "--users", users)
    by = 'by grant "rooms", retain = "rooms/{claims.rooms}/topic"'
    assert done.stdout.splitlines()[-3:] == ["can: 2 of 6 users", f"  ann  {by}", f"  cat  {by}"]
    assert done.returncode == 0
    assert run("who-can", CHAT, "retain", "rooms/c/topic", "--users", users).returncode == 1


def test_users_are_printed_as_csv(run: Run, users: str) -> None:
    done = run("who-can", CHAT, "connect", "ann/phone", "--users", users, "--csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows == [
        ["principal", "client_id", "entry"],
        ["ann", "ann/phone", 'grant "inbox", connect = "{principal}/*"'],
    ]
    assert done.stderr == "can: 1 of 6 users\n"


def test_who_can_prints_json(run: Run, users: str) -> None:
    found = json.loads(run("who-can", CHAT, *TOPIC, "--users", users, "--json").stdout)
    assert found["example"] == {"principal": "ann", "claims": {"rooms": "lobby"}}
    assert found["allowed_if"] == [
        {
            "entry": 'grant "rooms", retain = "rooms/{claims.rooms}/topic"',
            "when": {"rooms": "*"},
            "values": {"claims.rooms": "lobby"},
            "any_value": [],
            "without_client_id": False,
            "connect_with": None,
        }
    ]
    assert found["denied_if"][0]["when"] == {"suspended": True}
    assert [each["principal"] for each in found["users"]["found"]] == ["ann", "cat"]


BROKEN = {
    "{": "expected a JSON object, as in {",
    "[]": "expected a JSON object, as in {",
    '{"principal": "a", "principal": "b"}': "duplicate key in a JSON object",
    '{"principal": 7}': "principal: Input should be a valid string",
    '{"principal": ""}': "principal: expected a name",
    '{"claims": {}}': "principal: Field required",
    '{"principal": "a", "role": "x"}': "expected principal, claims, found role",
    '{"principal": "a", "claims": []}': "claims: Input should be a valid dictionary",
    "\udcff": "expected a JSON object, as in {",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_is_named_with_its_number_and_does_not_stop_the_others(run: Run, folder: Path, line: str) -> None:
    content = f'\ufeff{{"principal": "ann", "claims": {{"rooms": "lobby"}}}}\r\n\r\n{line}\n'
    (folder / "users.jsonl").write_bytes(content.encode(errors="surrogateescape"))
    done = run("who-can", CHAT, *TOPIC, "--users", "users.jsonl")
    assert done.stderr.startswith(f"iot-authorizer: users.jsonl:3: {BROKEN[line]}"), done.stderr
    assert done.stdout.splitlines()[-2] == "can: 1 of 1 user (1 line not understood)"
    assert done.returncode == 2


def test_users_can_come_from_standard_input(run: Run) -> None:
    done = run("who-can", CHAT, *TOPIC, "--users", "-", "--csv", typed=USERS.encode())
    assert done.stdout.splitlines()[1:] == [
        f'{name},,"grant ""rooms"", retain = ""{RETAIN}"""' for name in ("ann", "cat")
    ]


RETAIN = "rooms/{claims.rooms}/topic"
LOBBY = {"rooms": ["lobby"]}
HASH = hash_password("correct horse")


def test_users_of_the_table_are_counted_by_what_the_authorizer_does_with_them(run: Run, folder: Path) -> None:
    table = SqliteTable(make_folder(folder / DATA) / table_path(folder / DATA).name)
    for user in (
        User("ann", claims=LOBBY),
        User("disabled", claims=LOBBY, disabled=True),
        User("expired", claims=LOBBY, valid_until=1),
        User("old", (StoredPassword(HASH, expires_at=1),), LOBBY),
        User("rotated", (StoredPassword(HASH), StoredPassword(HASH, expires_at=1)), LOBBY),
        User("revoked", claims=LOBBY),
        User("tokens", claims=LOBBY),
        User("unclear", claims=LOBBY),
        User("zoe"),
    ):
        table.write(to_item(user))
    table.write(revocations.to_item(Revocation(Kind.PRINCIPAL, 1, principal="revoked")))
    table.write(revocations.to_item(Revocation(Kind.PRINCIPAL, 1, principal="tokens", issued_before=1)))
    unclear = revocations.to_item(Revocation(Kind.PRINCIPAL, 1, principal="unclear"))
    table.write({**unclear, "revoked_at": "x"})
    table.write({"id": "user#broken", "passwords": 7})
    found = json.loads(run("who-can", CHAT, *TOPIC, "--users", "table", "--json").stdout)["users"]
    assert [each["principal"] for each in found.pop("found")] == ["ann", "rotated", "tokens"]
    assert found == {"total": 10, "disabled": 1, "expired": 2, "revoked": 1, "malformed": 2, "broken_lines": 0}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("publish", "a/+"), "Invalid value for RESOURCE: "),
        ((*TOPIC, "--csv"), "Invalid value for --csv: requires --users, and excludes --json"),
        ((*TOPIC, "--users", "none.jsonl"), "none.jsonl: file not found"),
        ((*TOPIC, "--users", "table"), "Invalid value for --data: .iot-authorizer has no table yet"),
    ],
)
def test_a_wrong_call_is_named(run: Run, arguments: tuple[str, ...], problem: str) -> None:
    assert refused(run, "who-can", CHAT, *arguments).startswith(problem)


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once(folder: Path) -> None:
    (folder / "users.jsonl").write_text('{"principal": "ann", "claims": {"rooms": ["lobby"]}}\n' * 20_000)
    program = str(Path(sys.executable).with_name("iot-authorizer"))
    command = [program, "who-can", CHAT, *TOPIC, "--users", "users.jsonl"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "10 %: 2,000 of 20,000\n"
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
        assert time.monotonic() - began < 5
