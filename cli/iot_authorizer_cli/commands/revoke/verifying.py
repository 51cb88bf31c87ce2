"""Whether a token is what it says: by the public keys of the configuration, and of the development issuer."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.types import Options

from iot_authorizer_cli.commands.revoke.in_time import within
from iot_authorizer_cli.commands.revoke.known import Known
from iot_authorizer_cli.project.development_issuer import ISSUER, jwks_path
from iot_policies.toml_file import read_file

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""None with a secret: a public key could pass as it."""
_SIGNATURE_ALONE: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
"""A token that is over is not forged."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PATIENCE = 3.0
"""Seconds that keys may take to come."""
_LARGEST = 256 * 1024
"""Bytes of a JWKS, as the authorizer takes them."""


class NotVerified(Exception):
    """Nobody knows whether a token is forged, or it is. Its text says why, and quotes nothing of the token."""


def verify(text: str, known: Known, data: Path | None) -> None:
    """Verifies a token's signature, and nothing else of it. Raises NotVerified.

    `data` is the data folder whose development issuer counts; None where none does.
    """
    try:
        header = jwt.get_unverified_header(text)
        issuer = jwt.decode(text, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        raise NotVerified("it has no signature") from None
    if header.get("alg") not in _ALGORITHMS:
        raise NotVerified("its signature is not one that a public key verifies")
    try:
        keys = list(_keys(issuer, header["alg"], known, data))
    except (OSError, HTTPException, ValueError, TypeError, RecursionError) as error:
        raise NotVerified(f"its issuer's keys can't be read: {error or type(error).__name__}") from None
    if not keys:
        raise NotVerified("there is no key of its issuer here")
    if not any(_verifies(text, key) for key in keys):
        raise NotVerified("no key of its issuer fits its signature: it may be forged")


def _verifies(text: str, key: jwt.PyJWK | RSAPublicKey) -> bool:
    try:
        jwt.decode(text, key, _ALGORITHMS, options=_SIGNATURE_ALONE)
    except (jwt.PyJWTError, ValueError, TypeError):  # Of a key that is not for this algorithm.
        return False
    return True


def _keys(issuer: object, algorithm: str, known: Known, data: Path | None) -> Iterator[jwt.PyJWK | RSAPublicKey]:
    if issuer == ISSUER and data is not None and jwks_path(data).exists():
        yield from _parsed(read_file(jwks_path(data)), algorithm)
    if known.file is None:
        return
    folder = known.path.parent
    for each in known.file.jwt:
        if each.issuer == issuer and each.jwks is not None:
            found = _fetched(each.jwks) if "://" in each.jwks else read_file(folder / each.jwks)
            yield from _parsed(found, algorithm)
    signed, signing = known.file.signed_tokens, known.file.signing
    if signed is not None and signed.issuer == issuer and signing is not None and algorithm == "RS256":
        for name in signing.public_keys.values():
            key = load_pem_public_key(read_file(folder / name))
            if isinstance(key, RSAPublicKey):
                yield key


def _parsed(content: bytes, algorithm: str) -> Iterator[jwt.PyJWK]:
    """The public keys of a JWKS; those that are for other algorithms, or malformed, verify nothing."""
    found = json.loads(content)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        raise ValueError("expected a JWKS")
    for key in keys:
        with suppress(jwt.PyJWTError, ValueError, TypeError, AttributeError):  # AttributeError: of no object.
            yield jwt.PyJWK(key, algorithm)


def _fetched(url: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname in _LOOPBACK) != ("http", True):
        raise ValueError("expected an https:// URL")
    return within(_PATIENCE, partial(_fetch, url))


def _fetch(url: str) -> bytes:
    """No redirects, no `file:` and no proxies from the environment, as the authorizer does it."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    with opener.open(url, timeout=_PATIENCE) as response:
        content: bytes = response.read(_LARGEST + 1)
        if response.status != 200 or len(content) > _LARGEST:
            raise ValueError("expected status 200 and at most 256 KiB")
        return content
