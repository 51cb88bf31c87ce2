"""`iot-authorizer revoke list` and `revoke undo`."""

import json
from pathlib import Path

import pytest

from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer
from iot_identities import guessing
from iot_identities.revocations import Kind, Revocation, to_item
from iot_identities.sqlite_table import SqliteTable
from tests.cli.commands.revoke.running import NOT_THERE, refused, revoke


def test_all_revocations_are_listed_the_latest_first(folder: Path, table: SqliteTable) -> None:
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


def test_the_list_can_be_json(folder: Path, table: SqliteTable) -> None:
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


def test_an_empty_list_says_so(folder: Path, table: SqliteTable) -> None:
    done = revoke(folder, "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is revoked\n")


@pytest.mark.parametrize("command", [["list"], ["undo", "principal", "ann"]], ids=["list", "undo"])
def test_a_missing_table_is_not_created(folder: Path, command: list[str]) -> None:
    assert (
        refused(folder, *command, "--data", "mistyped")
        == "Invalid value for --data: mistyped has no table yet: add a user first, or give another folder"
    )
    assert not (folder / "mistyped").exists()


def test_a_malformed_item_is_reported_and_the_others_are_listed(folder: Path, table: SqliteTable) -> None:
    table.write(to_item(Revocation(Kind.PRINCIPAL, 100, principal="ann")))
    table.write({"id": "revoked#principal#x", "kind": "unknown"})
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
    revoke(folder, *(["before", "now", "--yes", *selected[1:]] if selected[0] == "before" else selected), *NOT_THERE)
    count = len(list(table.items("revoked#")))
    done = revoke(folder, "undo", *selected)
    assert (count, done.returncode, len(list(table.items("revoked#")))) == (1, 0, 0)


def test_undo_clears_failed_attempts_of_the_principal(folder: Path, table: SqliteTable) -> None:
    revoke(folder, "principal", "ann", *NOT_THERE)
    table.keep(guessing.ids("ann", None)[0], until=2**40)
    revoke(folder, "undo", "principal", "ann")
    assert list(table.items("failures#")) == []


def test_a_token_undoes_its_revocation(folder: Path, table: SqliteTable) -> None:
    token = DevelopmentIssuer(folder / DATA).token("ann", {"jti": "7"}, 3600)
    revoke(folder, "token", token, *NOT_THERE)
    count = len(list(table.items("revoked#")))
    done = revoke(folder, "undo", "token", "-", typed=token)
    assert (count, done.returncode, len(list(table.items("revoked#")))) == (1, 0, 0)


def test_a_malformed_revocation_can_be_undone(folder: Path, table: SqliteTable) -> None:
    table.write({**to_item(Revocation(Kind.PRINCIPAL, 100, principal="ann")), "kind": "unknown"})
    assert revoke(folder, "undo", "principal", "ann").returncode == 0
