"""The `[[jwt]]` table of a new project: from a Cognito user pool, an Auth0 tenant, or any OpenID Connect provider.

1. The table is checked as the authorizer checks it, before anything is written.
2. For any other provider, its OpenID configuration says where its keys are (OpenID Connect Discovery 1.0, section 4).
   It is fetched only over https, or from this machine, and must name exactly the given issuer.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import typer
from pydantic import ValidationError

from iot_authorizer.cached import FetchError
from iot_authorizer.fetching import fetch
from iot_authorizer.token_settings import JwtIssuer

_POOL = re.compile(r"([a-z]{2,4}(?:-[a-z]+)+-\d)_[A-Za-z0-9]+")
_DISCOVERY = "/.well-known/openid-configuration"
_TIMEOUT = 10
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerOptions:
    """The options that name an issuer."""

    cognito: str | None = None
    client: str | None = None
    auth0: str | None = None
    issuer: str | None = None
    jwks: str | None = None
    audience: str | None = None


def jwt_table(options: IssuerOptions) -> Mapping[str, object] | None:
    """Returns the keys of `[[jwt]]`, None without any option. Raises a usage error that names the option."""
    chosen = [name for name in ("cognito", "auth0", "issuer") if getattr(options, name) is not None]
    if len(chosen) > 1:
        raise typer.BadParameter("expected one of them", param_hint=", ".join(f"--{name}" for name in chosen))
    named = chosen[0] if chosen else None
    _check_companion(options, "client", named == "cognito", "--cognito")
    _check_companion(options, "audience", named in ("auth0", "issuer"), "--auth0 or --issuer")
    if options.jwks is not None and named != "issuer":
        raise typer.BadParameter("expected --issuer beside it", param_hint="--jwks")
    if options.cognito is not None:
        return _checked("--cognito", **_cognito(options.cognito), client_id=[options.client])
    if options.auth0 is not None:
        return _checked("--auth0", **_auth0(options.auth0), audience=[options.audience])
    if options.issuer is not None:
        guess = options.jwks or f"{options.issuer.rstrip('/')}/keys"
        table = _checked("--issuer", issuer=options.issuer, jwks=guess, audience=[options.audience])
        return table if options.jwks else _checked("--issuer", **{**table, "jwks": _discovered(options.issuer)})
    return None


def _check_companion(options: IssuerOptions, name: str, needed: bool, beside: str) -> None:
    given = getattr(options, name) is not None
    if needed and not given:
        raise typer.BadParameter(f"this option is required with {beside}", param_hint=f"--{name}")
    if given and not needed:
        raise typer.BadParameter(f"expected {beside} beside it", param_hint=f"--{name}")


def _cognito(pool: str) -> dict[str, object]:
    found = _POOL.fullmatch(pool)
    if found is None:
        raise typer.BadParameter("expected a user pool ID, such as eu-west-1_AbCdEfGhI", param_hint="--cognito")
    domain = "amazonaws.com.cn" if found[1].startswith("cn-") else "amazonaws.com"
    issuer = f"https://cognito-idp.{found[1]}.{domain}/{pool}"
    return {"issuer": issuer, "jwks": f"{issuer}/.well-known/jwks.json"}


def _auth0(domain: str) -> dict[str, object]:
    host = domain.removeprefix("https://").removesuffix("/")
    if re.fullmatch(r"[A-Za-z0-9.-]+", host) is None:
        raise typer.BadParameter("expected a domain, such as example.eu.auth0.com", param_hint="--auth0")
    return {"issuer": f"https://{host}/", "jwks": f"https://{host}/.well-known/jwks.json"}


def _checked(option: str, **keys: object) -> dict[str, object]:
    """Returns the table in the order in which people read it. Raises a usage error."""
    order = ("issuer", "audience", "client_id", "algorithms", "jwks")
    table = {key: value for key in order if (value := {"algorithms": ["RS256"], **keys}.get(key)) is not None}
    if "://" not in str(table["jwks"]):
        raise typer.BadParameter(f"expected the URL of the keys, found {table['jwks']!r}", param_hint=option)
    if not json.dumps(table, ensure_ascii=False).isprintable():
        raise typer.BadParameter("found a control character in an option", param_hint=option)
    try:
        JwtIssuer.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(first["msg"].removeprefix("Value error, "), param_hint=option) from None
    return table


def _discovered(issuer: str) -> object:
    """Returns the URL of the keys. Raises a usage error with what to do."""
    url = f"{issuer.rstrip('/')}{_DISCOVERY}"
    otherwise = "correct --issuer, or give the URL of its keys with --jwks"
    try:
        found = json.loads(fetch(url, _TIMEOUT))
        names, keys = found["issuer"], found["jwks_uri"]
    except FetchError as error:
        cause = str(error).partition(": set jwks")[0]
        raise typer.BadParameter(f"{url}: {cause}: {otherwise}", param_hint="--issuer") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        expected = "expected JSON with issuer and jwks_uri"
        raise typer.BadParameter(f"{url}: {expected}: {otherwise}", param_hint="--issuer") from None
    if names != issuer:
        raise typer.BadParameter(f"{url} names the issuer {names!r}: {otherwise}", param_hint="--issuer")
    return keys
