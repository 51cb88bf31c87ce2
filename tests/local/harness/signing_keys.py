"""RSA keys that sign tokens for IoT Core."""

import base64
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class SigningKey:
    """A key that signs tokens."""

    private: RSAPrivateKey

    @property
    def pem(self) -> str:
        """The public key."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, token: str) -> str:
        """Sign a token for IoT Core."""
        return base64.b64encode(self.private.sign(token.encode(), PKCS1v15(), SHA256())).decode()


Keys = tuple[SigningKey, SigningKey, SigningKey]


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Three keys, made once."""
    made = [SigningKey(generate_private_key(65537, 2048)) for _ in range(3)]
    return made[0], made[1], made[2]
