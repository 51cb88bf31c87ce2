"""Configurations of authorizers, with secrets and signing keys; a CDK-free module."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONFIGURATION = """\
name           = "chat"
policy         = "policy.toml"
token_key_name = "token"

[[jwt]]
issuer     = "https://auth.example.com/"
audience   = ["chat"]
algorithms = ["RS256"]
jwks       = "keys.json"
"""
POLICY = """\
[[grant]]
connect = ["{principal}", "{principal}/*"]
publish = ["users/{principal}/outbox"]
"""
ANYBODY = """\
session = { disconnect_after = "1h", refresh_after = "5m", spread = "0%" }

[[grant]]
connect      = ["{client_id}"]
connect_with = []
acknowledge  = ["any_client_id"]
publish      = ["client"]
subscribe    = ["server"]
"""
"""A usual sample of a custom authorizer: anybody connects with any client ID."""


def append(config: Path, toml: str) -> None:
    with config.open("a") as file:
        file.write(f"\n{toml}\n")


def with_secret(config: Path, secret: str = "secretsmanager:chat/hs256") -> None:
    """Makes the issuer sign with a shared secret."""
    shared = f'algorithms = ["HS256"]\nsecret     = "{secret}"'
    config.write_text(config.read_text().replace('algorithms = ["RS256"]\njwks       = "keys.json"', shared))


def write_key(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    """Writes the public half of a key in PEM."""
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def with_signing(config: Path, bits: int = 2048) -> str:
    """Turns signing on, and returns the PEM of the key."""
    path = config.with_name("signing.pem")
    write_key(path, rsa.generate_private_key(65537, bits))
    append(config, '[signing]\npublic_keys = { "2026-11" = "signing.pem" }')
    return path.read_text()
