"""What follows from a token that is revoked as a whole, as far as it is proven."""

import time
from dataclasses import replace
from pathlib import Path

from iot_authorizer.jwt_verifier import with_scopes
from iot_authorizer_cli.commands.connect.principal import subject
from iot_authorizer_cli.commands.revoke.locking_out import Order
from iot_authorizer_cli.commands.revoke.place import Place
from iot_authorizer_cli.commands.revoke.selection import end_of_token
from iot_authorizer_cli.commands.revoke.verifying import NotVerified, verify
from iot_policies import Principal
from iot_policies.principal import Claims

_NOT_BELIEVED = (
    "so its end and its principal are not believed: the revocation holds until it is undone unless --for is given, "
    "and only connections of --client-id end"
)
"""A forged one could end its revocation before the real token does, and have others thrown out."""


def as_it_says(order: Order, text: str, claims: Claims, place: Place, data: Path | None) -> Order:
    """An order that ends with a token, 5 minutes after it, and that ends the connections of its principal.

    Where the token is not verified, the order as it is, with a remark. `data` as in `verify`. Raises a usage error for
    a token that is over.
    """
    try:
        verify(text, place.known, data)
    except NotVerified as error:
        return replace(order, remarks=(*order.remarks, f"the token is not verified: {error}; {_NOT_BELIEVED}"))
    name = subject(place.known.template, claims)
    revocation = order.revocation
    return replace(
        order,
        revocation=replace(revocation, expires_at=revocation.expires_at or end_of_token(claims, time.time())),
        principal=None if name is None else Principal(name, with_scopes(claims)),
    )
