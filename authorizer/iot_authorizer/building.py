"""Builds an authorizer of its preparation."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from iot_authorizer import development
from iot_authorizer.authorizer import Authorizer, Verify
from iot_authorizer.cached import Cached, OnFetch
from iot_authorizer.credentials import Credentials, CredentialSource
from iot_authorizer.jwt_verifier import AcceptedTokens, Expectations, JwtVerifier
from iot_authorizer.keys import Keys, KeySet
from iot_authorizer.preparation import Preparation, PreparedIssuer
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import InvalidFile, Principal

if TYPE_CHECKING:
    from iot_authorizer.file_passwords import FilePasswords
    from iot_policies import Claims

_Verifier = Callable[[Credentials], VerifiedPrincipal]


def build(
    preparation: Preparation, on_fetch: OnFetch | None = None, environment: Mapping[str, str] | None = None
) -> Authorizer:
    """Builds an authorizer. It fetches nothing. Ahead of its clients, it rehearses the first answer.

    `on_fetch` is called after each fetch of keys. `environment` is the process's by default. Raises InvalidFile for
    what is for development only, in Lambda.
    """
    variables = os.environ if environment is None else environment
    verify = _verifier(preparation, on_fetch, variables)
    authorizer = Authorizer(verify=verify, grant=preparation.plan, token_key_name=preparation.token_key_name or "")
    if starts_ahead(variables):
        from iot_authorizer.rehearsal import rehearse

        rehearse(authorizer, preparation.issuers)
    return authorizer


def starts_ahead(environment: Mapping[str, str]) -> bool:
    """Whether Lambda starts this execution environment before a client needs it.

    It does so to take a snapshot (SnapStart), and for provisioned concurrency. AWS documents the variable in the
    developer guide of Lambda, "Defined runtime environment variables".
    """
    return environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") in ("snap-start", "provisioned-concurrency")


def _verifier(preparation: Preparation, on_fetch: OnFetch | None, environment: Mapping[str, str]) -> Verify:
    accepted = []
    sources: dict[object, Keys] = {}  # Tables with the same source share it: it is fetched and cached once.
    for each in preparation.issuers:
        source = each.key_set, each.url, each.secret, each.caching
        if source not in sources:
            sources[source] = _keys(each, on_fetch, shows_urls=not development.in_lambda(environment))
        accepted.append(AcceptedTokens(each.expects, each.algorithms, sources[source]))
    accepted += _development_issuers(environment)
    tokens = JwtVerifier(accepted, [preparation.signed] if preparation.signed else [])
    checked, verify_password = _identities(preparation)
    if preparation.users is not None:
        verify_password = checked(_file_passwords(preparation.users).verify)
    verify_token, verify_anonymous = checked(tokens.verify), checked(_anonymous(preparation.anonymous))

    def verify(credentials: Credentials) -> VerifiedPrincipal:
        if credentials.token is not None:
            return verify_token(credentials)
        if credentials.source is CredentialSource.ANONYMOUS:
            return verify_anonymous(credentials)
        if verify_password is None:
            raise Refusal(Reason.PASSWORDS_NOT_CONFIGURED)
        return verify_password(credentials)

    return verify


def _identities(preparation: Preparation) -> tuple[Callable[[_Verifier], _Verifier], _Verifier | None]:
    """How the table of identities checks what another function verified, and how it verifies passwords.

    Without a table, nothing is checked. Both are the table's if there is one.
    """
    if preparation.table is None:
        return lambda verify: verify, None
    from iot_authorizer.configured_identities import configured_identities

    identities, passwords = configured_identities(preparation.table, preparation.table_use)

    def checked(verify: _Verifier) -> _Verifier:
        return lambda credentials: identities.check(verify(credentials))

    return checked, passwords.verify if passwords else None


def _keys(issuer: PreparedIssuer, on_fetch: OnFetch | None, *, shows_urls: bool) -> Keys:
    if issuer.secret is not None:
        from iot_authorizer.shared_secret import SharedSecret, fetch_key

        return SharedSecret(Cached(partial(fetch_key, issuer.secret), caching=issuer.caching, on_fetch=on_fetch))
    if issuer.url is None:
        return KeySet.parse((issuer.key_set or "").encode())
    from iot_authorizer.jwks import KeySetUrl, RemoteKeys

    return RemoteKeys(Cached(KeySetUrl(issuer.url, shows_url=shows_urls), caching=issuer.caching, on_fetch=on_fetch))


def _development_issuers(environment: Mapping[str, str]) -> list[AcceptedTokens]:
    path = development.file_named_by(development.KEYS, environment)
    if path is None:
        return []
    try:
        keys = KeySet.parse(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidFile(path, None, development.KEYS, str(error)) from None
    expects = Expectations(issuer=development.ISSUER, audience=(development.ISSUER,))
    time_scale = environment.get(development.TIME_SCALE)
    if time_scale is None:
        return [AcceptedTokens(expects, ("ES256",), keys)]
    from iot_authorizer.development_tokens import ScaledTokens

    return [ScaledTokens(expects, ("ES256",), keys, float(time_scale))]


def _file_passwords(users: "Mapping[str, tuple[str, Claims]]") -> "FilePasswords":
    from iot_authorizer.file_passwords import FilePasswords

    shapes = Counter(_shape(stored) for stored, _ in users.values())
    like = max((stored for stored, _ in users.values()), key=lambda stored: shapes[_shape(stored)], default=None)
    return FilePasswords(users, like)


def _shape(stored: str) -> str:
    """The algorithm and parameters of a hash, without its salt."""
    return stored.rsplit("$", 2)[0]


def _anonymous(anonymous: Principal | None) -> _Verifier:
    def verify(credentials: Credentials) -> VerifiedPrincipal:
        if anonymous is None:
            raise Refusal(Reason.NO_CREDENTIALS, credentials.hint)
        return VerifiedPrincipal(anonymous)

    return verify
