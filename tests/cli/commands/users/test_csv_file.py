"""Users in a CSV file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.commands.users.csv_file import Row, read_users
from iot_identities.passwords import hash_password
from iot_identities.user import User

NOW = 1_800_000_000
SECRET = "correct horse"


def read(content: str | bytes) -> tuple[list[Row], dict[int, str]]:
    """The lines that are users, and the problems of the others by line number."""
    rows, bad = read_users(content.encode() if isinstance(content, str) else content, NOW)
    return rows, dict(bad)


def problems(content: str | bytes) -> dict[int, str]:
    return read(content)[1]


def users(content: str | bytes) -> list[User]:
    rows, bad = read(content)
    assert bad == {}
    return [row.user for row in rows]


def test_a_line_has_claims_and_an_end_and_can_disable_its_user() -> None:
    (user,) = users('name,claims,valid_until,disabled\nann,"{""rooms"": [""lobby""]}",2027-01-15,true\n')
    assert user == User("ann", (), {"rooms": ["lobby"]}, True, 1799971200, NOW, NOW)


def test_a_hash_is_stored_as_it_is() -> None:
    encoded = hash_password(SECRET)
    (user,) = users(f'name,hash,generated\nann,"{encoded}",true\n')
    assert [(password.hash, password.generated) for password in user.passwords] == [(encoded, True)]


def test_a_password_is_read_literally_and_has_no_representation() -> None:
    (row,), _ = read(b'name,password\nann," a ""quoted"", one "\n')
    assert (row.password, "quoted" in repr(row)) == (' a "quoted", one ', False)


@pytest.mark.parametrize(("text", "generated"), [("", False), ("false", False), ("true", True)])
def test_a_line_says_whether_its_password_is_random(text: str, generated: bool) -> None:
    (row,), _ = read(f"name,password,generated\nann,{'x7' * 8},{text}\n")
    assert row.generated is generated


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_any_line_end_separates_lines(end: str) -> None:
    content = end.join(["name", "ann", "", "bob", ",", ""]).removesuffix("," + end)
    assert [user.name for user in users(content)] == ["ann", "bob"]


HEADER = (
    "expected a header, with name and any of password, hash, generated, claims, valid_until, disabled, "
    "separated by commas"
)
UTF_16 = "the file is in UTF-16: save it as CSV in UTF-8"
SEVERAL = {
    "empty": ("", {1: HEADER}),
    "no header": (f"ann,{SECRET}\n", {1: HEADER}),
    "semicolons": ("name;password\nann;x\n", {1: HEADER}),
    "tabs": ("name\tpassword\n", {1: HEADER}),
    "capitals": ("Name,password\n", {1: HEADER}),
    "unknown column": ("name,pasword\nann,x\n", {1: f"unknown column 'pasword': {HEADER}"}),
    "duplicate column": ("name,claims,claims\n", {1: "duplicate column claims"}),
    **{each: ("name,password\nann,x\n".encode(each), {1: UTF_16}) for each in ("utf-16", "utf-16-le", "utf-16-be")},
    "short and random": (
        f"name,password,generated\nann,{'x' * 15},true\n",
        {2: "generated: a random password has at least 16 characters"},
    ),
    "password and hash": (
        f'name,password,hash\nann,{SECRET},"{hash_password(SECRET)}"\n',
        {2: "expected a password or a hash, found both"},
    ),
    "not UTF-8": (
        b"name\nann\nb\xe9\n+\n",
        {
            3: "not in UTF-8",
            4: "name: a user name is one level of a topic: at most 128 bytes, none of / + # * ? $",
        },
    ),
    "duplicate user": ("name\nann\nbob\nann\n", {4: "the user is already in line 2"}),
}


@pytest.mark.parametrize(("content", "expected"), SEVERAL.values(), ids=SEVERAL)
def test_each_wrong_line_is_reported_with_what_was_expected(content: str | bytes, expected: dict[int, str]) -> None:
    assert problems(content) == expected


LINES = {
    "no name": (f",{SECRET},,", "a user name has at least one character"),
    "wildcard": (f"a/+,{SECRET},,", "name: a user name is one level of a topic"),
    "short": ("ann,secret,,", "password: a password has at least 8 characters"),
    "own name": ("annabella,annabella,,", "password: a password must not be the user name"),
    "too long": (f"ann,{'x' * 1025},,", "password: expected a password of 1 to 1024 bytes"),
    "no hash": (f"ann,,{SECRET},", "hash: expected an argon2id hash"),
    "no JSON": (f"ann,{SECRET},,{{", "claims: expected a JSON object"),
    "too few": (f"ann,{SECRET}", "expected 4 cells, as in the header, found 2"),
    "too many": (f"ann,{SECRET},,,", "expected 4 cells, as in the header, found 5"),
    "after a quote": (f'"ann"x,{SECRET},,', "invalid CSV: ',' expected after"),
    "never closed": (f'"ann,{SECRET},,', "invalid CSV: unexpected end of data"),
    "huge": (f"ann,{'x' * 200_000},,", "invalid CSV: field larger than field limit"),
}


@pytest.mark.parametrize(("line", "problem"), LINES.values(), ids=LINES)
def test_a_wrong_line_is_reported_and_not_quoted(line: str, problem: str) -> None:
    found = problems(f"name,password,hash,claims\nbob,{SECRET},,\n{line}\n")
    assert (list(found), found[3].startswith(problem)) == ([3], True), found
    assert SECRET not in found[3]


def test_a_line_has_the_number_of_its_first_line() -> None:
    content = 'name,claims\nann,"{\n""a"": 1}"\n\n+,\nbob,"{\n\n"\n'
    assert list(problems(content)) == [5, 6]


def test_lines_after_a_broken_one_are_checked_too() -> None:
    assert list(problems('name\n"a"b\nann\n+\n')) == [2, 4]


@given(st.binary(max_size=200))
def test_any_bytes_are_users_or_wrong_lines_each_reported_once(content: bytes) -> None:
    _, bad = read_users(b"name,password,claims\n" + content, NOW)
    numbers = [line.number for line in bad]
    assert numbers == sorted(set(numbers))
