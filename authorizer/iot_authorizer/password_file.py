"""Reads a password file, the `file` of `[passwords]`. Imported only if there is one."""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from iot_authorizer.configuration import checked_name
from iot_authorizer.token_settings import Text
from iot_policies.grants import ConfiguredClaims, StrictModel
from iot_policies.toml_file import invalid_file, read_toml


class PasswordEntry(StrictModel):
    """`[users.NAME]` in a password file."""

    hash: Text
    """An argon2id hash, `$argon2id$…`."""
    claims: ConfiguredClaims = Field(default_factory=dict)


class PasswordsFile(StrictModel):
    """A password file."""

    users: dict[str, PasswordEntry] = Field(default_factory=dict)


_KEYS = {*PasswordsFile.model_fields, *PasswordEntry.model_fields}


def load_password_file(path: Path, check_hash: Callable[[str], str]) -> PasswordsFile:
    """Reads a password file. `check_hash` raises ValueError for an unusable hash. Raises InvalidFile."""
    tables, text = read_toml(path)
    for name, table in tables.items():
        if name != "users" and isinstance(table, dict):
            raise invalid_file(path, text, (name,), f"expected [users.{name}]")
    found = PasswordsFile.of_file(path, text, tables, _KEYS)
    for name, entry in found.users.items():
        try:
            checked_name(name)
        except ValueError as error:
            raise invalid_file(path, text, ("users", name), str(error)) from None
        try:
            check_hash(entry.hash)
        except ValueError as error:
            raise invalid_file(path, text, ("users", name, "hash"), str(error)) from None
    return found
