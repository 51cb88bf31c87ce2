"""What IoT Core knows about a connection: the condition keys of a policy, and the values of its variables.

A key is known, with or without a value, or unknown. What a policy says about an unknown key cannot be decided.

unmeasured (documented for IAM; check variable-star): that a character of a value is never a wildcard, as in a client ID
with a `*`.
unmeasured (check variable-unknown): that a resource with an unknown variable matches nothing, and does not make the
whole document invalid (assumed).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iot_policies.wildcards import VALUE, Pattern

Facts = Mapping[str, Sequence[str]]
"""The known condition keys in lower case, each with its values: none if the connection has no value for it."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
_CONNECT_ATTRIBUTES = "iot:connectattributes"
_THING = "iot:connection.thing."
_WITHOUT_VALUE = (f"{_THING}attributes[", "iot:certificate.")
"""Keys of things and X.509 certificates, which need not exist (developer guide, "AWS IoT Core policy variables")."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What IoT Core knows about a connection, or about an HTTPS request."""

    client_id: str | None = None
    source_ip: str | None = None
    """An IPv4 or IPv6 address."""
    thing_name: str | None = None
    thing_type: str | None = None
    thing_attributes: Mapping[str, str] = field(default_factory=dict)
    thing_attached: bool = False
    connect_attributes: frozenset[str] = frozenset()
    """`LastWill` and `PersistentConnect`, if the CONNECT asks for them."""
    domain_name: str | None = None
    """The host to which the client connected."""
    topic: str | None = None
    """The topic of a direct message (developer guide, "Direct messaging policy examples")."""

    def facts(self) -> Facts:
        """The condition keys and their values. Call it once: each connection needs it."""
        single = (
            ("iot:clientid", self.client_id),
            ("aws:sourceip", self.source_ip),
            ("iot:domainname", self.domain_name),
            ("iot:topic", self.topic),
            (f"{_THING}thingname", self.thing_name),
            (f"{_THING}thingtypename", self.thing_type),
        )
        found: dict[str, Sequence[str]] = {key: () if value is None else (value,) for key, value in single}
        found[f"{_THING}isattached"] = ("true" if self.thing_attached else "false",)
        found[_CONNECT_ATTRIBUTES] = sorted(self.connect_attributes)
        for name, value in self.thing_attributes.items():
            found[f"{_THING}attributes[{name}]".casefold()] = (value,)
        return found


def values_of(key: str, facts: Facts) -> Sequence[str] | None:
    """The values of a condition key in lower case; None if the key is unknown."""
    found = facts.get(key)
    return () if found is None and key.startswith(_WITHOUT_VALUE) else found


def fill(text: str, facts: Facts) -> Pattern | None:
    """Fills the policy variables of a text; their values are never wildcards. None if one has no value."""
    values = [_LITERALS.get(name) or _single(name.casefold(), facts) for name in _VARIABLE.findall(text)]
    known = tuple([value for value in values if value is not None])
    return Pattern(_VARIABLE.sub(VALUE, text), known) if len(known) == len(values) else None


def with_stars(text: str, facts: Facts) -> str:
    """A text with `*` in the place of each policy variable whose key is unknown."""
    return _VARIABLE.sub(
        lambda found: found[0] if found[1] in _LITERALS or values_of(found[1].casefold(), facts) is not None else "*",
        text,
    )


def _single(key: str, facts: Facts) -> str | None:
    """The value of a policy variable. A key with several values is no variable (IAM user guide, "Variables")."""
    found = facts.get(key)
    return found[0] if found and key != _CONNECT_ATTRIBUTES else None
