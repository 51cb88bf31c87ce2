"""Verifies user names and passwords of a file. Imported only if configured, since importing argon2 takes time."""

import secrets
from collections.abc import Mapping

from iot_authorizer.credentials import Credentials
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities.passwords import LONGEST_PASSWORD, LONGEST_USER_NAME, hash_like, hash_password, verify_password
from iot_policies import Claims, Principal


class FilePasswords:
    """Verifies user names and passwords of a password file."""

    def __init__(self, users: Mapping[str, tuple[str, Claims]], like: str | None = None) -> None:
        """`users`: the hash and the claims of each.

        `like`: an unknown user costs as much as this hash; by default as much as OWASP's parameters."""
        self._users = users
        # Environments that start from one snapshot have the same password here. No client is allowed by it.
        password = secrets.token_bytes(16)
        self._dummy_hash = hash_password(password) if like is None else hash_like(like, password)

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Verifies a user name and a password. Raises Refusal, equally late for unknown users and wrong passwords."""
        name, password = credentials.user_name or "", credentials.password or b""
        if len(password) > LONGEST_PASSWORD or len(name) > LONGEST_USER_NAME:
            raise Refusal(Reason.PASSWORD_TOO_LONG)
        stored, claims = self._users.get(name, (self._dummy_hash, None))
        is_right = verify_password(stored, password)
        if claims is None:
            raise Refusal(Reason.UNKNOWN_USER)
        principal = Principal(name, claims)
        if not is_right:
            raise Refusal(Reason.WRONG_PASSWORD, principal=principal)
        return VerifiedPrincipal(principal)
