"""Keys that sign tokens for IoT Core, and one of KMS."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def write_key(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    """Writes a key's public half in PEM."""
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def with_signing(config: Path, bits: int = 2048) -> str:
    """Turns signing on in a configuration; gives the key's PEM."""
    path = config.with_name("signing.pem")
    write_key(path, rsa.generate_private_key(65537, bits))
    with config.open("a") as file:
        file.write('\n[signing]\npublic_keys = { "2026-11" = "signing.pem" }\n')
    return path.read_text()
