"""Verifies user names and passwords of the table of identities. Imported only if configured."""

import contextlib
import secrets
import time
from collections.abc import Callable

from iot_authorizer.credentials import Credentials
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.stored_claims import check_user, earliest
from iot_authorizer.stored_identities import (
    TIME_FOR_TABLE,
    Items,
    check_revoked,
    malformed,
    revocation_ids,
    unavailable,
)
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities import guessing, user
from iot_identities.passwords import LONGEST_PASSWORD, LONGEST_USER_NAME, hash_password, verify_password
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table, TableUnavailable
from iot_policies import Principal


class TablePasswords:
    """Verifies user names and passwords and slows guessing down.

    Each refusal costs the same number of hashes and table calls, whether the user exists or not, and in a lock too.
    """

    def __init__(
        self,
        table: Table,
        limits: guessing.GuessingLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` returns seconds since 1970."""
        self._table = table
        self._limits = limits
        self._clock = clock
        self._dummy_hash = hash_password(secrets.token_bytes(16))

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Verifies a user name and a password with one read of the table. Raises Refusal."""
        name, password = credentials.user_name or "", credentials.password or b""
        if len(password) > LONGEST_PASSWORD or len(name) > LONGEST_USER_NAME:
            raise Refusal(Reason.PASSWORD_TOO_LONG)
        if not user.may_be_a_user(name):
            raise Refusal(Reason.UNKNOWN_USER)
        try:
            return self._verify(self._table.within(TIME_FOR_TABLE), name, password, credentials.client_id)
        except TableUnavailable as error:
            raise unavailable(error) from None
        except MalformedItem as error:
            raise malformed(error) from None

    def _verify(self, table: Table, name: str, password: bytes, client_id: str | None) -> VerifiedPrincipal:
        unverified = VerifiedPrincipal(Principal(name, {}))
        now = int(self._clock())
        items = table.read([user.user_id(name), *revocation_ids(unverified), *guessing.ids(name, client_id)])
        stored, problem = _stored(items.get(user.user_id(name)), unverified.principal)
        guard = guessing.Guard(table, self._limits)
        attempt = guessing.attempt(name, client_id, items, now, _oldest(stored))
        is_guessable = stored is None or stored.guessable(now)
        verifications, refusal, locked = 0, problem, None
        verified = unverified
        if refusal is None:
            locked = guard.begin(attempt, now) if is_guessable else None
            verifications, matching = _matching(stored, password, only_generated=locked is not None)
            if stored is None or matching is None:
                refusal = _mismatch(stored, locked)
            else:
                ends = earliest(stored.valid_until, matching.expires_at)
                verified = VerifiedPrincipal(Principal(name, stored.claims), expires_at=ends)
                refusal = _problem(verified, stored, matching, now, items)
        if refusal is not None:
            for _ in range(verifications, user.MOST_PASSWORDS):
                verify_password(self._dummy_hash, password)
            guard.refused(attempt, now)
            raise refusal
        if is_guessable and locked is None:
            with contextlib.suppress(TableUnavailable):  # The attempt then stays counted for a while.
                guard.succeeded(attempt, now)
        return verified


def _matching(
    stored: user.User | None, password: bytes, *, only_generated: bool
) -> tuple[int, user.StoredPassword | None]:
    """The number of hashes that were verified, and the stored password that matched."""
    passwords = [each for each in stored.passwords if each.generated or not only_generated] if stored else []
    for number, each in enumerate(passwords, 1):
        if verify_password(each.hash, password):
            return number, each
    return len(passwords), None


def _stored(item: Item | None, principal: Principal) -> tuple[user.User | None, Refusal | None]:
    """The user of an item, or the refusal if the item is malformed."""
    if item is None:
        return None, None
    try:
        return user.from_item(item), None
    except MalformedItem as error:
        return None, malformed(error, principal)


def _oldest(stored: user.User | None) -> int | None:
    """When the oldest password was set. A client that signed in earlier used another password."""
    return min((each.created_at for each in stored.passwords), default=None) if stored is not None else None


def _problem(
    verified: VerifiedPrincipal, stored: user.User, matching: user.StoredPassword, now: int, items: Items
) -> Refusal | None:
    """Why a client with the right password is refused; None if it is not."""
    try:
        if matching.is_expired(now):
            raise Refusal(Reason.PASSWORD_EXPIRED, principal=verified.principal)
        check_user(stored, now, verified.principal)
        check_revoked(verified, items)
    except Refusal as refusal:
        return refusal
    return None


def _mismatch(stored: user.User | None, locked: str | None) -> Refusal:
    """A refusal that names the principal only if it exists: people type passwords into the user name field."""
    principal = None if stored is None else Principal(stored.name, stored.claims)
    if locked is not None:
        return Refusal(Reason.LOCKED, locked, principal=principal)
    return Refusal(Reason.UNKNOWN_USER if stored is None else Reason.WRONG_PASSWORD, principal=principal)
