"""Hashes and verifies passwords: argon2id with the parameters of OWASP's password storage cheat sheet.

A hash is one of

- `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`, of the password;
- `$sha512$i=ITERATIONS,s=SALT$argon2id$…`, of a digest of the password that another program had stored: PBKDF2 with
  SHA-512, or with 0 iterations SHA-512 of the password and the salt. Only argon2id's hash of the digest is stored, so a
  thief of the table has to break argon2id.
"""

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from typing import NamedTuple

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST_PASSWORD = 1024
"""Bytes."""
LONGEST_USER_NAME = 256
"""Characters."""

_OWASP = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""19 MiB, two passes, one lane."""
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES = 64 * 1024, 10, 4
_ENCODED = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", re.ASCII
)
_OF_DIGEST = re.compile(r"\$sha512\$i=(\d{1,5}),s=([A-Za-z0-9+/]{11,86}={0,2})(\$argon2id\$.*)", re.ASCII)
MOST_ITERATIONS = 10_000
"""Of PBKDF2, which then takes less than half as long as argon2id."""
_USUAL_ITERATIONS = 101
"""Those of mosquitto 2.0, which take 0.1 ms."""


class PasswordDigest(NamedTuple):
    """What another program stores of a password, instead of an argon2id hash."""

    digest: bytes
    """64 bytes of PBKDF2 with SHA-512, or without iterations SHA-512 of the password and the salt."""
    salt: bytes
    """8 to 64 bytes."""
    iterations: int
    """Of PBKDF2; 0 for SHA-512 only."""


def hash_password(password: str | bytes) -> str:
    """Hashes a password with OWASP's parameters."""
    return _OWASP.hash(password)


def hash_digest(stored: PasswordDigest) -> str:
    """Hashes the digest of a password, so that `verify_password` verifies the password."""
    salt = b64encode(stored.salt).decode()
    return f"$sha512$i={stored.iterations},s={salt}{_OWASP.hash(stored.digest)}"


def hash_like(encoded: str, password: bytes) -> str:
    """Hashes a password with the parameters of another hash, so that argon2id costs the same."""
    encoded, _ = _hashed_by_argon2(encoded, password)
    return PasswordHasher.from_parameters(extract_parameters(encoded)).hash(password)


def verify_password(encoded: str, password: bytes) -> bool:
    """Whether the hash is of this password, with any parameters."""
    try:
        return _OWASP.verify(*_hashed_by_argon2(encoded, password))
    except (VerificationError, InvalidHashError):
        return False


def _hashed_by_argon2(encoded: str, password: bytes) -> tuple[str, bytes]:
    """The argon2id hash in a hash, and what it would be of: the password, or its digest.

    Computes a digest in any case, so that a password that mosquitto had hashed is not told from others by the time.
    """
    match = _OF_DIGEST.fullmatch(encoded)
    salt, iterations = (b"", 0) if match is None else (b64decode(match[2]), int(match[1]))
    digest = hashlib.pbkdf2_hmac("sha512", password, salt, iterations or _USUAL_ITERATIONS)
    if match is None:
        return encoded, password
    return match[3], digest if iterations else hashlib.sha512(password + salt).digest()


def check_hash(encoded: str) -> str:
    """Returns the hash if an authorizer can verify it safely and in time. Raises ValueError."""
    of_digest = _OF_DIGEST.fullmatch(encoded)
    if of_digest is not None:
        check_iterations(int(of_digest[1]))
        _decoded(of_digest[2])
    match = _ENCODED.fullmatch(encoded if of_digest is None else of_digest[3])
    if match is None:
        raise ValueError('expected an argon2id hash, "$argon2id$v=19$m=…,t=…,p=…$SALT$HASH"')
    memory, passes, lanes = map(int, match.groups()[:3])
    if not (1 <= lanes <= _MOST_LANES and 8 * lanes <= memory <= _MOST_MEMORY and 1 <= passes <= _MOST_PASSES):
        raise ValueError("expected at most 64 MiB, 10 passes and 4 lanes: an authorizer has 5 seconds to answer")
    salt, digest = (_decoded(part + "=" * (-len(part) % 4)) for part in match.groups()[3:])
    if len(salt) < 8 or len(digest) < 16:
        raise ValueError("expected a salt of 8 bytes or more, and a hash of 16 or more")
    return encoded


def check_iterations(iterations: int) -> None:
    """Raises ValueError if a digest takes too long."""
    if iterations > MOST_ITERATIONS:
        raise ValueError(f"expected at most {MOST_ITERATIONS:,} iterations: an authorizer has 5 seconds to answer")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("expected a salt and a hash in base64") from None
