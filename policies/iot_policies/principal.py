"""A principal and its claims."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Claims = Mapping[str, object]


class Principal(NamedTuple):
    """A client's proven name and claims: all that a policy template knows about the client."""

    name: str
    """The principal's name: a subject, a user name, a device's serial number."""
    claims: Claims = MappingProxyType({})
    """JSON values by name, from the token's issuer or the user's stored claims."""


def claim(claims: Claims, name: str) -> object | None:
    """Finds a claim by its whole name, or by the path that the dots make, as in `realm_access.roles`.

    Names such as `https://example.com/roles` have dots themselves, so each prefix that is a claim is tried, longest
    first. Returns None if the claim is missing or null.
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
