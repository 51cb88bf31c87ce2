"""Usage errors of `iot-authorizer users`: each is one line, and nothing changes."""

import subprocess

import pytest

from iot_authorizer_cli.project.development_issuer import table_path
from iot_identities.user import User, to_item, user_id
from tests.cli.commands.users.conftest import Users
from tests.cli.dev import PROGRAM

FIRST = "correct horse"


REFUSED = [
    (["add", "a/b"], FIRST, "NAME: a user name is one level of a topic: at most 128 bytes, none of / + # * ? $"),
    (["add", "a+"], FIRST, "NAME: a user name is one level"),
    (["add", ""], FIRST, "NAME: a user name has at least one character"),
    (["add", "ann"], "", "standard input: expected a password of 1 to 1024 bytes"),
    (["add", "ann"], "x" * 10_000_000, "standard input: expected a password of 1 to 1024 bytes"),
    (["add", "ann"], "1234567", "password: a password has at least 8 characters; --generate generates one"),
    (["add", "annabella"], "Annabella", "password: a password must not be the user name; --generate generates one"),
    (["add", "ann", "--claims", "[]"], FIRST, "--claims: expected a JSON object"),
    (["add", "ann", "--claims", '{"a": NaN}'], FIRST, "--claims: expected a JSON object"),
    (["add", "ann", "--valid-for", "soon"], FIRST, "--valid-for: expected a number and a unit"),
    (["add", "ann", "--generate", "--no-password"], FIRST, "--generate, --no-password: give at most one of them"),
    (["add"], FIRST, "Missing argument 'NAME'"),
    (["fly"], "", "No such command 'fly'"),
    (["add", "ann", "--claims", '{"a": 1, "a": 2}'], FIRST, "--claims: duplicate key in a JSON object"),
    (["add", "ann"], "eyJhbGciOi.Jub25l.IiJ9", "must not look like a token"),
    (["add", "ann"], "my token: eyJhbGciOiJub25lIn0.e30.c2ln", "must not look like a token"),
    (["list", "x", "--state", "gone"], "", "'gone' is not one of 'active'"),
    (["set-password", "bob"], FIRST, "NAME: no user bob"),
    (["rotate", "bob"], FIRST, "NAME: no user bob"),
    (["set-claims", "bob", "{}"], "", "NAME: no user bob"),
    (["disable", "bob"], "", "NAME: no user bob"),
    (["remove", "bob", "--yes"], "", "NAME: no user bob"),
    (["show", "bob"], "", "NAME: no user bob"),
    (["show", "x" * 300], "", "NAME: expected a user name of 1 to 256 characters"),
    (["show", "\x1b[31m"], "", "no user \\x1b[31m"),
]


@pytest.mark.parametrize(("arguments", "typed", "message"), REFUSED, ids=[" ".join(each[0])[:30] for each in REFUSED])
def test_an_error_is_one_line_and_changes_nothing(users: Users, arguments: list[str], typed: str, message: str) -> None:
    done = users(*arguments, typed=typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n"), users.names()) == (2, "", 1, []), done.stderr
    assert message in done.stderr


@pytest.mark.parametrize("mistaken", ["hunter22", "eyJhbGciOiJub25lIn0.e30.c2ln", "correct horse"])
def test_an_unknown_command_is_not_repeated_since_it_can_be_a_password(users: Users, mistaken: str) -> None:
    done = users(mistaken)
    assert (done.returncode, done.stderr) == (2, "iot-authorizer: No such command: --help lists the commands.\n")


LOOK_ALIKE = {
    "composed of two": "re\u0301gis",
    "zero width": "ann\u200b",
    "word joiner": "ann\u2060",
    "filler": "ann\u3164",
    "no-break space": "a\u00a0b",
    "right to left": "\u202enna",
}


@pytest.mark.parametrize("name", LOOK_ALIKE.values(), ids=LOOK_ALIKE)
def test_a_name_that_looks_like_another_is_refused(users: Users, name: str) -> None:
    done = users("add", name, typed=FIRST)
    assert (done.returncode, users.names()) == (2, [])
    assert "the authorizer refuses such names" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["add", "bob"], ["set-password", "ann"], ["rotate", "ann"]])
def test_nothing_changes_if_standard_output_cannot_take_the_password(users: Users, arguments: list[str]) -> None:
    users.table.write(to_item(User("ann")))
    for output in ("/dev/full", None):
        command = f"{PROGRAM} users {' '.join(arguments)} --generate >{output or '&-'}"
        done = subprocess.run(["sh", "-c", command], cwd=users.folder, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert (users.names(), users.stored("ann").passwords) == (["ann"], ())


CLOSED = {
    "add bob": "Invalid value for standard input: expected a password of 1 to 1024 bytes",
    "remove ann": "--yes is required when the command does not run in a terminal",
    "import -": "Invalid value for FILE: standard input is closed",
}


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "message"), CLOSED.items(), ids=CLOSED)
def test_a_closed_standard_input_is_one_line(users: Users, arguments: str, message: str) -> None:
    users.table.write(to_item(User("ann")))
    command = f"{PROGRAM} users {arguments} <&-"
    done = subprocess.run(["sh", "-c", command], cwd=users.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"iot-authorizer: {message}\n")


@pytest.mark.parametrize("command", ["add", "set-password", "rotate"])
def test_a_password_as_an_argument_is_refused_and_not_repeated(users: Users, command: str) -> None:
    done = users(command, "ann", FIRST)
    assert (done.returncode, FIRST in done.stderr) == (2, False)


@pytest.mark.parametrize("command", ["set-password", "rotate"])
def test_a_weak_password_leaves_the_user_as_it_was(users: Users, command: str) -> None:
    users.done("add", "ann", typed=FIRST)
    before = users.stored("ann")
    assert users(command, "ann", typed="1234567").returncode == 2
    assert users.stored("ann") == before


def test_a_malformed_user_is_reported(users: Users) -> None:
    users.table.write({**to_item(User("ann")), "claims": "{"})
    done = users("disable", "ann")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the item of ann is malformed: claims" in done.stderr


def test_a_malformed_user_can_be_removed(users: Users) -> None:
    users.table.write({**to_item(User("ann")), "claims": "{"})
    users.done("remove", "ann", "--yes")
    assert users.table.read([user_id("ann")]) == {}


def test_a_file_that_is_not_a_table_is_one_line(users: Users) -> None:
    path = table_path(users.folder / "other")
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_bytes(b"no database" * 100)
    done = users("list", "--data", "other")
    assert (done.returncode, done.stderr) == (2, "iot-authorizer: other/identities.sqlite: file is not a database\n")


def test_a_table_that_is_not_in_dynamodb_is_one_line(users: Users, dynamodb_name: str) -> None:
    done = users("list", "--table", "another")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: DynamoDB: ResourceNotFoundException: "
        "check the table's name, and the region: AWS_DEFAULT_REGION\n",
    )
