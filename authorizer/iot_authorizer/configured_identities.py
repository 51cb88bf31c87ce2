"""Builds the parts that use the table of identities. Imported only if a table is configured."""

import os
from typing import TYPE_CHECKING

from iot_authorizer import development
from iot_authorizer.preparation import TableUse
from iot_authorizer.stored_identities import Lookups, StoredIdentities
from iot_identities.backends import open_table
from iot_identities.table import Table

if TYPE_CHECKING:
    from iot_authorizer.table_passwords import TablePasswords


def configured_identities(name: str, use: TableUse) -> "tuple[StoredIdentities, TablePasswords | None]":
    """Builds them for the table of this name; no passwords if they are not configured, or are in a file.

    Raises InvalidFile for a development table in Lambda.
    """
    path = development.file_named_by(development.TABLE, os.environ)
    table = open_table(name if path is None else path)
    lookups = Lookups(
        cache_for=use.cache_for,
        when_unavailable_allow=use.when_unavailable_allow,
        stored_claims=use.stored_claims,
    )
    return StoredIdentities(table, lookups), _passwords(use, table)


def _passwords(use: TableUse, table: Table) -> "TablePasswords | None":
    if use.guessing is None:
        return None
    from iot_authorizer.table_passwords import TablePasswords
    from iot_identities.guessing import GuessingLimits

    return TablePasswords(table, GuessingLimits(*use.guessing))
