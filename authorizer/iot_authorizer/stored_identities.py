"""What the table of identities says of a proven principal: whether it is revoked, and its claims.

Imported only where a table is configured.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities import revocations, user
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table, TableUnavailable
from iot_policies import Principal

_MOST_CACHED = 10_000
_NOT_PASSING = ("AccessDeniedException", "ResourceNotFoundException", "ValidationException")
"""What DynamoDB says where the role, the table's name or its key is wrong: that does not pass by itself."""

Items = Mapping[str, Item]


@dataclass(frozen=True, slots=True)
class Lookups:
    """How the table is asked about proven principals."""

    cache_for: float = 5
    """Seconds that an answer serves: a revocation takes effect as much later."""
    when_unavailable_allow: bool = False
    """Whether a principal is let in while the table can't be asked."""
    stored_claims: Collection[str] = ()
    """The issuers whose tokens' claims the stored ones join. They need the table, whatever `when_unavailable_allow`."""


class StoredIdentities:
    """Looks proven principals up."""

    def __init__(self, table: Table, lookups: Lookups) -> None:
        self._items = CachedItems(table, lookups.cache_for)
        self._lookups = lookups

    def check(self, verified: VerifiedPrincipal) -> VerifiedPrincipal:
        """The principal with its stored claims, where its issuer takes them. Raises Refusal."""
        joins = verified.issuer is not None and verified.issuer in self._lookups.stored_claims
        wanted = revocation_ids(verified)
        name = verified.principal.name
        if joins and user.may_be_a_user(name):
            wanted.append(user.user_id(name))
        try:
            items = self._items.read(wanted)
        except TableUnavailable as error:
            if joins or not self._lookups.when_unavailable_allow or str(error) in _NOT_PASSING:
                raise unavailable(error, verified.principal) from None
            check_revoked(verified, self._items.kept(wanted))
            return verified._replace(unchecked=str(error))
        check_revoked(verified, items)
        return _with_stored_claims(verified, items) if joins else verified


def unavailable(error: TableUnavailable, principal: Principal | None = None) -> Refusal:
    """A refusal since the table could not be asked."""
    return Refusal(Reason.TABLE_UNAVAILABLE, str(error), principal=principal)


def malformed(error: MalformedItem, principal: Principal | None = None) -> Refusal:
    """A refusal since an item of the table is not as it should be."""
    return Refusal(Reason.MALFORMED_ITEM, str(error), principal=principal)


def revocation_ids(verified: VerifiedPrincipal) -> list[str]:
    """The items that could revoke a principal, or the token that proved it."""
    found = [revocations.principal_id(verified.principal.name)]
    if verified.issuer is not None:
        found += [revocations.before_id(None), revocations.before_id(verified.issuer)]
        if verified.token_id is not None:
            found.append(revocations.token_id(verified.issuer, verified.token_id))
    return found


def check_revoked(verified: VerifiedPrincipal, items: Items) -> None:
    """Raises Refusal where one of the items revokes it."""
    for each in revocation_ids(verified):
        if each not in items:
            continue
        try:
            found = revocations.from_item(items[each])
        except MalformedItem as error:
            raise malformed(error, verified.principal) from None
        if _concerns(found, verified):
            raise Refusal(_REASONS[found.kind], principal=verified.principal)


_REASONS = {
    revocations.Kind.PRINCIPAL: Reason.PRINCIPAL_REVOKED,
    revocations.Kind.TOKEN: Reason.TOKEN_REVOKED,
    revocations.Kind.BEFORE: Reason.ISSUED_BEFORE_REVOCATION,
}


def _concerns(revocation: revocations.Revocation, verified: VerifiedPrincipal) -> bool:
    if verified.issuer is None:  # A password has no time of issue: only its principal as a whole can be revoked.
        return revocation.issued_before is None
    return revocation.concerns(verified.issued_at)


def _with_stored_claims(verified: VerifiedPrincipal, items: Items) -> VerifiedPrincipal:
    principal = verified.principal
    item = items.get(user.PREFIX + principal.name)
    if item is None:
        return verified
    try:
        stored = user.from_item(item)
    except MalformedItem as error:
        raise malformed(error, principal) from None
    check_user(stored, time.time(), principal)
    joined = Principal(principal.name, {**principal.claims, **stored.claims})
    return verified._replace(principal=joined, expires_at=earliest(verified.expires_at, stored.valid_until))


def earliest(*ends: float | None) -> float | None:
    """The first of some moments, of which None is never."""
    return min((end for end in ends if end is not None), default=None)


def check_user(stored: user.User, now: float, principal: Principal) -> None:
    """Raises Refusal for a user that is disabled, or whose time is over."""
    if stored.disabled:
        raise Refusal(Reason.USER_DISABLED, principal=principal)
    if stored.is_expired(now):
        raise Refusal(Reason.USER_EXPIRED, principal=principal)


class CachedItems:
    """Items of a table, each kept for a while, also that it is not there."""

    def __init__(self, table: Table, keep: float, timer: Callable[[], float] = time.monotonic) -> None:
        """`keep` is in seconds, as `timer` is."""
        self._table = table
        self._keep = keep
        self._timer = timer
        self._found: dict[str, tuple[float, Item | None]] = {}

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Those of the items that are there, the missing ones in one round trip. Raises TableUnavailable."""
        now = self._timer()
        known = {each: self._found[each][1] for each in ids if each in self._found and now < self._found[each][0]}
        missing = [each for each in ids if each not in known]
        if missing:
            read = self._table.read(missing)
            fresh = {each: read.get(each) for each in missing}
            if self._keep > 0:
                self._make_room(now)
                self._found |= {each: (now + self._keep, item) for each, item in fresh.items()}
            known |= fresh
        return {each: item for each, item in known.items() if item is not None}

    def kept(self, ids: Sequence[str]) -> dict[str, Item]:
        """Those that are known to be there, however old that is."""
        known = {each: self._found[each][1] for each in ids if each in self._found}
        return {each: item for each, item in known.items() if item is not None}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._found)

    def _make_room(self, now: float) -> None:
        if len(self._found) >= _MOST_CACHED:
            self._found = {each: found for each, found in self._found.items() if now < found[0]}
        if len(self._found) >= _MOST_CACHED:
            self._found.clear()
