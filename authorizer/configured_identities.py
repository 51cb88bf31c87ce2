"""What a configuration has looked up in the table of identities. Imported only where it names one."""

import os
from typing import NamedTuple

from authorizer import development
from authorizer.configuration import Configuration
from authorizer.stored_identities import Lookups, StoredIdentities
from authorizer.table_passwords import TablePasswords
from identities.guessing import Limits
from identities.table import Table


class ConfiguredIdentities(NamedTuple):
    """Who looks up what."""

    proven: StoredIdentities
    passwords: TablePasswords


def configured_identities(configuration: Configuration, name: str) -> ConfiguredIdentities:
    """What looks into the table of this name. Raises InvalidFile for a development table in Lambda."""
    table = _open(name)
    signed = (configuration.signed_tokens,) if configuration.signed_tokens else ()
    revocation, guessing = configuration.revocation, configuration.guessing
    lookups = Lookups(
        cache_for=revocation.cache_for,
        when_unavailable_allow=revocation.when_unavailable == "allow",
        stored_claims=frozenset(each.issuer for each in (*configuration.jwt, *signed) if each.stored_claims),
    )
    limits = Limits(guessing.slow_after, guessing.lock_after, guessing.lock_for, guessing.forget_after)
    return ConfiguredIdentities(StoredIdentities(table, lookups), TablePasswords(table, limits))


def _open(name: str) -> Table:
    path = development.file_named_by(development.TABLE, os.environ)
    if path is not None:
        from identities.sqlite_table import SqliteTable

        return SqliteTable(path)
    from identities.dynamodb_table import DynamoDbTable

    return DynamoDbTable(name)
