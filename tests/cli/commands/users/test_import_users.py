"""`iot-authorizer users import`: what it writes, skips and reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.users.csv_file import Row
from iot_authorizer_cli.commands.users.import_run import ImportRun
from iot_identities.passwords import verify_password
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User, to_item
from tests.cli.commands.users.conftest import HASH, SECRET, Users, csv_of


def test_passwords_hashes_and_claims_are_imported(users_anywhere: Users) -> None:
    users_anywhere.write(
        "devices.csv",
        f'name,password,hash,claims\nann,{SECRET},,\nbob,,"{HASH}",\ncleo,,,"{{""role"": ""admin""}}"\n',
    )
    assert users_anywhere.done("import", "devices.csv") == "added 3, replaced 0, skipped 0\n"
    found = [users_anywhere.stored(name) for name in ("ann", "bob", "cleo")]
    assert [[verify_password(each.hash, SECRET.encode()) for each in user.passwords] for user in found] == [
        [True],
        [True],
        [],
    ]
    assert found[2].claims == {"role": "admin"}


@pytest.mark.parametrize(
    ("options", "counts", "passwords"),
    [([], "added 2, replaced 0, skipped 1\n", 0), (["--replace"], "added 2, replaced 1, skipped 0\n", 1)],
    ids=["skipped", "replaced"],
)
def test_existing_users_are_skipped_or_replaced(
    users_anywhere: Users, options: list[str], counts: str, passwords: int
) -> None:
    users_anywhere.table.write(to_item(User("d1", claims={"kept": True})))
    users_anywhere.write("devices.csv", csv_of(3))
    assert users_anywhere.done("import", "devices.csv", "--dry-run", *options) == (
        f"nothing was written; would be {counts}"
    )
    assert users_anywhere.names() == ["d1"]
    assert users_anywhere.done("import", "devices.csv", *options) == counts
    stored = users_anywhere.stored("d1")
    assert (stored.claims, len(stored.passwords)) == ({"kept": True}, passwords)


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        ("name\nann\n", {}),
        ("name,disabled\nann,false\n", {"disabled": False}),
        ("name,valid_until\nann,\n", {"valid_until": None}),
        ('name,claims\nann,"{""b"": 2}"\n', {"claims": {"b": 2}}),
        ("name,password\nann,\n", {}),
    ],
)
def test_what_the_file_does_not_have_stays_as_it_is(users: Users, content: str, changed: dict[str, object]) -> None:
    before = User(
        "ann", (StoredPassword(HASH),), {"a": 1}, disabled=True, valid_until=2**31, created_at=7, rotated_at=8
    )
    users.table.write(to_item(before))
    users.write("devices.csv", content)
    users.done("import", "devices.csv", "--replace")
    assert users.stored("ann") == replace(before, **changed)  # type: ignore[arg-type]


def test_a_new_password_replaces_all_others(users: Users) -> None:
    passwords = (StoredPassword(HASH, generated=True), StoredPassword(HASH, expires_at=2**40))
    users.table.write(to_item(User("ann", passwords, {"a": 1})))
    users.write("devices.csv", "name,password\nann,battery staple\n")
    users.done("import", "devices.csv", "--replace")
    user = users.stored("ann")
    (password,) = user.passwords
    assert (verify_password(password.hash, b"battery staple"), password.generated, user.claims) == (
        True,
        False,
        {"a": 1},
    )
    assert user.rotated_at == password.created_at > 0


def test_a_malformed_user_is_written_again(users: Users) -> None:
    users.table.write({"id": "user#ann", "passwords": "none"})
    users.write("devices.csv", "name,disabled\nann,true\n")
    users.done("import", "devices.csv", "--replace")
    assert users.stored("ann").disabled


def test_users_without_a_password_are_counted(users: Users) -> None:
    users.write("devices.csv", f"name,password\nann,{SECRET}\nbob,\ncleo,\n")
    done = users("import", "devices.csv")
    assert (done.stdout, done.stderr) == ("added 3, replaced 0, skipped 0\n", "added without a password: 2\n")


def test_standard_input_can_be_imported(users: Users) -> None:
    assert users.done("import", "-", typed=csv_of(2)) == "added 2, replaced 0, skipped 0\n"


def test_a_wrong_line_of_standard_input_is_reported(users: Users) -> None:
    assert users("import", "-", typed="name\n+\n").stderr.startswith("-:2: name: a user name is one level of a topic")


def test_more_users_than_one_read_takes_are_all_imported(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", csv_of(230))
    users_anywhere.done("import", "devices.csv")
    assert users_anywhere.names() == sorted(f"d{number}" for number in range(230))


def test_every_wrong_line_is_reported_and_nothing_is_written(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", f"name,password\nann,{SECRET}\na/b,{SECRET}\nbob,short\nann,{SECRET}\n")
    done = users_anywhere("import", "devices.csv")
    assert (done.returncode, done.stdout, users_anywhere.names()) == (2, "", [])
    assert done.stderr.splitlines() == [
        "devices.csv:3: name: a user name is one level of a topic: at most 128 bytes, none of / + # * ? $",
        "devices.csv:4: password: a password has at least 8 characters",
        "devices.csv:5: the user is already in line 2",
        "iot-authorizer: Invalid value for FILE: 3 lines are wrong: nothing was written",
    ]


def test_a_missing_file_is_one_line(users: Users) -> None:
    done = users("import", "devices.csv")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: devices.csv: file not found: correct its name, or create it\n",
    )


def test_a_file_with_only_a_header_has_no_users(users: Users) -> None:
    users.write("devices.csv", "name\n")
    assert users.done("import", "devices.csv") == "added 0, replaced 0, skipped 0\n"


def test_in_a_pipe_each_tenth_is_one_line(users: Users) -> None:
    users.write("devices.csv", csv_of(1000))
    assert users("import", "devices.csv").stderr.splitlines() == [
        f"{10 * tenth} %: {100 * tenth} of 1,000" for tenth in range(1, 10)
    ]


def test_in_a_pipe_few_users_print_no_progress(users: Users) -> None:
    users.write("devices.csv", csv_of(99))
    assert users("import", "devices.csv").stderr == ""


def test_existing_users_are_not_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = SqliteTable(tmp_path / "table")
    table.write(to_item(User("ann")))
    hashed: list[str] = []

    def noted(password: str) -> str:
        hashed.append(password)
        return HASH

    monkeypatch.setattr("iot_authorizer_cli.commands.users.import_run.hash_password", noted)
    ImportRun(table, [Row(User("ann"), "first one"), Row(User("bob"), "other one")], replacing=False).run(
        lambda _: None
    )
    assert hashed == ["other one"]


def test_no_password_is_printed(users: Users) -> None:
    users.write("devices.csv", f"name,password,claims\nann,{SECRET},{SECRET}\n{SECRET}/,{SECRET},,{SECRET}\n")
    bad = users("import", "devices.csv")
    users.write("devices.csv", f"name,password\nann,{SECRET}\n")
    good = users("import", "devices.csv")
    assert (bad.returncode, good.returncode) == (2, 0)
    assert SECRET not in bad.stdout + bad.stderr + good.stdout + good.stderr
