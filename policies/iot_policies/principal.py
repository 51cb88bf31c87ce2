"""Who a client proved to be."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Claims = Mapping[str, object]


class Principal(NamedTuple):
    """A name and its claims: all that a policy template gets to know of a client."""

    name: str
    """The principal's name: a subject, a user name, a device's serial number."""
    claims: Claims = MappingProxyType({})
    """What the issuer or the password store says of the principal: JSON values by name."""


def claim(claims: Claims, name: str) -> object | None:
    """Finds a claim: by its name as it stands, else by the name's dots, as in `realm_access.roles`.

    Names such as `https://example.com/roles` hold dots themselves, so each beginning that is a claim is tried, the
    longest first. None where the claim is missing or null.
    """
    if name in claims:
        return claims[name]
    dot = name.rfind(".")
    while dot > 0:
        inner = claims.get(name[:dot])
        if isinstance(inner, Mapping):
            found = claim(inner, name[dot + 1 :])
            if found is not None:
                return found
        dot = name.rfind(".", 0, dot)
    return None
