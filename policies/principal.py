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

    The name as it stands comes first because names such as `https://example.com/roles` hold dots themselves.
    None where the claim is missing or null.
    """
    if name in claims:
        return claims[name]
    if "." not in name:
        return None
    value: object = claims
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
