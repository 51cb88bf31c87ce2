"""The public keys of an issuer, a JSON Web Key Set (RFC 7517). Each key is used only for its purpose."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

LEAST_RSA_BITS = 2048
"""RFC 7518, section 3.3."""

_FITS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
SYMMETRIC_ALGORITHMS = frozenset({"HS256"})


class Keys(Protocol):
    """A source of an issuer's keys: a file, a URL or a shared secret."""

    def find(self, key_id: str | None, algorithm: str) -> PyJWK:
        """The key to verify a token with. Raises Refusal."""
        ...


class KeySet:
    """The keys of a JWKS."""

    def __init__(self, keys: Sequence[Mapping[str, object]]) -> None:
        self._keys = keys
        self._prepared: dict[tuple[str | None, str], PyJWK] = {}

    @classmethod
    def parse(cls, text: bytes) -> "KeySet":
        """Reads a JWKS, which can have unusable keys. Raises ValueError if it is not a JWKS or has secrets."""
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("expected a JWKS, found text that is not JSON") from None
        keys = parsed.get("keys") if isinstance(parsed, dict) else None
        if not isinstance(keys, list):
            raise ValueError('expected a JWKS: an object with a list "keys"')
        if any(isinstance(key, dict) and ("d" in key or "k" in key) for key in keys):
            raise ValueError("has a private key or a secret: publish only public keys, and replace this key")
        return cls([key for key in keys if isinstance(key, dict)])

    def verifies_anything(self) -> bool:
        """Whether a key can verify tokens."""
        return any(_mismatch(key, algorithm) is None for key in self._keys for algorithm in _FITS)

    def find(self, key_id: str | None, algorithm: str) -> PyJWK:
        """The key with this ID, or without an ID the only key for the algorithm. Raises Refusal."""
        prepared = self._prepared.get((key_id, algorithm))
        if prepared is None:
            prepared = self._prepare(key_id, algorithm)
            self._prepared[key_id, algorithm] = prepared
        return prepared

    def _prepare(self, key_id: str | None, algorithm: str) -> PyJWK:
        named = [key for key in self._keys if key_id is None or key.get("kid") == key_id]
        fitting = [key for key in named if _mismatch(key, algorithm) is None]
        if key_id is None and len(fitting) > 1:
            raise Refusal(Reason.KEY_ID_MISSING)
        if fitting:
            return _prepare(fitting[0], algorithm)
        if not named:
            raise Refusal(Reason.UNKNOWN_KEY)
        raise Refusal(_mismatch(named[0], algorithm) or Reason.UNKNOWN_KEY)


def _mismatch(key: Mapping[str, object], algorithm: str) -> Reason | None:
    """Why a key must not verify tokens of this algorithm (RFC 7517, sections 4.1 to 4.4); None if it may."""
    key_type, curve = _FITS[algorithm]
    if key.get("kty") != key_type or (curve is not None and key.get("crv") != curve):
        return Reason.KEY_TYPE_MISMATCH
    if key.get("alg") not in (None, algorithm):
        return Reason.KEY_TYPE_MISMATCH
    operations = key.get("key_ops")
    verifies = operations is None or (isinstance(operations, list) and "verify" in operations)
    if key.get("use") not in (None, "sig") or not verifies:
        return Reason.KEY_USE_MISMATCH
    return None


def _prepare(key: Mapping[str, object], algorithm: str) -> PyJWK:
    try:
        prepared = PyJWK(dict(key), algorithm)
    except (PyJWTError, ValueError, TypeError):
        raise Refusal(Reason.UNKNOWN_KEY, "the key is malformed") from None
    if isinstance(prepared.key, RSAPublicKey) and prepared.key.key_size < LEAST_RSA_BITS:
        raise Refusal(Reason.WEAK_KEY)
    return prepared
