"""`iot-authorizer revoke` without clients: what it writes, prints and refuses."""

import json
import os
import subprocess
from pathlib import Path

import jwt
import pytest

from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.project.development_issuer import ISSUER
from iot_identities.sqlite_table import SqliteTable
from tests.cli.commands.revoke.running import NOT_THERE, refused, revoke
from tests.cli.dev import PROGRAM


@pytest.fixture
def no_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the default port of dev."""
    monkeypatch.setattr(options, "DEV", NOT_THERE[1])


def test_without_a_running_dev_the_revocation_is_written(folder: Path, table: SqliteTable, no_dev: None) -> None:
    done = revoke(folder, "principal", "ann")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0,
        "iot-authorizer: revoked, but no connection was ended: nothing listens at http://127.0.0.1:1: "
        "start `iot-authorizer dev`, or name its plain port with --endpoint-url",
    )
    assert [item["principal"] for item in table.items("revoked#")] == ["ann"]


def test_without_a_configuration_only_given_client_ids_can_be_ended(tmp_path: Path) -> None:
    found = revoke(tmp_path, "principal", "ann", *NOT_THERE)
    assert "no configuration here (--config): clients of ann stay connected until their next refresh" in found.stderr
    assert "taken literally" not in found.stderr
    https = "over HTTPS  refused within 10s; with caching_for_http, after the refresh_after of its template\n"
    assert https in found.stdout


def test_a_configuration_without_a_table_is_reported(folder: Path) -> None:
    text = (folder / "authorizer.toml").read_text()
    (folder / "authorizer.toml").write_text(text.replace('table          = "identities"\n', ""))
    found = revoke(folder, "principal", "ann", *NOT_THERE).stderr
    assert 'authorizer.toml has no table = "NAME": its authorizer does not look up revocations' in found


def test_json_has_the_revocation_and_the_connections(folder: Path) -> None:
    done = json.loads(revoke(folder, "principal", "ann", "--for", "1h", "--json", *NOT_THERE).stdout)
    assert (done["revoked"]["kind"], done["revoked"]["principal"], done["replaced"]) == ("principal", "ann", None)
    assert done["connections"]["not_looked_up"] == ["ann/*", "displays/{claims.display}"]
    assert (done["refused_after"], done["refreshed_after"]) == (5, 5 + 30 * 60)


def test_the_replaced_revocation_is_printed(folder: Path) -> None:
    revoke(folder, "principal", "ann", *NOT_THERE)
    shown = revoke(folder, "principal", "ann", "--for", "1h", *NOT_THERE).stdout
    assert "replaced       principal ann, until it is undone\n" in shown


@pytest.mark.parametrize("token_id", [None, "", 7])
def test_a_token_without_an_id_says_what_to_revoke_instead(folder: Path, token_id: object) -> None:
    token = jwt.encode({"iss": ISSUER, "sub": "ann b", **({} if token_id is None else {"jti": token_id})}, "k" * 32)
    assert refused(folder, "token", "-", typed=token) == (
        "Invalid value for TOKEN: the token has no ID (jti), so revoke its principal: iot-authorizer revoke "
        "principal 'ann b' --issued-before now"
    )


def test_a_token_without_an_issuer_is_refused(folder: Path) -> None:
    token = jwt.encode({"jti": "7", "sub": "ann"}, "k" * 32)
    assert refused(folder, "token", "-", typed=token) == "Invalid value for TOKEN: the token names no issuer (iss)"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["principal", ""], "Invalid value for NAME: expected a name"),
        (["principal", "ann", "--for", "soon"], 'for --for: expected a number and a unit, as in "30s"'),
        (["principal", "ann", "--for", "0s"], "for --for: expected at least 1s"),
        (["principal", "ann", "--issued-before", "yesterday"], "for --issued-before: expected now, or a time"),
        (["principal", "ann", "--issued-before", "2026-11-21T10:00:00"], "expected now, or a time such as"),
        (["before", "2026-13-01T00:00:00Z"], "for TIME: expected now, or a time such as"),
        (
            ["principal", "ann", "--client-id", "$ann"],
            "expected 1 to 128 characters, not beginning with $",
        ),
        (["principal", "ann", "--endpoint-url", "localhost:8080"], "for --endpoint-url: expected http://HOST:PORT"),
        (["principal", "ann", "--endpoint-url", "http://[x"], "for --endpoint-url: "),
        (["principal", "ann", "--table", "t-1", "--endpoint-url", "aws"], "for --endpoint-url: expected a URL"),
        (["principal", "ann", "--config", "none.toml"], "none.toml: file not found"),
        (["token"], "for TOKEN: expected a token, or --id and --issuer"),
        (["token", "--id", "7"], "for TOKEN: expected a token, or --id and --issuer"),
        (["token", "x.y.z", "--id", "7"], "for --id, --issuer: a token has these itself: give only the token"),
        (["token", "x.y.z"], "for TOKEN: expected a JWT"),
        (["token", "--id", "", "--issuer", "me"], "for TOKEN: expected a token, or --id and --issuer"),
        (["token", "--id", "7", "--issuer", ""], "for TOKEN: expected a token, or --id and --issuer"),
        (["before", "now", "--issuer", ""], "for --issuer: expected an issuer"),
        (["undo", "before", "--issuer", ""], "for --issuer: expected an issuer"),
        (["before", "2099-01-01T00:00:00Z", "--yes"], "for TIME: expected a time in the past"),
        (["before", "9999-12-31T23:59:59-14:00", "--yes"], "for TIME: expected a time in the past"),
        (
            ["principal", "ann", "--issued-before", "2099-01-01T00:00:00Z"],
            "for --issued-before: expected a time in the past",
        ),
        (["before", "now"], "--yes is required when the command does not run in a terminal"),
        (["before", "now", "--issuer", "me"], "--yes is required when the command does not run in a terminal"),
        (["undo", "principal", "ann"], "Invalid value: not revoked: principal ann"),
        (["ann"], "No such command 'ann'"),
        (["principal", "\udcff"], "the authorizer refuses such names"),
    ],
)
def test_an_error_is_one_line_and_nothing_is_written(
    folder: Path, table: SqliteTable, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert expected in refused(folder, *arguments)
    assert list(table.items("")) == []


def test_a_refused_token_is_not_quoted(folder: Path) -> None:
    assert "hunter2" not in refused(folder, "token", "eyJ.hunter2.x")


def test_a_data_folder_that_is_a_file_is_one_line(folder: Path) -> None:
    (folder / "taken").write_text("")
    assert "taken" in refused(folder, "list", "--data", "taken")


def test_a_given_endpoint_that_does_not_listen_is_an_error(folder: Path, table: SqliteTable) -> None:
    done = revoke(folder, "principal", "ann", "--json", *NOT_THERE)
    assert (done.returncode, len(list(table.items("revoked#")))) == (1, 1)
    assert json.loads(done.stdout)["connections"]["not_asked"] == ["ann"]


def test_a_given_endpoint_is_not_needed_without_client_ids(folder: Path) -> None:
    assert revoke(folder, "token", "--id", "7", "--issuer", "me", *NOT_THERE).returncode == 0


def test_a_new_table_is_reported_once(folder: Path) -> None:
    command = ["principal", "ann", "--data", "elsewhere", *NOT_THERE]
    first, second = revoke(folder, *command), revoke(folder, *command, "--json")
    told = "elsewhere/identities.sqlite was just created: no authorizer has read it yet"
    assert (told in first.stderr, told in second.stderr) == (True, False)
    assert "\ntable          elsewhere/identities.sqlite\n" in first.stdout
    assert json.loads(second.stdout)["table"] == "elsewhere/identities.sqlite"


@pytest.mark.parametrize(
    "selected",
    [["before", "now", "--yes"], ["token", "--id", "7"]],
    ids=" ".join,
)
def test_an_unknown_issuer_is_reported(folder: Path, selected: list[str]) -> None:
    done = revoke(folder, *selected, "--issuer", "urn:iot-authorizer:Development", *NOT_THERE)
    told = "authorizer.toml has no issuer urn:iot-authorizer:Development: this revokes no token"
    assert (done.returncode, told in done.stderr) == (0, True), done


JWT = '[[jwt]]\nissuer = "me"\naudience = ["chat"]\nalgorithms = ["RS256"]\njwks = "keys.json"\n'


@pytest.mark.parametrize("table_of", [JWT, '[signed_tokens]\nissuer = "me"\n', ""])
def test_a_known_issuer_is_not_reported(folder: Path, table_of: str) -> None:
    with (folder / "authorizer.toml").open("a") as file:
        file.write(table_of)
    issuer = "me" if table_of else ISSUER
    assert "has no issuer" not in revoke(folder, "before", "now", "--yes", "--issuer", issuer, *NOT_THERE).stderr


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            "policy.toml",
            "policy.toml cannot be read (--config): clients of ann stay connected until their next refresh",
        ),
        ("authorizer.toml", "authorizer.toml cannot be read (--config): clients of ann stay connected until their"),
    ],
)
@pytest.mark.parametrize("named", [[], ["--config", "authorizer.toml"]], ids=["not named", "named"])
def test_a_broken_file_does_not_prevent_a_revocation(
    folder: Path, table: SqliteTable, broken: str, told: str, named: list[str]
) -> None:
    with (folder / broken).open("a") as file:
        file.write("oops\n")
    done = revoke(folder, "principal", "ann", *named, *NOT_THERE)
    assert (done.returncode, len(list(table.items("revoked#")))) == (0, 1), done.stderr
    assert (f"iot-authorizer: {broken}:" in done.stderr, told in done.stderr) == (True, True), done.stderr


def test_a_mistake_in_one_table_of_the_configuration_leaves_the_others_in_use(folder: Path) -> None:
    def asked() -> list[str]:
        done = revoke(folder, "principal", "ann", "--json", *NOT_THERE)
        found: list[str] = json.loads(done.stdout)["connections"]["not_asked"]
        return found

    before = asked()
    with (folder / "authorizer.toml").open("a") as file:
        file.write('[[jwt]]\nissuer = "me"\naudince = ["chat"]\n')
    assert (before, asked()) == (["ann"], ["ann"])


def test_with_a_broken_template_given_client_ids_are_asked_about(folder: Path) -> None:
    (folder / "policy.toml").write_text("oops\n")
    done = revoke(folder, "principal", "ann", "--client-id", "ann/1", "--json", *NOT_THERE)
    assert json.loads(done.stdout)["connections"]["not_asked"] == ["ann/1"]


@pytest.mark.parametrize("name", ["jose\u0301", "ann\u200b", "ann "], ids=ascii)
def test_a_name_that_the_authorizer_never_allows_is_not_revoked(folder: Path, table: SqliteTable, name: str) -> None:
    done = revoke(folder, "principal", name)
    assert (done.returncode, list(table.items("revoked#"))) == (2, [])
    assert "nothing was revoked: write the name as the issuer does" in done.stderr


@pytest.mark.parametrize("name", ["SN-0001*", "ann/phone", "ann#", "+", "a?", "$a"])
def test_a_name_that_looks_like_a_pattern_is_taken_literally(folder: Path, table: SqliteTable, name: str) -> None:
    told = f"iot-authorizer: {name} is taken literally, as a principal's name: use --client-id"
    assert told in revoke(folder, "principal", name, *NOT_THERE).stderr
    assert [item["principal"] for item in table.items("revoked#")] == [name]


def test_revoking_all_tokens_asks_first_at_a_terminal(folder: Path, table: SqliteTable) -> None:
    ours, theirs = os.openpty()
    os.write(ours, b"n\n")
    done = subprocess.run(
        [str(PROGRAM), "revoke", "before", "2026-01-01T00:00:00Z", *NOT_THERE],
        cwd=folder,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.stderr.startswith("Revoke all tokens issued before 2026-01-01 00:00:00Z? [y/N]:"), done.stderr
    assert (done.returncode, len(list(table.items("revoked#")))) == (1, 0), done.stderr
