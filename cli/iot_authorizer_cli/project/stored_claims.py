"""The claims that the authorizer finds in the development table, for explaining what it decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iot_identities.reading import MalformedItem
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import TableUnavailable
from iot_identities.user import from_item, may_be_a_user, user_id
from iot_policies.principal import Claims

DEVELOPMENT_ISSUER = "urn:iot-authorizer:development"
"""The issuer whose keys are made on this machine."""


@dataclass(frozen=True)
class StoredClaims:
    """The claims of users: of the password file, as it was read, or of the table, as it is now."""

    in_file: Mapping[str, Claims] = field(default_factory=dict)
    table: SqliteTable | None = None
    """None where the configuration names no table, or no table of this machine."""
    issuers: frozenset[str] = frozenset()
    """Those whose tokens' claims the table's join."""
    elsewhere: bool = False
    """Whether the table is in DynamoDB, and not asked here: what is decided by it can't be explained."""

    def of_password(self, name: str) -> Claims | None:
        """The claims of who signs in with a password; None for nobody known."""
        return self.in_file.get(name) if self.table is None or self.in_file else self._stored(name)

    def joined(self, name: str, claims: Claims) -> Claims | None:
        """A token's claims with the table's, where its issuer takes them; None where those are not known."""
        if claims.get("iss") not in self.issuers:
            return claims
        return None if self.elsewhere else {**claims, **(self._stored(name) or {})}

    def _stored(self, name: str) -> Claims | None:
        if self.table is None or not may_be_a_user(name):
            return None
        key = user_id(name)
        try:
            item = self.table.read([key]).get(key)
            return None if item is None else from_item(item).claims
        except (TableUnavailable, MalformedItem):  # The Lambda says what is wrong with it.
            return None
