"""`iot-authorizer password`: hashes that the authorizer verifies."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from iot_identities.passwords import check_hash, hash_password


def made(password: bytes) -> str:
    done = CliRunner().invoke(app, ["password"], input=password, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def test_its_hash_costs_what_the_authorizers_own_costs() -> None:
    assert extract_parameters(check_hash(made(b"secret"))) == extract_parameters(hash_password("secret"))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_line_end_is_not_part_of_a_password(end: bytes) -> None:
    assert PasswordHasher().verify(made(b" correct horse " + end), b" correct horse ")


@pytest.mark.parametrize("password", [b"", b"\n", b"x" * 1025], ids=["empty", "line", "long"])
def test_an_empty_or_too_long_password_is_refused(password: bytes) -> None:
    done = CliRunner().invoke(app, ["password"], input=password)
    assert (done.exit_code, "expected a password of 1 to 1024 bytes" in done.stderr) == (2, True)
