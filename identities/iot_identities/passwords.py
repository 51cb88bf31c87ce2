"""Hashes and verifies passwords: argon2id with the parameters of OWASP's password storage cheat sheet."""

import binascii
import re
from base64 import b64decode

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


def hash_password(password: str | bytes) -> str:
    """Hashes a password with OWASP's parameters."""
    return _OWASP.hash(password)


def hash_like(encoded: str, password: bytes) -> str:
    """Hashes a password with the parameters of another hash, so that it costs the same."""
    return PasswordHasher.from_parameters(extract_parameters(encoded)).hash(password)


def verify_password(encoded: str, password: bytes) -> bool:
    """Whether the hash is of this password, with any parameters."""
    try:
        return _OWASP.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False


def check_hash(encoded: str) -> str:
    """Returns the hash if an authorizer can verify it safely and in time. Raises ValueError."""
    match = _ENCODED.fullmatch(encoded)
    if match is None:
        raise ValueError('expected an argon2id hash, "$argon2id$v=19$m=…,t=…,p=…$SALT$HASH"')
    memory, passes, lanes = map(int, match.groups()[:3])
    if not (1 <= lanes <= _MOST_LANES and 8 * lanes <= memory <= _MOST_MEMORY and 1 <= passes <= _MOST_PASSES):
        raise ValueError("expected at most 64 MiB, 10 passes and 4 lanes: an authorizer has 5 seconds to answer")
    try:
        salt, digest = (b64decode(part + "=" * (-len(part) % 4), validate=True) for part in match.groups()[3:])
    except binascii.Error:
        raise ValueError("expected a salt and a hash in base64") from None
    if len(salt) < 8 or len(digest) < 16:
        raise ValueError("expected a salt of 8 bytes or more, and a hash of 16 or more")
    return encoded
