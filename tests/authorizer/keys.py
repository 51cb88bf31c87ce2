"""Real keys of every algorithm, made once a process: making RSA keys is slow."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

Jwk = dict[str, object]

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC_ALGORITHMS = ("ES256", "ES384", "ES512")
ASYMMETRIC = (*RSA_ALGORITHMS, *EC_ALGORITHMS, "EdDSA")
SECRET = b"a secret as long as a SHA-256 is"

_CURVES: Mapping[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@dataclass(frozen=True)
class SigningKey:
    """A private key of an issuer, for one algorithm."""

    key_id: str
    algorithm: str
    private: Any

    def sign(self, data: bytes) -> bytes:
        return jwt.get_algorithm_by_name(self.algorithm).sign(data, self.private)

    def jwk(self, **changes: object) -> Jwk:
        """The public half, with changes; None takes a member away."""
        public: Jwk = dict(jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True))
        changed = {**public, "kid": self.key_id, **changes}
        return {name: value for name, value in changed.items() if value is not None}


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


@cache
def signing_key(algorithm: str, name: str = "main") -> SigningKey:
    """A key of an issuer; the same one whenever its name and algorithm are."""
    return SigningKey(f"{name}-{algorithm}", algorithm, _private(algorithm, name))


def hmac_key(secret: bytes = SECRET, algorithm: str = "HS256") -> SigningKey:
    return SigningKey("shared", algorithm, secret)


def weak_key() -> SigningKey:
    return SigningKey("weak", "RS256", rsa_key("weak", 1024))


def public_keys(*keys: SigningKey | Jwk) -> dict[str, object]:
    """A JWKS."""
    return {"keys": [key.jwk() if isinstance(key, SigningKey) else key for key in keys]}


def _private(algorithm: str, name: str) -> object:
    if algorithm in RSA_ALGORITHMS:
        return rsa_key(name)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(_CURVES[algorithm]())
