"""Builds an authorizer from `authorizer.toml`."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iot_authorizer import development
from iot_authorizer.authorizer import Authorizer, Verify
from iot_authorizer.cached import Cached, Caching, OnFetch
from iot_authorizer.configuration import Configuration
from iot_authorizer.credentials import Credentials, CredentialSource
from iot_authorizer.jwt_verifier import AcceptedTokens, Expectations, JwtVerifier
from iot_authorizer.keys import Keys, KeySet
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_authorizer.tokens import same_algorithms
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.toml_file import read_file

if TYPE_CHECKING:
    from iot_authorizer.file_passwords import FilePasswords
    from iot_authorizer.password_file import PasswordEntry

_Verifier = Callable[[Credentials], VerifiedPrincipal]


def build(
    configuration: Configuration,
    folder: Path,
    on_fetch: OnFetch | None = None,
    environment: Mapping[str, str] | None = None,
) -> Authorizer:
    """Builds an authorizer from its configuration and the files in its folder. It fetches nothing.

    `on_fetch` is called after each fetch of keys. `environment` is the process's by default. Raises InvalidFile.
    """
    with configuration.naming("policy"):
        template = PolicyTemplate.load(folder / configuration.policy, configuration.topic_prefix)
    variables = os.environ if environment is None else environment
    verify = _verifier(configuration, folder, template.principal_claim, on_fetch, variables)
    return Authorizer(verify=verify, grant=template, token_key_name=configuration.token_key_name)


def _verifier(
    configuration: Configuration,
    folder: Path,
    principal_claim: str,
    on_fetch: OnFetch | None,
    environment: Mapping[str, str],
) -> Verify:
    accepted = []
    sources: dict[object, Keys] = {}  # Tables with the same source share it: it is fetched and cached once.
    for index, each in enumerate(configuration.jwt):
        with configuration.naming("jwt", index, "jwks"):
            keys = _keys(each, folder, on_fetch, shows_urls=not development.in_lambda(environment))
        keys = sources.setdefault((each.jwks, each.secret, each.max_age, each.max_stale), keys)
        expects = _expectations(each, principal_claim)
        accepted.append(AcceptedTokens(expects, tuple(same_algorithms(each.algorithms)), keys))
    accepted += _development_issuers(environment)
    signed = configuration.signed_tokens
    tokens = JwtVerifier(accepted, [_expectations(signed, principal_claim)] if signed else [])
    checked, verify_password = _identities(configuration)
    if configuration.passwords is not None and configuration.passwords.file is not None:
        verify_password = checked(_file_passwords(configuration, folder / configuration.passwords.file).verify)
    verify_token, verify_anonymous = checked(tokens.verify), checked(_anonymous(configuration))

    def verify(credentials: Credentials) -> VerifiedPrincipal:
        if credentials.source is CredentialSource.ANONYMOUS:
            return verify_anonymous(credentials)
        if credentials.token is not None:
            return verify_token(credentials)
        if verify_password is None:
            raise Refusal(Reason.PASSWORDS_NOT_CONFIGURED)
        return verify_password(credentials)

    return verify


def _identities(configuration: Configuration) -> tuple[Callable[[_Verifier], _Verifier], _Verifier | None]:
    """How the table of identities checks what another function verified, and how it verifies passwords.

    Without a table, nothing is checked. Both are the table's if the configuration names one.
    """
    if configuration.table is None:
        return lambda verify: verify, None
    from iot_authorizer.configured_identities import configured_identities

    identities, passwords = configured_identities(configuration, configuration.table)

    def checked(verify: _Verifier) -> _Verifier:
        return lambda credentials: identities.check(verify(credentials))

    return checked, passwords.verify if passwords else None


def _expectations(configured: JwtIssuer | SignedTokens, principal_claim: str) -> Expectations:
    expects = Expectations(
        issuer=configured.issuer,
        audience=configured.audience,
        required_claims=configured.required_claims,
        leeway=configured.leeway,
        token_type=configured.required_type,
        ignored_parameters=frozenset(configured.ignore_header),
        principal_claim=principal_claim,
    )
    if isinstance(configured, SignedTokens):
        return expects
    return replace(
        expects,
        client_id=configured.client_id,
        client_claim=configured.client_claim,
        token_use=configured.required_use,
    )


def _keys(configured: JwtIssuer, folder: Path, on_fetch: OnFetch | None, *, shows_urls: bool) -> Keys:
    caching = Caching(max_age=configured.max_age, max_stale=configured.max_stale)
    if configured.secret is not None:
        from iot_authorizer.shared_secret import SharedSecret, fetch_key

        return SharedSecret(Cached(partial(fetch_key, configured.secret), caching=caching, on_fetch=on_fetch))
    jwks = configured.jwks or ""
    if "://" not in jwks:
        return _key_file(folder / jwks)
    from iot_authorizer.jwks import KeySetUrl, RemoteKeys

    return RemoteKeys(Cached(KeySetUrl(jwks, shows_url=shows_urls), caching=caching, on_fetch=on_fetch))


def _key_file(path: Path) -> KeySet:
    content = read_file(path)
    try:
        return KeySet.parse(content)
    except ValueError as error:
        raise InvalidFile(path, None, "", str(error)) from None


def _development_issuers(environment: Mapping[str, str]) -> list[AcceptedTokens]:
    path = development.file_named_by(development.KEYS, environment)
    if path is None:
        return []
    expects = Expectations(issuer=development.ISSUER, audience=(development.ISSUER,))
    accepted = (expects, ("ES256",), _key_file(path))
    time_scale = environment.get(development.TIME_SCALE)
    if time_scale is None:
        return [AcceptedTokens(*accepted)]
    from iot_authorizer.development_tokens import ScaledTokens

    return [ScaledTokens(*accepted, float(time_scale))]


def _file_passwords(configuration: Configuration, path: Path) -> "FilePasswords":
    from iot_authorizer.file_passwords import FilePasswords
    from iot_authorizer.password_file import load_password_file
    from iot_identities.passwords import check_hash

    with configuration.naming("passwords", "file"):
        users = load_password_file(path, check_hash).users
    shapes = Counter(map(_shape, users.values()))
    like = max(users.values(), key=lambda user: shapes[_shape(user)]).hash if users else None
    return FilePasswords(users, like)


def _shape(user: "PasswordEntry") -> str:
    """The algorithm and parameters of a hash, without its salt."""
    return user.hash.rsplit("$", 2)[0]


def _anonymous(configuration: Configuration) -> _Verifier:
    anonymous = configuration.anonymous

    def verify(credentials: Credentials) -> VerifiedPrincipal:
        if anonymous is None:
            raise Refusal(Reason.NO_CREDENTIALS, credentials.hint)
        return VerifiedPrincipal(anonymous.as_principal())

    return verify
