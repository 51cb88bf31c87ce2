"""`iot-authorizer revoke` where nobody is connected: what it takes, lists, takes back and refuses."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.project.development_issuer import DATA, ISSUER, DevelopmentIssuer, table_path
from iot_identities import guessing
from iot_identities.revocations import Kind, Revocation, to_item
from iot_identities.sqlite_table import SqliteTable
from tests.cli.commands.revoke.running import configure, revoke
from tests.cli.dev import PROGRAM

NOBODY = ("--endpoint-url", "http://127.0.0.1:1")
"""Where nobody listens: port 1 is a privileged one that nothing uses."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    configure(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder: Path) -> SqliteTable:
    (folder / DATA).mkdir()
    found = SqliteTable(table_path(folder / DATA))
    found.read([])
    return found


def refused(folder: Path, *arguments: str, typed: str = "") -> str:
    """What it prints where it does nothing, which is one line."""
    done = revoke(folder, *arguments, typed=typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    return done.stderr.removeprefix("iot-authorizer: ").rstrip("\n")


@pytest.fixture
def no_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where dev does unless it is told another port."""
    monkeypatch.setattr(options, "DEV", NOBODY[1])


def test_where_no_dev_runs_the_revocation_is_written_all_the_same(
    folder: Path, table: SqliteTable, no_dev: None
) -> None:
    done = revoke(folder, "principal", "ann")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0,
        "iot-authorizer: revoked, but no connection was ended: nobody listens at http://127.0.0.1:1: "
        "start `iot-authorizer dev`, or name its plain port with --endpoint-url",
    )
    assert [item["principal"] for item in table.items("revoked#")] == ["ann"]


def test_without_a_configuration_only_given_client_ids_can_be_ended(tmp_path: Path) -> None:
    found = revoke(tmp_path, "principal", "ann", *NOBODY).stderr
    assert "no configuration here (--config): what ann has connected ends when it is refreshed; --client-id" in found


def test_a_configuration_without_a_table_is_told_of(folder: Path) -> None:
    text = (folder / "authorizer.toml").read_text()
    (folder / "authorizer.toml").write_text(text.replace('table          = "identities"\n', ""))
    found = revoke(folder, "principal", "ann", *NOBODY).stderr
    assert 'authorizer.toml has no table = "NAME": its authorizer looks no revocation up' in found


def test_for_programs_it_is_json(folder: Path) -> None:
    done = json.loads(revoke(folder, "principal", "ann", "--for", "1h", "--json", *NOBODY).stdout)
    assert (done["revoked"]["kind"], done["revoked"]["principal"], done["in_place_of"]) == ("principal", "ann", None)
    assert done["connections"]["not_looked_up"] == ["ann/*", "displays/{claims.display}"]


def test_what_stood_there_before_is_told(folder: Path) -> None:
    revoke(folder, "principal", "ann", *NOBODY)
    shown = revoke(folder, "principal", "ann", "--for", "1h", *NOBODY).stdout
    assert "in place of    principal ann, until it is undone\n" in shown


def test_all_that_is_revoked_is_listed_the_latest_first(folder: Path, table: SqliteTable) -> None:
    for each in (
        Revocation(Kind.PRINCIPAL, 100, principal="ann", issued_before=50),
        Revocation(Kind.TOKEN, 200, issuer="me", token_id="7", expires_at=4102444800),
        Revocation(Kind.BEFORE, 300, issued_before=250),
        Revocation(Kind.BEFORE, 400, issuer="me", issued_before=250),
    ):
        table.write(to_item(each))
    assert revoke(folder, "list").stdout.splitlines() == [
        "revoked                                                   at                    until",
        "tokens of me issued before 1970-01-01 00:04:10Z           1970-01-01 00:06:40Z  it is undone",
        "all tokens issued before 1970-01-01 00:04:10Z             1970-01-01 00:05:00Z  it is undone",
        "token 7 of me                                             1970-01-01 00:03:20Z  2100-01-01 00:00:00Z",
        "principal ann: tokens issued before 1970-01-01 00:00:50Z  1970-01-01 00:01:40Z  it is undone",
    ]


def test_the_list_is_json_for_programs(folder: Path, table: SqliteTable) -> None:
    table.write(to_item(Revocation(Kind.TOKEN, 200, issuer="me", token_id="7", expires_at=4102444800)))
    assert json.loads(revoke(folder, "list", "--json").stdout) == [
        {
            "kind": "token",
            "principal": None,
            "issuer": "me",
            "token_id": "7",
            "issued_before": None,
            "revoked_at": 200,
            "expires_at": 4102444800,
        }
    ]


def test_the_list_has_a_frame_on_a_terminal(folder: Path, table: SqliteTable) -> None:
    table.write(to_item(Revocation(Kind.PRINCIPAL, 100, principal="ann\x1b[31m")))
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [str(PROGRAM), "revoke", "list"], cwd=folder, stdout=theirs, env={**os.environ, "COLUMNS": "100"}
    ) as process:
        process.wait()  # So short a text fits into the terminal's buffer.
        shown = os.read(ours, 4096).decode()
    os.close(theirs)
    os.close(ours)
    assert "│ principal ann\\x1b[31m │ 1970-01-01 00:01:40Z │ it is undone │" in shown


def test_an_empty_list_says_so(folder: Path, table: SqliteTable) -> None:
    done = revoke(folder, "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is revoked\n")


@pytest.mark.parametrize("command", [["list"], ["undo", "principal", "ann"]], ids=["list", "undo"])
def test_where_there_is_no_table_none_is_made(folder: Path, command: list[str]) -> None:
    assert refused(folder, *command, "--data", "mistyped") == ("Invalid value for --data: mistyped has no table yet")
    assert not (folder / "mistyped").exists()


@pytest.mark.parametrize("group", [[], ["undo"]], ids=["revoke", "undo"])
def test_alone_it_prints_its_help(folder: Path, group: list[str]) -> None:
    done = revoke(folder, *group)
    assert (done.returncode, "Example: iot-authorizer revoke" in done.stdout, done.stderr) == (0, True, "")


def test_a_malformed_item_is_named_and_the_others_are_listed(folder: Path, table: SqliteTable) -> None:
    table.write(to_item(Revocation(Kind.PRINCIPAL, 100, principal="ann")))
    table.write({"id": "revoked#principal#x", "kind": "everybody"})
    done = revoke(folder, "list")
    assert ("principal ann" in done.stdout, "revoked#principal#x is malformed: kind" in done.stderr) == (True, True)


@pytest.mark.parametrize(
    "selected",
    [
        ["principal", "ann"],
        ["principal", "ann b/#"],
        ["token", "--id", "7", "--issuer", "me"],
        ["before", "--issuer", "me"],
        ["before"],
    ],
    ids=" ".join,
)
def test_each_revocation_can_be_undone(folder: Path, table: SqliteTable, selected: list[str]) -> None:
    revoke(folder, *(["before", "now", "--yes", *selected[1:]] if selected[0] == "before" else selected), *NOBODY)
    count = len(list(table.items("revoked#")))
    done = revoke(folder, "undo", *selected)
    assert (count, done.returncode, len(list(table.items("revoked#")))) == (1, 0, 0)


def test_a_principal_that_tried_on_may_come_in_at_once_when_it_is_undone(folder: Path, table: SqliteTable) -> None:
    revoke(folder, "principal", "ann", *NOBODY)
    table.count(guessing.ids("ann", None)[0], at=1, forget_at=2**40)
    revoke(folder, "undo", "principal", "ann")
    assert list(table.items("failures#")) == []


def test_a_token_undoes_its_revocation(folder: Path, table: SqliteTable) -> None:
    token = DevelopmentIssuer(folder / DATA).token("ann", {"jti": "7"}, 3600)
    revoke(folder, "token", token, *NOBODY)
    count = len(list(table.items("revoked#")))
    done = revoke(folder, "undo", "token", "-", typed=token)
    assert (count, done.returncode, len(list(table.items("revoked#")))) == (1, 0, 0)


def test_a_malformed_revocation_can_be_undone(folder: Path, table: SqliteTable) -> None:
    table.write({**to_item(Revocation(Kind.PRINCIPAL, 100, principal="ann")), "kind": "everybody"})
    assert revoke(folder, "undo", "principal", "ann").returncode == 0


def test_a_token_without_an_id_says_what_to_revoke_instead(folder: Path) -> None:
    token = DevelopmentIssuer(folder / DATA).token("ann b", {"jti": None}, 3600)
    assert refused(folder, "token", "-", typed=token) == (
        "Invalid value for TOKEN: it has no ID (jti) to revoke it by: iot-authorizer revoke principal 'ann b'"
    )


def test_a_token_that_is_over_needs_no_revocation(folder: Path) -> None:
    token = DevelopmentIssuer(folder / DATA).token("ann", {"jti": "7"}, -600)
    assert refused(folder, "token", token).endswith(": it lets nobody in")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["principal", ""], "Invalid value for NAME: expected a name"),
        (["principal", "ann", "--for", "soon"], 'for --for: expected a number and a unit, as in "30s"'),
        (["principal", "ann", "--for", "0s"], "for --for: expected at least 1s"),
        (["principal", "ann", "--issued-before", "yesterday"], "for --issued-before: expected now, or a moment"),
        (["principal", "ann", "--issued-before", "2026-11-21T10:00:00"], "expected now, or a moment such as"),
        (["before", "2026-13-01T00:00:00Z"], "for TIME: expected now, or a moment such as"),
        (["principal", "ann", "--client-id", "$ann"], "for --client-id: expected 1 to 128 characters, and no $"),
        (["principal", "ann", "--endpoint-url", "localhost:8080"], "for --endpoint-url: expected http://HOST:PORT"),
        (["principal", "ann", "--endpoint-url", "http://[x"], "for --endpoint-url: "),
        (["principal", "ann", "--table", "t-1", "--endpoint-url", "aws"], "for --endpoint-url: expected a URL"),
        (["principal", "ann", "--config", "none.toml"], "none.toml: can't be read"),
        (["token"], "for TOKEN: expected a token, or else --id and --issuer"),
        (["token", "--id", "7"], "for TOKEN: expected a token, or else --id and --issuer"),
        (["token", "x.y.z", "--id", "7"], "for --id, --issuer: a token says them itself"),
        (["token", "x.y.z"], "for TOKEN: expected a JWT"),
        (["token", "--id", "", "--issuer", "me"], "for TOKEN: expected a token, or else --id and --issuer"),
        (["token", "--id", "7", "--issuer", ""], "for TOKEN: expected a token, or else --id and --issuer"),
        (["before", "now", "--issuer", ""], "for --issuer: expected an issuer"),
        (["undo", "before", "--issuer", ""], "for --issuer: expected an issuer"),
        (["before", "2099-01-01T00:00:00Z", "--yes"], "for TIME: expected a moment that is over"),
        (["before", "9999-12-31T23:59:59-14:00", "--yes"], "for TIME: expected a moment that is over"),
        (["principal", "ann", "--issued-before", "2099-01-01T00:00:00Z"], "for --issued-before: expected a moment"),
        (["before", "now"], "for --yes: expected where there is no terminal to ask at"),
        (["before", "now", "--issuer", "me"], "for --yes: expected where there is no terminal to ask at"),
        (["undo", "principal", "ann"], "Invalid value: it is not revoked: principal ann"),
        (["ann"], "No such command 'ann'"),
    ],
)
def test_what_it_can_not_take_is_one_line_and_nothing_is_written(
    folder: Path, table: SqliteTable, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert expected in refused(folder, *arguments)
    assert list(table.items("")) == []


def test_a_name_that_no_table_takes_is_one_line(folder: Path) -> None:
    assert "1 to 256 characters" in refused(folder, "principal", "\udcff")


def test_a_token_that_is_refused_is_not_quoted(folder: Path) -> None:
    assert "hunter2" not in refused(folder, "token", "eyJ.hunter2.x")


def test_a_data_folder_that_is_a_file_is_one_line(folder: Path) -> None:
    (folder / "taken").write_text("")
    assert "taken" in refused(folder, "list", "--data", "taken")


def test_an_endpoint_that_is_given_and_not_there_is_an_error(folder: Path, table: SqliteTable) -> None:
    done = revoke(folder, "principal", "ann", "--json", *NOBODY)
    assert (done.returncode, len(list(table.items("revoked#")))) == (1, 1)
    assert json.loads(done.stdout)["connections"]["not_asked"] == ["ann"]


def test_an_endpoint_that_is_given_and_that_nobody_has_to_ask_is_none(folder: Path) -> None:
    assert revoke(folder, "token", "--id", "7", "--issuer", "me", *NOBODY).returncode == 0


def test_the_table_is_told(folder: Path) -> None:
    done = revoke(folder, "principal", "ann", "--data", "elsewhere", *NOBODY)
    assert "\ntable          elsewhere/identities.sqlite\n" in done.stdout, done.stdout


def test_the_table_is_told_to_programs(folder: Path) -> None:
    done = revoke(folder, "principal", "ann", "--json", *NOBODY)
    assert json.loads(done.stdout)["table"] == ".iot-authorizer/identities.sqlite"


def test_a_table_that_is_made_is_told_of_and_of_that_only_once(folder: Path) -> None:
    told = [
        "elsewhere/identities.sqlite is new: no authorizer has looked anything up there so far"
        in revoke(folder, "principal", "ann", "--data", "elsewhere", *NOBODY).stderr
        for _ in range(2)
    ]
    assert told == [True, False]


@pytest.mark.parametrize(
    "selected",
    [["before", "now", "--yes"], ["token", "--id", "7"]],
    ids=" ".join,
)
def test_an_issuer_that_the_configuration_does_not_name_is_told_of(folder: Path, selected: list[str]) -> None:
    done = revoke(folder, *selected, "--issuer", "urn:iot-authorizer:Development", *NOBODY)
    told = "authorizer.toml names no issuer urn:iot-authorizer:Development: this locks out no token of any other\n"
    assert (done.returncode, told in done.stderr) == (0, True), done


@pytest.mark.parametrize("table_of", ['[[jwt]]\nissuer = "me"\n', '[signed_tokens]\nissuer = "me"\n', ""])
def test_an_issuer_that_is_known_is_not_told_of(folder: Path, table_of: str) -> None:
    with (folder / "authorizer.toml").open("a") as file:
        file.write(table_of)
    issuer = "me" if table_of else ISSUER
    assert "names no issuer" not in revoke(folder, "before", "now", "--yes", "--issuer", issuer, *NOBODY).stderr


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("policy.toml", "policy.toml can't be read (--config): what ann has connected ends when it is refreshed"),
        ("authorizer.toml", "authorizer.toml can't be read (--config): what ann has connected ends when it is"),
    ],
)
@pytest.mark.parametrize("named", [[], ["--config", "authorizer.toml"]], ids=["not named", "named"])
def test_nobody_has_to_repair_a_file_before_somebody_is_locked_out(
    folder: Path, table: SqliteTable, broken: str, told: str, named: list[str]
) -> None:
    with (folder / broken).open("a") as file:
        file.write("oops\n")
    done = revoke(folder, "principal", "ann", *named, *NOBODY)
    assert (done.returncode, len(list(table.items("revoked#")))) == (0, 1), done.stderr
    assert (f"iot-authorizer: {broken}:" in done.stderr, told in done.stderr) == (True, True), done.stderr


def test_where_the_template_is_broken_a_given_client_id_is_asked_for(folder: Path) -> None:
    (folder / "policy.toml").write_text("oops\n")
    done = revoke(folder, "principal", "ann", "--client-id", "ann/1", "--json", *NOBODY)
    assert json.loads(done.stdout)["connections"]["not_asked"] == ["ann/1"]


@pytest.mark.parametrize("name", ["SN-0001*", "ann/phone", "ann#", "+", "a?", "$a"])
def test_a_name_that_somebody_may_take_for_a_pattern_is_told_to_be_none(
    folder: Path, table: SqliteTable, name: str
) -> None:
    told = f"iot-authorizer: {name} is taken as this very name, and as no pattern or client ID: a client ID goes with"
    assert told in revoke(folder, "principal", name, *NOBODY).stderr
    assert [item["principal"] for item in table.items("revoked#")] == [name]


def test_a_name_that_can_stand_in_a_topic_is_not_told_of(folder: Path) -> None:
    assert "taken as" not in revoke(folder, "principal", "ann b", *NOBODY).stderr


@pytest.mark.parametrize(("answer", "code", "count"), [("y", 0, 1), ("n", 1, 0), ("", 1, 0)])
def test_locking_everybody_out_is_asked_for_at_a_terminal(
    folder: Path, table: SqliteTable, answer: str, code: int, count: int
) -> None:
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [str(PROGRAM), "revoke", "before", "2026-01-01T00:00:00Z", *NOBODY],
        cwd=folder,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.stderr.startswith("Lock out all tokens issued before 2026-01-01 00:00:00Z? [y/N]:"), done.stderr
    assert (done.returncode, len(list(table.items("revoked#")))) == (code, count), done.stderr


@pytest.mark.parametrize(
    ("selected", "expected"),
    [(["before", "now"], "for --yes: expected where"), (["token", "-"], "for TOKEN: standard input is closed")],
    ids=" ".join,
)
def test_a_standard_input_that_is_closed_is_one_line(folder: Path, selected: list[str], expected: str) -> None:
    command = shlex.join([str(PROGRAM), "revoke", *selected])
    done = subprocess.run(["bash", "-c", f"{command} <&-"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n"), expected in done.stderr) == (2, 1, True), done.stderr
