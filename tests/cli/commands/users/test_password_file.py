"""Passwords that an import makes, and the file in which they are kept."""

import csv
import os
import stat
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.users.password_file import password_file
from iot_identities.passwords import verify_password
from tests.cli.commands.users.conftest import SECRET, Users

MADE = "of sixteen letters"

HEADER = "name,password,generated\n"


def made(users: Users) -> dict[str, str]:
    """The passwords in the file."""
    with (users.folder / "made.csv").open(newline="") as file:
        return {line["name"]: line["password"] for line in csv.DictReader(file)}


def test_users_without_a_password_get_one_which_is_in_the_file(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", "name\npump-7\npump-8\n")
    told = users_anywhere.done("import", "devices.csv", "--generate", "made.csv")
    assert told == "added 2, replaced 0, skipped 0\nthe generated passwords are in made.csv\n"
    for name, password in made(users_anywhere).items():
        (stored,) = users_anywhere.stored(name).passwords
        assert verify_password(stored.hash, password.encode())


def test_a_generated_password_is_marked_as_not_guessable(users: Users) -> None:
    users.write("devices.csv", "name\npump-7\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    (stored,) = users.stored("pump-7").passwords
    assert stored.generated


def test_users_with_a_password_keep_it(users: Users) -> None:
    users.write("devices.csv", f"name,password\nann,{SECRET}\npump-7,\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert list(made(users)) == ["pump-7"]
    assert verify_password(users.stored("ann").passwords[0].hash, SECRET.encode())


def test_only_the_owner_can_read_the_file(users: Users) -> None:
    users.write("devices.csv", "name\npump-7\n")
    users.write("made.csv", "")
    (users.folder / "made.csv").chmod(0o644)
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert stat.S_IMODE((users.folder / "made.csv").stat().st_mode) == 0o600


def test_the_file_can_be_imported_into_another_table(users: Users) -> None:
    users.write("devices.csv", "name\npump-7\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert users.done("import", "made.csv", "--data", "other") == "added 1, replaced 0, skipped 0\n"


def test_a_dry_run_makes_no_file(users: Users) -> None:
    users.write("devices.csv", "name\npump-7\n")
    users.done("import", "devices.csv", "--generate", "made.csv", "--dry-run")
    assert not (users.folder / "made.csv").exists()


def test_no_password_is_printed(users: Users) -> None:
    users.write("devices.csv", "name\npump-7\n")
    done = users("import", "devices.csv", "--generate", "made.csv")
    assert made(users)["pump-7"] not in done.stdout + done.stderr


def test_what_an_interrupted_import_has_made_is_taken_by_the_next(users: Users) -> None:
    users.write("made.csv", f"{HEADER}pump-7,{MADE},true\n")
    users.write("devices.csv", "name\npump-7\npump-8\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert verify_password(users.stored("pump-7").passwords[0].hash, MADE.encode())
    assert list(made(users)) == ["pump-7", "pump-8"]


@pytest.mark.parametrize(
    "cut", ["nam", "name,password,generated", f"{HEADER}pump-7,secr", f"{HEADER}pump-7,{MADE},tru"]
)
def test_a_line_that_a_killed_import_left_unfinished_is_made_anew(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "made.csv"
    path.write_text(cut)
    with password_file(path) as file:
        password = file.passwords_of(["pump-7"])["pump-7"]
    assert path.read_text() == f"{HEADER}pump-7,{password},true\n"
    assert password != MADE


def test_a_last_line_without_its_line_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    path.write_text(f"{HEADER}pump-7,{MADE},true")
    with password_file(path) as file:
        assert file.passwords_of(["pump-7"]) == {"pump-7": MADE}
    assert path.read_text() == f"{HEADER}pump-7,{MADE},true\n"


def test_a_user_of_the_table_keeps_its_password_though_it_is_replaced(users: Users) -> None:
    """The one in the file may be older, and have leaked."""
    users.write("devices.csv", "name\npump-7\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    users.done("set-password", "pump-7", typed=SECRET)
    users.done("import", "devices.csv", "--replace", "--generate", "made.csv")
    (stored,) = users.stored("pump-7").passwords
    assert verify_password(stored.hash, SECRET.encode())


def test_a_user_of_the_table_without_a_password_gets_one_where_it_is_replaced(users: Users) -> None:
    users.done("add", "pump-7", "--no-password")
    users.write("devices.csv", "name\npump-7\n")
    users.done("import", "devices.csv", "--replace", "--generate", "made.csv")
    assert verify_password(users.stored("pump-7").passwords[0].hash, made(users)["pump-7"].encode())


def test_the_file_is_another_one_than_the_users(users: Users) -> None:
    content = f"{HEADER}pump-7,{MADE},true\n"
    users.write("devices.csv", content)
    done = users("import", "devices.csv", "--generate", "./devices.csv")
    assert (done.returncode, "expected a file other than the imported one" in done.stderr) == (2, True)
    assert (users.folder / "devices.csv").read_text() == content


def test_names_with_commas_and_quotes_come_back(tmp_path: Path) -> None:
    names = ["a,b", 'say "x"', "Zoë", " "]
    with password_file(tmp_path / "made.csv") as file:
        first = dict(file.passwords_of(names))
    with password_file(tmp_path / "made.csv") as file:
        assert file.passwords_of(names) == first


FOREIGN = {
    "users": "name,password\nann,correct horse\n",
    "text": "something else\n",
    "text in one line": "something else",
    "bytes": b"\xff\n",
    "a line more": f"{HEADER}pump-7,{MADE}\n",
    "a short one": f"{HEADER}pump-7,of fifteen lett,true\n",
    "an empty one": f"{HEADER}pump-7,,true\n",
    "a chosen one": f"{HEADER}pump-7,{MADE},false\n",
    "flags": "name,flag\nann,true",
    "an open quote": f'{HEADER}"pump-7\n',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_with_other_content_is_refused_and_not_changed(users: Users, content: str | bytes) -> None:
    users.write("devices.csv", "name\npump-7\n")
    users.write("made.csv", content)
    before = (users.folder / "made.csv").read_bytes(), (users.folder / "made.csv").stat().st_mode
    done = users("import", "devices.csv", "--generate", "made.csv")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: Invalid value for --generate: made.csv: expected no file, or one that an import wrote: "
        "it has other content\n",
    )
    assert ((users.folder / "made.csv").read_bytes(), (users.folder / "made.csv").stat().st_mode) == before
    assert users.names() == []


def test_what_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="expected a regular file"), password_file(tmp_path / "pipe"):
        pass


def test_two_imports_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    with password_file(tmp_path / "made.csv"):  # noqa: SIM117 (the second is what fails)
        with pytest.raises(ValueError, match="another import is writing it"), password_file(tmp_path / "made.csv"):
            pass
