"""The one identity pool of this machine (Amazon Cognito federated identities), and the IDs of its identities.

1. An ID is `REGION:UUID`. The first half of the UUID is random for a guest, and made from the login of a user. The
   second half authenticates it with a key of the data folder. So IDs are not stored, survive a restart, and cannot be
   guessed: the ID of a guest is all that it needs for credentials, as in AWS.
2. A user has the same ID with each login of one provider.
3. Guests cannot use the ID of a user.

unmeasured (documented otherwise): AWS links a guest's ID to the first login that it is used with. Here a login always
has its own ID, which the answer tells; AWS tells another ID too, if the login had one before.
"""

import hmac
import os
import uuid

_POOL = uuid.UUID("10ca1107-c02e-4000-8000-000000000000")
_HALF = 8
"""Bytes of half a UUID."""


class IdentityPool:
    """Makes and recognizes the IDs of identities."""

    def __init__(self, region: str, key: bytes) -> None:
        """`key` is a secret of the data folder."""
        self.pool_id = f"{region}:{_POOL}"
        """The ID of the pool, the same in each data folder."""
        self.problem = ""
        """Why the pool gives no credentials, or guests none; empty if it gives them."""
        self._region = region
        self._key = hmac.digest(key, b"identities", "sha256")

    def new_guest(self) -> str:
        """The ID of a new guest."""
        return self._identity("guest", os.urandom(_HALF))

    def user(self, provider: str, subject: str) -> str:
        """The ID of the user that a provider calls `subject`."""
        login = f"{len(provider)}:{provider}{subject}".encode()
        return self._identity("user", self._digest("login", login))

    def is_guest(self, identity: str) -> bool:
        """Whether this pool gave the ID to a guest."""
        return self._is("guest", identity)

    def is_user(self, identity: str) -> bool:
        """Whether this pool gave the ID to a user."""
        return self._is("user", identity)

    def _is(self, kind: str, identity: str) -> bool:
        region, _, text = identity.partition(":")
        try:
            first = uuid.UUID(text).bytes[:_HALF]
        except ValueError:
            return False
        return region == self._region and hmac.compare_digest(self._identity(kind, first).encode(), identity.encode())

    def _identity(self, kind: str, first: bytes) -> str:
        return f"{self._region}:{uuid.UUID(bytes=first + self._digest(kind, first))}"

    def _digest(self, kind: str, text: bytes) -> bytes:
        return hmac.digest(self._key, kind.encode() + b"\0" + text, "sha256")[:_HALF]
