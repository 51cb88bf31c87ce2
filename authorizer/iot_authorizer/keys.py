"""The public keys of an issuer, a JSON Web Key Set (RFC 7517). Each key is used only for its purpose.

1. A key fits a token if it has the token's key ID, and its type, curve, `alg`, `use` and `key_ops` fit the algorithm.
2. If several keys with one key ID fit, the first MOST_KEYS usable ones are tried: issuers that replace a key can
   publish the old and the new one under the same ID.
3. Without a key ID, exactly one key of the set must fit.
4. `Ed25519` (RFC 9864) and `EdDSA` with that curve are one algorithm.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import EDWARDS, same_algorithms

LEAST_RSA_BITS = 2048
"""RFC 7518, section 3.3."""
MOST_KEYS = 4
"""Keys that are tried for one token: each try costs a signature verification."""

_FITS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    **dict.fromkeys(EDWARDS, ("OKP", "Ed25519")),
}
SYMMETRIC_ALGORITHMS = frozenset({"HS256"})


class Keys(Protocol):
    """A source of an issuer's keys: a file, a URL or a shared secret."""

    def find(self, key_id: str | None, algorithm: str) -> Sequence[PyJWK]:
        """The keys to verify a token with, one after the other; at least one. Raises Refusal."""
        ...


class KeySet:
    """The keys of a JWKS."""

    def __init__(self, keys: Sequence[Mapping[str, object]]) -> None:
        self._keys = keys
        self._prepared: dict[tuple[str | None, str], Sequence[PyJWK]] = {}

    @classmethod
    def parse(cls, text: bytes) -> "KeySet":
        """Reads a JWKS, which can have unusable keys. Raises ValueError if it is not a JWKS or has secrets."""
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            begins = text.lstrip()[:1]
            found = {b"<": "an HTML or XML page", b"-": "PEM"}.get(begins, "text that is not JSON")
            raise ValueError(f"expected a JWKS, found {found}") from None
        keys = parsed.get("keys") if isinstance(parsed, dict) else None
        if not isinstance(keys, list):
            if isinstance(parsed, dict) and "jwks_uri" in parsed:
                raise ValueError("expected a JWKS, found an OpenID configuration: use the URL in its jwks_uri")
            pem = ", found PEM by key ID" if b"-----BEGIN" in text else ""
            raise ValueError(f'expected a JWKS: an object with a list "keys"{pem}')
        if any(isinstance(key, dict) and ("d" in key or "k" in key) for key in keys):
            raise ValueError("has a private key or a secret: publish only public keys, and replace this key")
        return cls([key for key in keys if isinstance(key, dict)])

    def verifies_anything(self) -> bool:
        """Whether a key can verify tokens."""
        return any(_mismatch(key, algorithm) is None for key in self._keys for algorithm in _FITS)

    def find(self, key_id: str | None, algorithm: str) -> Sequence[PyJWK]:
        """The keys with this ID that fit the algorithm, or without an ID the only one that fits. Raises Refusal."""
        prepared = self._prepared.get((key_id, algorithm))
        if prepared is None:
            prepared = self._prepare(key_id, algorithm)
            self._prepared[key_id, algorithm] = prepared
        return prepared

    def _prepare(self, key_id: str | None, algorithm: str) -> Sequence[PyJWK]:
        named = [key for key in self._keys if key_id is None or key.get("kid") == key_id]
        fitting = [key for key in named if _mismatch(key, algorithm) is None]
        if key_id is None and len(fitting) > 1:
            raise Refusal(Reason.KEY_ID_MISSING)
        if not named:
            raise Refusal(Reason.UNKNOWN_KEY)
        if not fitting:
            raise Refusal(_mismatch(named[0], algorithm) or Reason.UNKNOWN_KEY)
        prepared = [_prepare(key, algorithm) for key in fitting]
        usable = [key for key in prepared if isinstance(key, PyJWK)][:MOST_KEYS]
        if not usable:
            raise next(refusal for refusal in prepared if isinstance(refusal, Refusal))
        return usable


def _mismatch(key: Mapping[str, object], algorithm: str) -> Reason | None:
    """Why a key must not verify tokens of this algorithm (RFC 7517, sections 4.1 to 4.4); None if it may."""
    key_type, curve = _FITS[algorithm]
    if key.get("kty") != key_type or (curve is not None and key.get("crv") != curve):
        return Reason.KEY_TYPE_MISMATCH
    named = key.get("alg")
    if named is not None and not (isinstance(named, str) and algorithm in same_algorithms((named,))):
        return Reason.KEY_TYPE_MISMATCH
    operations = key.get("key_ops")
    verifies = operations is None or (isinstance(operations, list) and "verify" in operations)
    if key.get("use") not in (None, "sig") or not verifies:
        return Reason.KEY_USE_MISMATCH
    return None


def _prepare(key: Mapping[str, object], algorithm: str) -> PyJWK | Refusal:
    try:
        prepared = PyJWK(dict(key), "EdDSA" if algorithm in EDWARDS else algorithm)
    except (PyJWTError, ValueError, TypeError):
        return Refusal(Reason.UNKNOWN_KEY, "the key is malformed")
    if isinstance(prepared.key, RSAPublicKey) and prepared.key.key_size < LEAST_RSA_BITS:
        return Refusal(Reason.WEAK_KEY)
    prepared.algorithm_name = algorithm  # PyJWT knows EdDSA only, and compares this name with the header's.
    return prepared
