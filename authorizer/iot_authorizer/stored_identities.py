"""Looks verified principals up in the table of identities: revocations and stored claims.

Imported only if a table is configured.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from iot_authorizer.clock import Clock, Moment
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities import revocations
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table, TableUnavailable
from iot_policies import Principal

if TYPE_CHECKING:
    from iot_authorizer.stored_claims import StoredUserClaims

TIME_FOR_TABLE = 1.5
"""Seconds in which the requests of one decision begin. Each takes at most 1.4, and IoT Core waits 5 in total."""
_MOST_CACHED = 10_000
_NOT_PASSING = ("AccessDeniedException", "ResourceNotFoundException", "ValidationException")
"""DynamoDB's errors for a wrong role, table name or key: they are permanent."""

Items = Mapping[str, Item]


@dataclass(frozen=True, slots=True)
class Lookups:
    """How verified principals are looked up."""

    cache_for: float = 5
    """Seconds that answers are cached; revocations take effect that much later."""
    when_unavailable_allow: bool = False
    """Whether principals are allowed while the table is unavailable."""
    stored_claims: Collection[str] = ()
    """The issuers whose tokens get stored claims. They always need the table."""


class StoredIdentities:
    """Looks verified principals up."""

    def __init__(self, table: Table, lookups: Lookups, clock: Clock | None = None) -> None:
        self._items = CachedItems(table, lookups.cache_for, clock)
        self._when_unavailable_allow = lookups.when_unavailable_allow
        self._claims = _stored_claims(lookups.stored_claims)

    def check(self, verified: VerifiedPrincipal) -> VerifiedPrincipal:
        """Returns the principal, with its stored claims if its issuer gets them. Raises Refusal."""
        claims = self._claims if self._claims is not None and self._claims.concern(verified) else None
        wanted = revocation_ids(verified)
        if claims is not None:
            wanted += claims.item_ids(verified.principal)
        try:
            items = self._items.read(wanted)
        except TableUnavailable as error:
            if claims is not None or not self._when_unavailable_allow or str(error) in _NOT_PASSING:
                raise unavailable(error, verified.principal) from None
            check_revoked(verified, self._items.kept(wanted))
            return verified._replace(unchecked=str(error))
        check_revoked(verified, items)
        return verified if claims is None else claims.add(verified, items)


def _stored_claims(issuers: Collection[str]) -> "StoredUserClaims | None":
    if not issuers:
        return None
    from iot_authorizer.stored_claims import StoredUserClaims  # noqa: PLC0415 (it loads argon2)

    return StoredUserClaims(issuers)


def unavailable(error: TableUnavailable, principal: Principal | None = None) -> Refusal:
    """The refusal if the table could not be asked."""
    return Refusal(Reason.TABLE_UNAVAILABLE, str(error), principal=principal)


def malformed(error: MalformedItem, principal: Principal | None = None) -> Refusal:
    """The refusal if an item of the table is malformed."""
    return Refusal(Reason.MALFORMED_ITEM, str(error), principal=principal)


def revocation_ids(verified: VerifiedPrincipal) -> list[str]:
    """The IDs of items that can revoke a principal or its token."""
    found = [revocations.principal_id(verified.principal.name)]
    if verified.issuer is not None:
        found += [revocations.before_id(None), revocations.before_id(verified.issuer)]
        if verified.token_id is not None:
            found.append(revocations.token_id(verified.issuer, verified.token_id))
    return found


def check_revoked(verified: VerifiedPrincipal, items: Items) -> None:
    """Raises Refusal if one of the items revokes the principal or its token."""
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
    if verified.issuer is None:  # A password has no issue time: only its whole principal can be revoked.
        return revocation.issued_before is None
    return revocation.concerns(verified.issued_at)


class _Found(NamedTuple):
    at: Moment
    item: Item | None


class CachedItems:
    """A table whose answers are cached, also for missing items."""

    def __init__(self, table: Table, keep: float, clock: Clock | None = None) -> None:
        """`keep`: seconds that answers are cached."""
        self._table = table
        self._keep = keep
        self._clock = clock or Clock()
        self._found: dict[str, _Found] = {}

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Reads items; those that are not cached in one round trip. Raises TableUnavailable."""
        now = self._clock.now()
        known = {each: self._found[each].item for each in ids if self._is_fresh(self._found.get(each), now)}
        missing = [each for each in ids if each not in known]
        if missing:
            read = self._table.within(TIME_FOR_TABLE).read(missing)
            fresh = {each: read.get(each) for each in missing}
            if self._keep > 0:
                self._make_room(now)
                self._found |= {each: _Found(now, item) for each, item in fresh.items()}
            known |= fresh
        return {each: item for each, item in known.items() if item is not None}

    def kept(self, ids: Sequence[str]) -> dict[str, Item]:
        """The cached items, however old they are."""
        known = {each: self._found[each].item for each in ids if each in self._found}
        return {each: item for each, item in known.items() if item is not None}

    def __len__(self) -> int:
        """The number of cached answers."""
        return len(self._found)

    def _is_fresh(self, found: _Found | None, now: Moment) -> bool:
        return found is not None and now.seconds_since(found.at) < self._keep

    def _make_room(self, now: Moment) -> None:
        if len(self._found) >= _MOST_CACHED:
            self._found = {each: found for each, found in self._found.items() if self._is_fresh(found, now)}
        if len(self._found) >= _MOST_CACHED:
            self._found.clear()
