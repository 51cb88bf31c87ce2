"""Adds the stored claims of users to the principals of tokens.

Imported only if an issuer has `stored_claims`, or the table has passwords: their hashes take milliseconds to import.
"""

import time
from collections.abc import Collection, Mapping

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities import user
from iot_identities.reading import MalformedItem
from iot_identities.table import Item
from iot_policies import Principal


class StoredUserClaims:
    """The stored claims of users that some issuers name."""

    def __init__(self, issuers: Collection[str]) -> None:
        self._issuers = issuers

    def concern(self, verified: VerifiedPrincipal) -> bool:
        """Whether a principal gets stored claims: its token is of one of the issuers."""
        return verified.issuer in self._issuers

    def item_ids(self, principal: Principal) -> list[str]:
        """The ID of the item with a principal's claims; none if no user can have its name."""
        return [user.user_id(principal.name)] if user.may_be_a_user(principal.name) else []

    def add(self, verified: VerifiedPrincipal, items: Mapping[str, Item]) -> VerifiedPrincipal:
        """The principal with its stored claims, if it has some. Raises Refusal."""
        principal = verified.principal
        item = items.get(user.PREFIX + principal.name)
        if item is None:
            return verified
        try:
            stored = user.from_item(item)
        except MalformedItem as error:
            raise Refusal(Reason.MALFORMED_ITEM, str(error), principal=principal) from None
        check_user(stored, time.time(), principal)
        joined = Principal(principal.name, {**principal.claims, **stored.claims})
        return verified._replace(principal=joined, expires_at=earliest(verified.expires_at, stored.valid_until))


def earliest(*ends: float | None) -> float | None:
    """The earliest of some times; None is never."""
    return min((end for end in ends if end is not None), default=None)


def check_user(stored: user.User, now: float, principal: Principal) -> None:
    """Raises Refusal for a user that is disabled or has expired."""
    if stored.disabled:
        raise Refusal(Reason.USER_DISABLED, principal=principal)
    if stored.is_expired(now):
        raise Refusal(Reason.USER_EXPIRED, principal=principal)
