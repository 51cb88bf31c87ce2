"""`iot-authorizer users import --mosquitto`: password files of mosquitto."""

import base64
import itertools
import subprocess

import pytest

from iot_authorizer_cli.commands.users.mosquitto_passwords import read_mosquitto_users
from iot_identities.passwords import hash_password, verify_password
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import SECRET, Users
from tests.clients.needs import needs
from tests.identities.test_passwords import digest_of

ARGON2 = hash_password(SECRET)


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def hash_7(password: str = SECRET, iterations: int = 101) -> str:
    digest, salt, _ = digest_of(password.encode(), iterations)
    return f"$7${iterations}${base64_of(salt)}${base64_of(digest)}"


def hash_6(password: str = SECRET) -> str:
    digest, salt, _ = digest_of(password.encode(), 0)
    return f"$6${base64_of(salt)}${base64_of(digest)}"


def problems(content: str | bytes) -> list[tuple[int, str]]:
    _, bad = read_mosquitto_users(content.encode() if isinstance(content, str) else content, 0)
    return [(number, problem) for number, problem in bad]


@pytest.mark.parametrize("encoded", [hash_7(), hash_7(iterations=1000), hash_6(), ARGON2], ids=["7", "many", "6", "2"])
def test_a_user_keeps_the_password_and_the_weak_hash_is_stored_nowhere(users: Users, encoded: str) -> None:
    users.write("passwd", f"# users\npump-7:{encoded}\n")
    assert users.done("import", "--mosquitto", "passwd") == "added 1, replaced 0, skipped 0\n"
    (stored,) = users.stored("pump-7").passwords
    assert verify_password(stored.hash, SECRET.encode())
    assert not verify_password(stored.hash, b"battery staple")
    assert "$argon2id$" in stored.hash
    assert encoded == ARGON2 or encoded.rpartition("$")[2] not in stored.hash


def test_what_mosquitto_passwd_writes_is_imported(users: Users) -> None:
    passwords = {"pump-7": SECRET, "pump-8": "pässword", "pump-9": "a:b$c d"}
    for name, password in passwords.items():
        users.write("passwd", (users.folder / "passwd").read_bytes() if (users.folder / "passwd").exists() else "")
        command = [needs("mosquitto_passwd"), "-b", "passwd", name, password]
        subprocess.run(command, cwd=users.folder, check=True, capture_output=True)
    assert users.done("import", "--mosquitto", "passwd") == "added 3, replaced 0, skipped 0\n"
    for name, password in passwords.items():
        assert verify_password(users.stored(name).passwords[0].hash, password.encode())


def test_replace_changes_the_password_and_keeps_the_claims(users: Users) -> None:
    users.table.write(to_item(User("pump-7", claims={"role": "device"}, disabled=True)))
    users.write("passwd", f"pump-7:{hash_7()}\n")
    assert users.done("import", "--mosquitto", "passwd", "--replace") == "added 0, replaced 1, skipped 0\n"
    stored = users.stored("pump-7")
    assert (stored.claims, stored.disabled, len(stored.passwords)) == ({"role": "device"}, True, 1)


def test_byte_order_marks_comments_empty_lines_spaces_and_carriage_returns_are_no_problem() -> None:
    content = f"\ufeff# a comment\r\n\r\n \t \n pump-7 : {hash_7()} \r\npump-8:{hash_6()}"
    rows, bad = read_mosquitto_users(content.encode(), 0)
    assert ([row.user.name for row in rows], bad) == (["pump-7", "pump-8"], [])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("pump-7", "expected NAME:HASH, found no colon"),
        (f":{ARGON2}", "a user name has at least one character"),
        (f"a/b:{ARGON2}", "a user name is one level of a topic"),
        (f"pump-7\u00a0:{ARGON2}", "a user name begins or ends with a space"),
        ("pump-7:", "expected a hash that begins with $7$, $6$ or $argon2id$"),
        (f"pump-7:{SECRET}", "mosquitto_passwd -U makes one with hashes"),
        ("pump-7:$5$aaaa$bbbb", "expected a hash that begins with"),
        (f"pump-7:{hash_7()}:more", "in base64"),
        (f"pump-7:{hash_7().replace('$101$', '$0$')}", "a number of iterations above 0"),
        (f"pump-7:{hash_7().replace('$101$', '$-5$')}", "a number of iterations above 0"),
        (f"pump-7:{hash_7().replace('$101$', '$1000000000000$')}", "expected at most 10,000 iterations"),
        (f"pump-7:{hash_7()[:-4]}", "a digest of 64"),
        ("pump-7:$6$AAAA$AAAA", "expected a salt of 8 to 64 bytes"),
        (f"pump-7:{ARGON2.replace('m=19456', 'm=9999999')}", "expected at most 64 MiB"),
    ],
    ids=itertools.count(),  # Hashes have another salt each time.
)
def test_a_wrong_line_is_reported_with_its_number_and_without_its_content(line: str, problem: str) -> None:
    ((number, found),) = problems(f"ok:{ARGON2}\n{line}\n")
    assert number == 2
    assert problem in found
    assert SECRET not in found


def test_a_line_that_is_not_in_utf_8_is_reported() -> None:
    assert problems(b"ann:\xff\n") == [(1, "not in UTF-8")]


def test_a_duplicate_user_is_reported() -> None:
    assert problems(f"ann:{ARGON2}\nbob:{ARGON2}\nann:{ARGON2}\n") == [(3, "the user is already in line 1")]


def test_of_equal_problems_ten_are_printed(users: Users) -> None:
    users.write("passwd", "".join(f"d{number}:plain\n" for number in range(5000)) + "no colon\n")
    done = users("import", "--mosquitto", "passwd")
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (2, 13)
    assert lines[10] == "passwd:5001: expected NAME:HASH, found no colon"
    assert lines[11] == "passwd: 4,990 more lines like line 1"
    assert lines[12].endswith("5,001 lines are wrong: nothing was written")
