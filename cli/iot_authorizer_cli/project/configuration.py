"""The project in development: its `authorizer.toml`, and the files that this names.

- The Lambda's own reader reads it, environment overrides included. A handler of your own may leave any key out.
- The Lambda checks the rest when it loads. What only explains decisions, such as a password file, may be missing here.
- One `ProjectConfiguration` is one version: after a file is saved, a new one is read and replaces it as a whole.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from iot_authorizer.configuration import PartialConfiguration, load_partial_configuration
from iot_authorizer.password_file import load_password_file
from iot_authorizer.rule_settings import MessageRule, NamedTopicFilter
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_core.authorizers.rules import AuthorizerDescription, InvalidAuthorizer
from iot_identities.reading import MalformedItem
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import TableUnavailable
from iot_identities.user import from_item, may_be_a_user, user_id
from iot_policies import InvalidFile, InvalidTopics, PolicyError, PolicyTemplate, Principal
from iot_policies.account_region import AccountRegion
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.principal import Claims
from iot_policies.toml_file import invalid_file, read_file


@dataclass(frozen=True)
class StoredClaims:
    """The claims that are stored for users: in the password file as it was read, or in the table as it is now."""

    in_file: Mapping[str, Claims] = field(default_factory=dict)
    table: SqliteTable | None = None
    """The development table; None if the configuration names no table, or the table is in DynamoDB."""
    issuers: frozenset[str] = frozenset()
    """The issuers whose tokens' claims the table's claims join."""
    in_dynamodb: bool = False
    """Whether the table is in DynamoDB, which is not asked here: decisions that need it cannot be explained."""

    def of_user(self, name: str) -> Claims | None:
        """The claims of a user that signs in with a password; None for an unknown user."""
        return self.in_file.get(name) if self.table is None or self.in_file else self._in_table(name)

    def joined(self, name: str, claims: Claims) -> Claims | None:
        """A token's claims with the stored ones, if its issuer has them; None if the stored ones are not known."""
        if claims.get("iss") not in self.issuers:
            return claims
        return None if self.in_dynamodb else {**claims, **(self._in_table(name) or {})}

    def _in_table(self, name: str) -> Claims | None:
        if self.table is None or not may_be_a_user(name):
            return None
        key = user_id(name)
        try:
            item = self.table.read([key]).get(key)
            return None if item is None else from_item(item).claims
        except (TableUnavailable, MalformedItem):  # The Lambda reports what is wrong with it.
            return None


_NO_GUESTS = (
    "authorizer.toml has no [anonymous], so it refuses clients without credentials, and the identity pool gives guests "
    "none: add [anonymous], or send a login"
)


class IdentityRoles(NamedTuple):
    """The policy of the identity pool's roles, or why there is none."""

    policy: str | None
    """An IAM policy; None if the template has none for guests."""
    problem: str = ""
    """Why there is no policy, or why guests have no role."""
    with_guests: bool = True
    """Whether identities without a login have a role."""


@dataclass(frozen=True)
class ProjectConfiguration:
    """One version of `authorizer.toml` and of the files that it names."""

    path: Path
    description: AuthorizerDescription
    """The authorizer as IoT Core knows it."""
    default_authorizer: bool
    """Whether it is the account's default authorizer on this machine."""
    policy_path: Path | None
    """The template's file; None if grants come from code."""
    template: PolicyTemplate | None
    """None if grants come from code."""
    issuers: tuple[JwtIssuer | SignedTokens, ...]
    """The issuers of tokens, without the development issuer."""
    anonymous: Principal | None
    """The principal of clients without credentials; None if they are refused."""
    only_anonymous: Principal | None
    """The same, if the authorizer accepts no credentials; else None. IoT Core itself refuses them with signing."""
    gives_credentials: bool
    """Whether the credentials endpoint is configured."""
    stored_claims: StoredClaims
    table: str | None
    """The name of the table of identities; None if the authorizer uses no table."""
    cache_for: int
    """How long the Lambda caches a revocation, in seconds."""
    rules: Mapping[str, tuple[MessageRule, Sequence[NamedTopicFilter]]]
    """Each `[[rule]]` by its name, with its topic rules."""
    files: frozenset[Path]
    """All files that decide what is granted."""

    def identity_roles(self, place: AccountRegion) -> IdentityRoles:
        """The roles of the identity pool's identities on this machine, as `render --as cognito-role` compiles them.

        A guest is a client without credentials: it gets some only if `[anonymous]` allows such clients, and has its
        claims. Otherwise every page and program could pass the authorizer by asking the pool.
        """
        if self.template is None:
            return IdentityRoles(None, "grants come from code: the role of guests needs a policy template")
        claims = None if self.anonymous is None else self.anonymous.claims
        try:
            policy = compile_cognito_role(self.template, place, claims)
        except (InvalidTopics, PolicyError) as error:
            return IdentityRoles(None, f"{self.policy_path} has no role for guests: {error}")
        return IdentityRoles(policy) if self.anonymous else IdentityRoles(policy, _NO_GUESTS, with_guests=False)


def read_project_configuration(path: Path, function_arn: str, table: Path | None = None) -> ProjectConfiguration:
    """Reads the configuration and the files that it names as they are now.

    Without the file, the authorizer has a handler in code, of which only the defaults are known. `table` is the file
    of the development table, used if the configuration names a table. Raises InvalidFile.
    """
    found, text = load_partial_configuration(path)
    folder = path.parent
    keys = {name: folder / file for name, file in (found.signing.public_keys if found.signing else {}).items()}
    policy = folder / found.policy if found.policy else None
    with found.naming("policy"):
        template = PolicyTemplate.load(policy, found.topic_prefix) if policy else None
    passwords = folder / found.passwords.file if found.passwords and found.passwords.file else None
    jwks = [folder / issuer.jwks for issuer in found.jwt if issuer.jwks and "://" not in issuer.jwks]
    anonymous = found.anonymous.as_principal() if found.anonymous else None
    return ProjectConfiguration(
        path=path,
        description=_description(path, text, found, function_arn, keys),
        default_authorizer=found.default_authorizer,
        policy_path=policy,
        template=template,
        issuers=tuple(found.issuers.values()),
        anonymous=anonymous,
        only_anonymous=None if found.jwt or found.passwords or found.signed_tokens or found.signing else anonymous,
        gives_credentials=found.credentials is not None,
        stored_claims=StoredClaims(
            in_file=password_file_claims(passwords),
            table=SqliteTable(table) if table is not None and found.table is not None else None,
            issuers=found.stored_claims_issuers,
            in_dynamodb=table is None and found.table is not None,
        ),
        table=found.table,
        cache_for=found.revocation.cache_for,
        rules=found.rules,
        files=frozenset(file.absolute() for file in (path, policy, passwords, *jwks, *keys.values()) if file),
    )


def password_file_claims(path: Path | None) -> Mapping[str, Claims]:
    """The claims of each user of a password file; empty if there is no such file, or an invalid one."""
    if path is None:
        return {}
    try:
        users = load_password_file(path, check_hash=str).users  # Hashes are not used here, so any text will do.
    except InvalidFile:  # The Lambda reports what is wrong with it.
        return {}
    return {name: user.claims for name, user in users.items()}


def _pem(found: PartialConfiguration, name: str, path: Path) -> str:
    with found.naming("signing", "public_keys", name):
        return read_file(path).decode("ascii", "replace")


def _description(
    path: Path, text: str, found: PartialConfiguration, function_arn: str, keys: Mapping[str, Path]
) -> AuthorizerDescription:
    now = time.time()
    description = AuthorizerDescription(
        name=found.name,
        function_arn=function_arn,
        token_key_name=found.token_key_name,
        public_keys={name: _pem(found, name, file) for name, file in keys.items()},
        status="ACTIVE",
        signing_disabled=found.signing is None,
        creation_date=now,
        last_modified_date=now,
    )
    try:
        description.check()
    except InvalidAuthorizer as error:
        raise invalid_file(path, text, ("signing",), str(error)) from None
    return description
