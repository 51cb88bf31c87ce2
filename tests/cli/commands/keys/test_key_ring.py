"""Invalid halves of keys: `iot-authorizer keys` and `sign` name the file and what is wrong with it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_elliptic
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.cli.conftest import Run, refused


def test_a_key_that_other_users_can_read_does_not_sign(run: Run, config: Path) -> None:
    (config.parent / "keys/private/old.pem").chmod(0o640)
    found = refused(run, "sign", "x")
    assert found == "keys/private/old.pem: other users can read it: run chmod 600 keys/private/old.pem"


def private(encoding: Encoding = Encoding.PEM, passphrase: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return generate_private_key(65537, 2048).private_bytes(encoding, PrivateFormat.PKCS8, encryption)


UNUSABLE = {
    "encrypted": (private(passphrase=b"secret"), "is encrypted: expected a key without a passphrase"),
    "another pair's": (private(), "is not the other half of keys/old.pem"),
    "DER": (private(Encoding.DER), "expected a private RSA key in PEM"),
    "empty": (b"", "expected a private RSA key in PEM"),
    "elliptic": (
        generate_elliptic(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "expected a private RSA key in PEM",
    ),
    "public": (
        generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "expected a private RSA key in PEM",
    ),
}


@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_invalid_private_half_does_not_sign(run: Run, config: Path, content: bytes, message: str) -> None:
    (config.parent / "keys/private/old.pem").write_bytes(content)
    assert refused(run, "sign", "x") == f"keys/private/old.pem: {message}"


@pytest.mark.parametrize("command", [["sign", "x"], ["keys", "list"]], ids=" ".join)
def test_an_invalid_public_half_is_named(run: Run, config: Path, command: list[str]) -> None:
    (config.parent / "keys/old.pem").write_text("ssh-rsa AAAA")
    expected = "keys/old.pem: expected the public half of an RSA key of 2048 bits or more, in PEM"
    assert refused(run, *command) == expected


def test_a_missing_public_half_is_named(run: Run, config: Path) -> None:
    (config.parent / "keys/old.pem").unlink()
    assert refused(run, "keys", "list") == "keys/old.pem: file not found: correct its name, or create it"
