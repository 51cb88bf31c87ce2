"""The configured authorizer, as IoT Core is told of it, and what explains its decisions."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from iot_authorizer_cli.project.configuration_file import read_configuration_file
from iot_authorizer_cli.project.stored_claims import StoredClaims
from iot_core.authorizers.rules import AuthorizerDescription, InvalidAuthorizer
from iot_identities.sqlite_table import SqliteTable
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.principal import Claims
from iot_policies.toml_file import invalid_file, read_file, read_toml

_LETTERS = "expected 1 to 128 letters, digits and "
_KEYS = {"authorizerName": ("name", f"{_LETTERS}_=,@-"), "tokenKeyName": ("token_key_name", f"{_LETTERS}_-")}
"""What IoT Core's API calls something, what the configuration does, and what it is."""


class _User(BaseModel):
    claims: dict[str, object] = Field(default_factory=dict)


class _Users(BaseModel):
    users: dict[str, _User] = Field(default_factory=dict)


@dataclass(frozen=True)
class Configured:
    """One version of `authorizer.toml` and the files that it names."""

    path: Path
    description: AuthorizerDescription
    policy_path: Path | None
    """None where grants come from code."""
    template: PolicyTemplate | None
    """None where grants come from code."""
    anonymous_claims: Claims
    stored_claims: StoredClaims
    """The claims of users, and those that join a token's."""
    table: str | None
    """The name of the table of identities; None where nobody looks one up."""
    cache_for: int
    """Seconds that the Lambda keeps what the table said of a revocation."""
    files: frozenset[Path]
    """All files whose change changes what is granted."""


def read_configured(path: Path, function_arn: str, table: Path | None = None) -> Configured:
    """Reads a configuration as it is now; without the file, an authorizer in code that IoT Core knows nothing of.

    `table` is the development table, for a configuration that names one. Raises InvalidFile.
    """
    found, text = read_configuration_file(path)
    folder = path.parent
    keys = {name: folder / file for name, file in (found.signing.public_keys if found.signing else {}).items()}
    now = time.time()
    description = AuthorizerDescription(
        name=found.name,
        function_arn=function_arn,
        token_key_name=found.token_key_name,
        public_keys={name: read_file(file).decode("ascii", "replace") for name, file in keys.items()},
        status="ACTIVE",
        signing_disabled=found.signing is None,
        creation_date=now,
        last_modified_date=now,
    )
    try:
        description.check()
    except InvalidAuthorizer as error:
        known = (found for member, found in _KEYS.items() if f"'{member}'" in str(error))
        key, expected = next(known, ("signing", str(error)))
        raise invalid_file(path, text, (key,), expected) from None
    policy = folder / found.policy if found.policy else None
    passwords = folder / found.passwords.file if found.passwords and found.passwords.file else None
    jwks = [folder / issuer.jwks for issuer in found.jwt if issuer.jwks and "://" not in issuer.jwks]
    return Configured(
        path=path,
        description=description,
        policy_path=policy,
        template=PolicyTemplate.load(policy) if policy else None,
        anonymous_claims=found.anonymous.claims if found.anonymous else {},
        stored_claims=StoredClaims(
            in_file=password_claims(passwords),
            table=SqliteTable(table) if table is not None and found.table is not None else None,
            issuers=found.stored_claims_issuers,
            elsewhere=table is None and found.table is not None,
        ),
        table=found.table,
        cache_for=found.revocation.cache_for,
        files=frozenset(file.absolute() for file in (path, policy, passwords, *jwks, *keys.values()) if file),
    )


def password_claims(path: Path | None) -> Mapping[str, Claims]:
    """The claims of the users of a password file; none where there is no such file, or a wrong one."""
    if path is None:
        return {}
    try:
        found = _Users.model_validate(read_toml(path)[0])
    except (InvalidFile, ValidationError):  # The Lambda says what is wrong with it.
        return {}
    return {name: user.claims for name, user in found.users.items()}
