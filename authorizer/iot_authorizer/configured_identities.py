"""Builds the parts that use the table of identities. Imported only if a table is configured."""

import os
from typing import TYPE_CHECKING

from iot_authorizer import development
from iot_authorizer.configuration import Configuration
from iot_authorizer.stored_identities import Lookups, StoredIdentities
from iot_identities.backends import open_table
from iot_identities.table import Table

if TYPE_CHECKING:
    from iot_authorizer.table_passwords import TablePasswords


def configured_identities(configuration: Configuration, name: str) -> "tuple[StoredIdentities, TablePasswords | None]":
    """Builds them for the table of this name; no passwords if they are not configured, or are in a file.

    Raises InvalidFile for a development table in Lambda.
    """
    path = development.file_named_by(development.TABLE, os.environ)
    table = open_table(name if path is None else path)
    lookups = Lookups(
        cache_for=configuration.revocation.cache_for,
        when_unavailable_allow=configuration.revocation.when_unavailable == "allow",
        stored_claims=configuration.stored_claims_issuers,
    )
    return StoredIdentities(table, lookups), _passwords(configuration, table)


def _passwords(configuration: Configuration, table: Table) -> "TablePasswords | None":
    if configuration.passwords is None or configuration.passwords.file is not None:
        return None
    from iot_authorizer.table_passwords import TablePasswords
    from iot_identities.guessing import GuessingLimits

    found = configuration.guessing
    return TablePasswords(table, GuessingLimits(found.lock_after, found.lock_for))
