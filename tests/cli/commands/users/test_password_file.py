"""The passwords that an import generates, and the file that keeps them."""

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


@pytest.fixture
def pump(users: Users) -> Users:
    """A file with one user without a password."""
    users.write("devices.csv", "name\npump-7\n")
    return users


GENERATE = ("import", "devices.csv", "--generate", "made.csv")


def made(users: Users) -> dict[str, str]:
    """The passwords in the file."""
    with (users.folder / "made.csv").open(newline="") as file:
        return {line["name"]: line["password"] for line in csv.DictReader(file)}


def test_users_without_a_password_get_one_that_is_in_the_file_and_not_printed(users_anywhere: Users) -> None:
    users_anywhere.write("devices.csv", "name\npump-7\npump-8\n")
    done = users_anywhere(*GENERATE)
    assert done.stdout == "added 2, replaced 0, skipped 0\nthe generated passwords are in made.csv\n"
    assert list(made(users_anywhere)) == ["pump-7", "pump-8"]
    for name, password in made(users_anywhere).items():
        (stored,) = users_anywhere.stored(name).passwords
        assert (verify_password(stored.hash, password.encode()), stored.generated) == (True, True)
        assert password not in done.stdout + done.stderr


def test_users_with_a_password_keep_it(users: Users) -> None:
    users.write("devices.csv", f"name,password\nann,{SECRET}\npump-7,\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert list(made(users)) == ["pump-7"]
    assert verify_password(users.stored("ann").passwords[0].hash, SECRET.encode())


def test_only_the_owner_can_read_the_file_and_it_can_be_imported(pump: Users) -> None:
    pump.write("made.csv", "")
    (pump.folder / "made.csv").chmod(0o644)
    pump.done(*GENERATE)
    assert stat.S_IMODE((pump.folder / "made.csv").stat().st_mode) == 0o600
    assert pump.done("import", "made.csv", "--data", "other") == "added 1, replaced 0, skipped 0\n"


def test_a_dry_run_makes_no_file(pump: Users) -> None:
    pump.done(*GENERATE, "--dry-run")
    assert not (pump.folder / "made.csv").exists()


def test_the_next_import_uses_the_passwords_of_an_interrupted_one(users: Users) -> None:
    users.write("made.csv", f"{HEADER}pump-7,{MADE},true\n")
    users.write("devices.csv", "name\npump-7\npump-8\n")
    users.done("import", "devices.csv", "--generate", "made.csv")
    assert verify_password(users.stored("pump-7").passwords[0].hash, MADE.encode())
    assert list(made(users)) == ["pump-7", "pump-8"]


@pytest.mark.parametrize(
    "cut", ["nam", "name,password,generated", f"{HEADER}pump-7,secr", f"{HEADER}pump-7,{MADE},tru"]
)
def test_an_unfinished_line_of_a_killed_import_gets_a_new_password(tmp_path: Path, cut: str) -> None:
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


def test_a_replaced_user_keeps_its_password_since_the_one_in_the_file_can_be_older(pump: Users) -> None:
    pump.done(*GENERATE)
    pump.done("set-password", "pump-7", typed=SECRET)
    pump.done(*GENERATE, "--replace")
    (stored,) = pump.stored("pump-7").passwords
    assert verify_password(stored.hash, SECRET.encode())


def test_a_replaced_user_without_a_password_gets_one(pump: Users) -> None:
    pump.done("add", "pump-7", "--no-password")
    pump.done(*GENERATE, "--replace")
    assert verify_password(pump.stored("pump-7").passwords[0].hash, made(pump)["pump-7"].encode())


def test_the_file_must_not_be_the_imported_one(users: Users) -> None:
    content = f"{HEADER}pump-7,{MADE},true\n"
    users.write("devices.csv", content)
    done = users("import", "devices.csv", "--generate", "./devices.csv")
    assert (done.returncode, "expected a file other than the imported one" in done.stderr) == (2, True)
    assert (users.folder / "devices.csv").read_text() == content


def test_names_with_commas_and_quotes_are_read_back(tmp_path: Path) -> None:
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
def test_a_file_with_other_content_is_refused_and_not_changed(pump: Users, content: str | bytes) -> None:
    pump.write("made.csv", content)
    before = (pump.folder / "made.csv").read_bytes(), (pump.folder / "made.csv").stat().st_mode
    done = pump(*GENERATE)
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: Invalid value for --generate: made.csv: expected no file, or one that an import wrote: "
        "it has other content\n",
    )
    assert ((pump.folder / "made.csv").read_bytes(), (pump.folder / "made.csv").stat().st_mode) == before
    assert pump.names() == []


def test_only_a_regular_file_is_accepted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="expected a regular file"), password_file(tmp_path / "pipe"):
        pass


def test_two_imports_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    with password_file(tmp_path / "made.csv"):  # noqa: SIM117 (the second is what fails)
        with pytest.raises(ValueError, match="another import is writing it"), password_file(tmp_path / "made.csv"):
            pass
