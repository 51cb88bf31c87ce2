"""Prepares an authorizer from `authorizer.toml`: reads the files that it names, and checks them."""

import json
from pathlib import Path

from iot_authorizer.cached import Caching
from iot_authorizer.configuration import Configuration, needs_table
from iot_authorizer.jwt_verifier import Expectations
from iot_authorizer.keys import KeySet
from iot_authorizer.preparation import Preparation, PreparedEndpoint, PreparedIssuer, TableUse
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_authorizer.tokens import same_algorithms
from iot_policies import Claims, InvalidFile, PolicyTemplate
from iot_policies.toml_file import read_file


def prepare(configuration: Configuration, folder: Path) -> Preparation:
    """Prepares an authorizer from its configuration and the files in its folder. Raises InvalidFile."""
    with configuration.naming("policy"):
        template = PolicyTemplate.load(folder / configuration.policy, configuration.topic_prefix)
    signed, anonymous, endpoint = configuration.signed_tokens, configuration.anonymous, configuration.credentials
    return Preparation(
        name=configuration.name,
        token_key_name=configuration.token_key_name,
        plan=template,
        issuers=tuple(
            _issuer(configuration, index, folder, template.principal_claim) for index in range(len(configuration.jwt))
        ),
        signed=None if signed is None else _expectations(signed, template.principal_claim),
        anonymous=None if anonymous is None else anonymous.as_principal(),
        endpoint=None
        if endpoint is None
        else PreparedEndpoint(origins=endpoint.origins, host=endpoint.endpoint, role=endpoint.role),
        users=_users(configuration, folder),
        table=configuration.table,
        table_use=_table_use(configuration),
    )


def _issuer(configuration: Configuration, index: int, folder: Path, principal_claim: str) -> PreparedIssuer:
    configured = configuration.jwt[index]
    is_url = configured.jwks is not None and "://" in configured.jwks
    with configuration.naming("jwt", index, "jwks"):
        key_set = None if configured.jwks is None or is_url else _key_file(folder / configured.jwks)
    return PreparedIssuer(
        expects=_expectations(configured, principal_claim),
        algorithms=tuple(sorted(same_algorithms(configured.algorithms))),
        caching=Caching(max_age=configured.max_age, max_stale=configured.max_stale),
        key_set=key_set,
        url=configured.jwks if is_url else None,
        secret=configured.secret,
    )


def _expectations(configured: JwtIssuer | SignedTokens, principal_claim: str) -> Expectations:
    if isinstance(configured, JwtIssuer):
        client_id, client_claim, token_use = configured.client_id, configured.client_claim, configured.required_use
    else:
        client_id, client_claim, token_use = (), "client_id", None
    return Expectations(
        issuer=configured.issuer,
        audience=configured.audience,
        client_id=client_id,
        client_claim=client_claim,
        token_use=token_use,
        required_claims=configured.required_claims,
        leeway=configured.leeway,
        token_type=configured.required_type,
        ignored_parameters=configured.ignore_header,
        principal_claim=principal_claim,
    )


def _key_file(path: Path) -> str:
    content = read_file(path)
    try:
        KeySet.parse(content)
        return json.dumps(json.loads(content))  # One form for all encodings that JSON may have.
    except ValueError as error:
        raise InvalidFile(path, None, "", str(error)) from None


def _users(configuration: Configuration, folder: Path) -> dict[str, tuple[str, Claims]] | None:
    if configuration.passwords is None or configuration.passwords.file is None:
        return None
    from iot_authorizer.password_file import load_password_file
    from iot_identities.passwords import check_hash

    with configuration.naming("passwords", "file"):
        users = load_password_file(folder / configuration.passwords.file, check_hash).users
    return {name: (user.hash, user.claims) for name, user in users.items()}


def _table_use(configuration: Configuration) -> TableUse:
    passwords, guessing = configuration.passwords, configuration.guessing
    in_table = passwords is not None and passwords.file is None
    return TableUse(
        is_needed=needs_table(configuration),
        cache_for=configuration.revocation.cache_for,
        when_unavailable_allow=configuration.revocation.when_unavailable == "allow",
        stored_claims=tuple(sorted(configuration.stored_claims_issuers)),
        guessing=(guessing.lock_after, guessing.lock_for) if in_table else None,
    )
