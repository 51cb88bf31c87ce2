"""User names and passwords. Imported only where the configuration has them: argon2 takes its milliseconds."""

import binascii
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from authorizer.credentials import Credentials
from authorizer.refusal import Reason, Refusal
from authorizer.verified_principal import VerifiedPrincipal
from policies import Claims, Principal

LONGEST_PASSWORD = 1024
"""Bytes."""
LONGEST_USER_NAME = 256
"""Characters."""

_OWASP = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's password storage cheat sheet: argon2id, 19 MiB, two passes, one lane."""
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES = 64 * 1024, 10, 4
_ENCODED = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """What is stored of one user."""

    hash: str
    """An argon2id hash in its encoded form, `$argon2id$v=19$…`."""
    claims: Claims


class PasswordStore(Protocol):
    """Where users are looked up: a file, or a table."""

    def find(self, user_name: str) -> StoredPassword | None:
        """A user by name; None for one that is not there."""
        ...


class PasswordFile:
    """Users from a configuration file, read once."""

    def __init__(self, users: Mapping[str, StoredPassword]) -> None:
        self._users = users

    def find(self, user_name: str) -> StoredPassword | None:
        """A user by name."""
        return self._users.get(user_name)


def hash_password(password: str) -> str:
    """An argon2id hash with OWASP's parameters, to be stored."""
    return _OWASP.hash(password)


def check_hash(encoded: str) -> str:
    """A hash, where it is one that can be verified, safely and in time. Raises ValueError."""
    match = _ENCODED.fullmatch(encoded)
    if match is None:
        raise ValueError('expected an argon2id hash, "$argon2id$v=19$m=…,t=…,p=…$SALT$HASH"')
    memory, passes, lanes = map(int, match.groups()[:3])
    if not (1 <= lanes <= _MOST_LANES and 8 * lanes <= memory <= _MOST_MEMORY and 1 <= passes <= _MOST_PASSES):
        raise ValueError("expected at most 64 MiB, 10 passes and 4 lanes, which an authorizer's 5 seconds allow")
    try:
        salt, digest = (b64decode(part + "=" * (-len(part) % 4), validate=True) for part in match.groups()[3:])
    except binascii.Error:
        raise ValueError("expected a salt and a hash in base64") from None
    if len(salt) < 8 or len(digest) < 16:
        raise ValueError("expected a salt of 8 bytes or more, and a hash of 16 or more")
    return encoded


class PasswordVerifier:
    """Verifies user names and passwords against a store."""

    def __init__(self, store: PasswordStore, like: str | None = None) -> None:
        """An unknown user costs what the hash `like` costs; OWASP's parameters where there is none."""
        self._store = store
        hasher = _OWASP if like is None else PasswordHasher.from_parameters(extract_parameters(like))
        self._nobody = hasher.hash(secrets.token_bytes(16))

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Proves a user name and a password. Raises Refusal, as late for an unknown user as for a wrong password."""
        name, password = credentials.user_name or "", credentials.password or b""
        if len(password) > LONGEST_PASSWORD or len(name) > LONGEST_USER_NAME:
            raise Refusal(Reason.PASSWORD_TOO_LONG)
        stored = self._store.find(name)
        fits = _fits(stored.hash if stored else self._nobody, password)
        if stored is None:
            raise Refusal(Reason.UNKNOWN_USER)
        principal = Principal(name, stored.claims)
        if not fits:
            raise Refusal(Reason.WRONG_PASSWORD, principal=principal)
        return VerifiedPrincipal(principal)


def _fits(encoded: str, password: bytes) -> bool:
    try:
        return _OWASP.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False
