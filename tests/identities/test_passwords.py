"""Hashes of passwords, and of the digests that another program had stored of them."""

import hashlib
import os

import pytest
from argon2 import extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.passwords import (
    MOST_ITERATIONS,
    PasswordDigest,
    check_hash,
    hash_digest,
    hash_like,
    hash_password,
    verify_password,
)
from tests.effort import examples

SALT = bytes(range(12))


def digest_of(password: bytes, iterations: int, salt: bytes = SALT) -> PasswordDigest:
    """What mosquitto stores: `$6$` without iterations, `$7$` with some."""
    if not iterations:
        return PasswordDigest(hashlib.sha512(password + salt).digest(), salt, 0)
    return PasswordDigest(hashlib.pbkdf2_hmac("sha512", password, salt, iterations), salt, iterations)


@pytest.mark.slow
@examples(1 / 10)  # Each takes 60 ms.
@given(st.binary(max_size=40), st.sampled_from([0, 1, 101, 1000]), st.binary(min_size=8, max_size=64))
def test_a_hash_of_a_digest_verifies_its_password_only(password: bytes, iterations: int, salt: bytes) -> None:
    encoded = check_hash(hash_digest(digest_of(password, iterations, salt)))
    assert verify_password(encoded, password)
    assert not verify_password(encoded, password + b"x")


@pytest.mark.parametrize("iterations", [0, 101])
def test_the_digest_is_neither_stored_nor_accepted_as_the_password(iterations: int) -> None:
    stored = digest_of(b"correct horse", iterations)
    encoded = hash_digest(stored)
    assert not verify_password(encoded, stored.digest)
    assert stored.digest.hex() not in encoded


def test_a_hash_of_a_digest_costs_argon2id_as_much_as_any_other() -> None:
    of_digest = hash_digest(digest_of(b"correct horse", 101))
    assert extract_parameters(hash_like(of_digest, b"other")) == extract_parameters(hash_password("any"))


@pytest.mark.parametrize(
    "encoded",
    [hash_password("any"), *(hash_digest(digest_of(b"any", each)) for each in (0, 101))],
    ids=["password", "digest without iterations", "digest with iterations"],
)
def test_each_verification_computes_one_digest_as_mosquitto_does(monkeypatch: pytest.MonkeyPatch, encoded: str) -> None:
    computed: list[int] = []
    compute = hashlib.pbkdf2_hmac

    def counting(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        computed.append(iterations)
        return compute(name, password, salt, iterations)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    assert verify_password(encoded, b"any")
    assert not verify_password(encoded, b"other")
    assert computed == [101, 101]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("i=101", f"i={MOST_ITERATIONS + 1}"),
        ("i=101", "i=1000000000"),
        ("i=101", "i=-1"),
        ("s=", "s=!"),
        ("s=AAEC", "s=A"),
        ("m=19456", "m=99999999"),
        ("$sha512$", "$sha256$"),
    ],
)
def test_a_hash_of_a_digest_that_takes_too_long_or_is_malformed_is_refused(before: str, after: str) -> None:
    encoded = hash_digest(digest_of(b"correct horse", 101))
    assert before in encoded
    with pytest.raises(ValueError, match="expected"):
        check_hash(encoded.replace(before, after, 1))


def test_a_malformed_hash_verifies_nothing() -> None:
    encoded = hash_digest(digest_of(b"", 101))
    for end in range(len(encoded)):
        assert not verify_password(encoded[:end], os.urandom(4))
