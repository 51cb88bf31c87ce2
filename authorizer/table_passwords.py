"""User names and passwords from the table of identities. Imported only where it has them."""

import contextlib
import secrets
import time
from collections.abc import Callable

from authorizer.credentials import Credentials
from authorizer.refusal import Reason, Refusal
from authorizer.stored_identities import Items, check_revoked, check_user, malformed, revocation_ids, unavailable
from authorizer.verified_principal import VerifiedPrincipal
from identities import guessing, user
from identities.passwords import LONGEST_PASSWORD, LONGEST_USER_NAME, fits, hash_password
from identities.reading import MalformedItem
from identities.table import Table, TableUnavailable
from policies import Principal


class TablePasswords:
    """Verifies user names and passwords, and slows guessing down.

    Each refusal costs as many hashes and as many writes, whether the user exists or not.
    """

    def __init__(self, table: Table, limits: guessing.Limits, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._table = table
        self._guard = guessing.Guard(table, limits)
        self._clock = clock
        self._nobody = hash_password(secrets.token_bytes(16))

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Proves a user name and a password, with one read. Raises Refusal."""
        name, password = credentials.user_name or "", credentials.password or b""
        if len(password) > LONGEST_PASSWORD or len(name) > LONGEST_USER_NAME:
            raise Refusal(Reason.PASSWORD_TOO_LONG)
        if not user.may_be_a_user(name):
            raise Refusal(Reason.UNKNOWN_USER)
        anybody = VerifiedPrincipal(Principal(name, {}))
        try:
            return self._verify(anybody, password, credentials.client_id)
        except TableUnavailable as error:
            raise unavailable(error) from None
        except MalformedItem as error:
            raise malformed(error) from None

    def _verify(self, anybody: VerifiedPrincipal, password: bytes, client_id: str | None) -> VerifiedPrincipal:
        name, now = anybody.principal.name, int(self._clock())
        wanted = [user.user_id(name), *revocation_ids(anybody), *guessing.ids(name, client_id)]
        items = self._table.read(wanted)
        found = items.get(user.user_id(name))
        stored = user.from_item(found) if found is not None else None
        attempt = self._guard.attempt(name, client_id, items)
        if not self._guard.begin(attempt, now) and (stored is None or stored.guessable(now)):
            raise self._refused(attempt, now, password, 0, _refusal(Reason.LOCKED, stored))
        verifications, matching = _matching(stored, password)
        if stored is None or matching is None:
            reason = Reason.UNKNOWN_USER if stored is None else Reason.WRONG_PASSWORD
            raise self._refused(attempt, now, password, verifications, _refusal(reason, stored))
        verified = VerifiedPrincipal(Principal(name, stored.claims))
        try:
            _check(verified, stored, matching, now, items)
        except Refusal as refusal:
            raise self._refused(attempt, now, password, verifications, refusal) from None
        if stored.guessable(now):
            with contextlib.suppress(TableUnavailable):  # It would only have spared the client a wait.
                self._guard.succeeded(attempt, now)
        return verified

    def _refused(
        self, attempt: guessing.Attempt, now: int, password: bytes, verifications: int, refusal: Refusal
    ) -> Refusal:
        """The refusal, once it has cost what each one does."""
        for _ in range(verifications, user.MOST_PASSWORDS):
            fits(self._nobody, password)
        self._guard.failed(attempt, now)
        return refusal


def _matching(stored: user.User | None, password: bytes) -> tuple[int, user.StoredPassword | None]:
    """How many hashes were verified, and the stored password that this is."""
    passwords = stored.passwords if stored is not None else ()
    for number, each in enumerate(passwords, 1):
        if fits(each.hash, password):
            return number, each
    return len(passwords), None


def _check(
    verified: VerifiedPrincipal, stored: user.User, matching: user.StoredPassword, now: int, items: Items
) -> None:
    if matching.is_over(now):
        raise Refusal(Reason.PASSWORD_EXPIRED, principal=verified.principal)
    check_user(stored, now, verified.principal)
    check_revoked(verified, items)


def _refusal(reason: Reason, stored: user.User | None) -> Refusal:
    """The principal is named only where it exists: people type passwords into the field above."""
    return Refusal(reason, principal=None if stored is None else Principal(stored.name, stored.claims))
