"""Users in a CSV file."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.commands.users.csv_file import read_users
from iot_identities.passwords import hash_password
from iot_identities.user import User

NOW = 1_800_000_000
SECRET = "correct horse"


def problems(content: str | bytes) -> dict[int, str]:
    """What is wrong with which line."""
    rows, bad = read_users(content.encode() if isinstance(content, str) else content, NOW)
    assert bad, rows
    return dict(bad)


def users(content: str | bytes) -> list[User]:
    rows, bad = read_users(content.encode() if isinstance(content, str) else content, NOW)
    assert bad == []
    return [row.user for row in rows]


def test_each_column_says_what_it_is_called() -> None:
    (user,) = users('name,claims,valid_until,disabled\nann,"{""rooms"": [""lobby""]}",2027-01-15,true\n')
    assert user == User("ann", (), {"rooms": ["lobby"]}, True, 1799971200, NOW, NOW)


def test_a_hash_is_taken_as_it_is() -> None:
    encoded = hash_password(SECRET)
    (user,) = users(f'name,hash\nann,"{encoded}"\n')
    assert [password.hash for password in user.passwords] == [encoded]


def test_a_password_is_taken_to_the_letter() -> None:
    rows, _ = read_users(b'name,password\nann," a ""quoted"", one "\n', NOW)
    assert rows[0].password == ' a "quoted", one '


@pytest.mark.parametrize(("text", "generated"), [("", False), ("false", False), ("true", True)])
def test_a_line_says_whether_its_password_was_made_at_random(text: str, generated: bool) -> None:
    rows, _ = read_users(f"name,password,generated\nann,{'x7' * 8},{text}\n".encode(), NOW)
    assert rows[0].generated is generated


def test_a_line_says_whether_the_password_of_its_hash_was_made_at_random() -> None:
    (user,) = users(f'name,hash,generated\nann,"{hash_password(SECRET)}",true\n')
    assert user.passwords[0].generated


def test_a_short_password_was_not_made_at_random() -> None:
    assert problems(f"name,password,generated\nann,{'x' * 15},true\n") == {
        2: "generated: a random password has at least 16 characters"
    }


def test_a_password_shows_in_no_representation() -> None:
    rows, _ = read_users(f"name,password\nann,{SECRET}\n".encode(), NOW)
    assert SECRET not in repr(rows)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_lines_end_as_any_system_ends_them(end: str) -> None:
    assert [user.name for user in users(end.join(["name", "ann", "", "bob", ",", ""]).removesuffix("," + end))] == [
        "ann",
        "bob",
    ]


def test_a_utf_8_byte_order_mark_is_ignored() -> None:
    assert [user.name for user in users(codecs.BOM_UTF8 + "name\né\n".encode())] == ["é"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_reported_with_what_to_do(encoding: str) -> None:
    assert problems("name,password\nann,x\n".encode(encoding)) == {1: "the file is in UTF-16: save it as CSV in UTF-8"}


HEADERS = {
    "empty": "",
    "none": f"ann,{SECRET}\n",
    "semicolons": "name;password\nann;x\n",
    "tabs": "name\tpassword\n",
    "capitals": "Name,password\n",
}


@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS)
def test_a_file_without_a_header_is_told_what_belongs_there_and_nothing_of_it(content: str) -> None:
    assert problems(content) == {
        1: "expected a header, with name and any of password, hash, generated, claims, valid_until, disabled, "
        "separated by commas"
    }


def test_an_unknown_column_is_named() -> None:
    assert problems("name,pasword\nann,x\n")[1].startswith("unknown column 'pasword': ")


def test_a_duplicate_column_is_named() -> None:
    assert problems("name,claims,claims\n") == {1: "duplicate column claims"}


LINES = {
    "no name": (",,,", None),
    "nobody": (f",{SECRET},,", "a user name has at least one character"),
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
def test_what_is_wrong_with_a_line_is_told_and_no_cell_of_it(line: str, problem: str | None) -> None:
    content = f"name,password,hash,claims\nbob,{SECRET},,\n{line}\n"
    if problem is None:
        assert len(users(content)) == 1
        return
    found = problems(content)
    assert (list(found), found[3].startswith(problem)) == ([3], True), found
    assert SECRET not in found[3]


def test_a_password_and_a_hash_at_once_are_refused() -> None:
    content = f'name,password,hash\nann,{SECRET},"{hash_password(SECRET)}"\n'
    assert problems(content) == {2: "expected a password or a hash, found both"}


def test_a_line_that_is_not_utf_8_is_reported_with_the_others() -> None:
    assert problems(b"name\nann\nb\xe9\n+\n") == {
        3: "not in UTF-8",
        4: "name: a user name is one level of a topic: at most 128 bytes, none of / + # * ? $ and no control character",
    }


def test_a_duplicate_user_is_reported_with_both_lines() -> None:
    assert problems("name\nann\nbob\nann\n") == {4: "the user is already in line 2"}


def test_a_line_is_counted_where_it_begins() -> None:
    content = 'name,claims\nann,"{\n""a"": 1}"\n\n+,\nbob,"{\n\n"\n'
    assert list(problems(content)) == [5, 6]


def test_lines_after_a_broken_one_are_looked_at_too() -> None:
    assert list(problems('name\n"a"b\nann\n+\n')) == [2, 4]


@given(st.binary(max_size=200))
def test_any_bytes_are_users_or_bad_lines_each_told_once(content: bytes) -> None:
    _, bad = read_users(b"name,password,claims\n" + content, NOW)
    numbers = [line.number for line in bad]
    assert numbers == sorted(set(numbers))
