"""What `iot-authorizer users` refuses: one line each, and nothing changes."""

import pytest

from identities.user import User, to_item, user_id
from local.development import DATA, table_path
from tests.local.users.conftest import Users

FIRST = "correct horse"


REFUSED = [
    (["add", "a/b"], FIRST, "NAME: a user name is one level of a topic: at most 128 bytes, none of / + # * ? $"),
    (["add", "a+"], FIRST, "NAME: a user name is one level"),
    (["add", ""], FIRST, "NAME: a user name has at least one character"),
    (["add", "ann"], "", "standard input: expected a password of 1 to 1024 bytes"),
    (["add", "ann"], "x" * 10_000_000, "standard input: expected a password of 1 to 1024 bytes"),
    (["add", "ann"], "1234567", "password: a password has at least 8 characters; --generate makes one"),
    (["add", "annabella"], "Annabella", "password: a password is not the user name; --generate makes one"),
    (["add", "ann", "--claims", "[]"], FIRST, "--claims: expected a JSON object"),
    (["add", "ann", "--claims", '{"a": NaN}'], FIRST, "--claims: expected a JSON object"),
    (["add", "ann", "--valid-for", "soon"], FIRST, "--valid-for: expected a number and a unit"),
    (["add", "ann", "--generate", "--no-password"], FIRST, "--generate, --no-password: either of them"),
    (["add"], FIRST, "Missing argument 'NAME'"),
    (["fly"], "", "No such command 'fly'"),
    (["set-password", "bob"], FIRST, "NAME: there is no user bob"),
    (["rotate", "bob"], FIRST, "NAME: there is no user bob"),
    (["set-claims", "bob", "{}"], "", "NAME: there is no user bob"),
    (["disable", "bob"], "", "NAME: there is no user bob"),
    (["remove", "bob", "--yes"], "", "NAME: there is no user bob"),
    (["show", "bob"], "", "NAME: there is no user bob"),
    (["show", "x" * 300], "", "NAME: a user name has 1 to 256 characters"),
    (["show", "\x1b[31m"], "", "there is no user \\x1b[31m"),
]


@pytest.mark.parametrize(("arguments", "typed", "message"), REFUSED, ids=[" ".join(each[0])[:30] for each in REFUSED])
def test_what_is_wrong_is_one_line_and_changes_nothing(
    users: Users, arguments: list[str], typed: str, message: str
) -> None:
    done = users(*arguments, typed=typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n"), users.names()) == (2, "", 1, []), done.stderr
    assert message in done.stderr


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


def test_a_user_that_others_have_written_wrongly_is_told_of(users: Users) -> None:
    users.table.write({**to_item(User("ann")), "claims": "{"})
    done = users("disable", "ann")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the table's item of ann is malformed: claims" in done.stderr


def test_such_a_user_can_still_be_removed(users: Users) -> None:
    users.table.write({**to_item(User("ann")), "claims": "{"})
    users.done("remove", "ann", "--yes")
    assert users.table.read([user_id("ann")]) == {}


def test_a_file_that_is_no_table_is_one_line(users: Users) -> None:
    table_path(users.folder / DATA).write_bytes(b"no database" * 100)
    done = users("list")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: .iot-authorizer/identities.sqlite: file is not a database\n",
    )


def test_a_table_that_is_not_in_dynamodb_is_one_line(users: Users, dynamodb_name: str) -> None:
    done = users("list", "--table", "another")
    assert (done.returncode, done.stderr) == (
        2,
        "iot-authorizer: DynamoDB: ResourceNotFoundException: "
        "check the table's name, and the region: AWS_DEFAULT_REGION\n",
    )
