"""User names and passwords. Imported only where the configuration has them: argon2 takes its milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from authorizer.credentials import Credentials
from authorizer.jwt_verifier import VerifiedPrincipal
from authorizer.refusal import Reason, Refusal
from policies import Claims, Principal

LONGEST_PASSWORD = 1024
"""Bytes."""
LONGEST_USER_NAME = 256
"""Characters."""

_OWASP = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's password storage cheat sheet: argon2id, 19 MiB, two passes, one lane."""
_MOST_MEMORY = 64 * 1024
_MOST_PASSES = 10


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
    """A hash, where it is one that can be verified in time. Raises ValueError."""
    try:
        parameters = extract_parameters(encoded)
    except InvalidHashError:
        raise ValueError('expected an argon2id hash, "$argon2id$v=19$…"') from None
    if parameters.type is not Type.ID:
        raise ValueError("expected argon2id, found another kind of argon2")
    if parameters.memory_cost > _MOST_MEMORY or parameters.time_cost > _MOST_PASSES:
        raise ValueError("expected at most 64 MiB and 10 passes, which an authorizer's 5 seconds allow")
    return encoded


class PasswordVerifier:
    """Verifies user names and passwords against a store."""

    def __init__(self, store: PasswordStore) -> None:
        self._store = store
        self._nobody = hash_password("")

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
