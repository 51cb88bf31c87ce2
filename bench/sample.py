"""What the benchmarks run on: an issuer with one RSA key, its token, and a configuration that trusts it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from bench.known import AUDIENCE, ISSUER
from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import write_preparation
from iot_authorizer.preparing import prepare

_CONFIGURATION = """
name = "chat"
policy = "chat.toml"
token_key_name = "token"

[[jwt]]
issuer = "{issuer}"
audience = ["{audience}"]
algorithms = ["RS256"]
jwks = "jwks.json"
"""


@dataclass(frozen=True)
class Sample:
    """All in one folder, so that a process of its own can answer the event."""

    config: Path
    token: str
    jwk: dict[str, object]

    @property
    def event(self) -> dict[str, object]:
        """A browser's: the token in the query string and under the token key name."""
        return {
            "token": self.token,
            "signatureVerified": False,
            "protocols": ["tls", "http", "mqtt"],
            "protocolData": {
                "tls": {"serverName": "example-ats.iot.eu-west-1.amazonaws.com"},
                "http": {
                    "headers": {"Host": "example-ats.iot.eu-west-1.amazonaws.com", "Sec-WebSocket-Protocol": "mqtt"},
                    "queryString": f"?x-amz-customauthorizer-name=chat&token={self.token}",
                },
                "mqtt": {"clientId": "6a1d1f3e-7a3c-4e0c-9a54-0b8f8b2f1c55"},
            },
            "connectionMetadata": {"id": "1f6f9e5c-6c0c-4b0e-8a51-1f0f3c0b8a3d"},
        }


def make_sample(folder: Path) -> Sample:
    """A token as large as Amazon Cognito's ID tokens are, with the claims that those have and two rooms."""
    private = generate_private_key(65537, 2048)
    jwk = {
        **RSAAlgorithm.to_jwk(private.public_key(), as_dict=True),
        "kid": "abcdefghijklmnopqrsexample=",
        "use": "sig",
    }
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    (folder / "chat.toml").write_text(Path("policies/chat.toml").read_text())
    config = folder / "authorizer.toml"
    config.write_text(_CONFIGURATION.format(issuer=ISSUER, audience=AUDIENCE))
    files = [Path("chat.toml"), Path("jwks.json")]
    write_preparation(prepare(load_configuration(config, {}), folder), config, files, {})  # As `build` does.
    now = int(time.time())
    claims = {
        "sub": "6a1d1f3e-7a3c-4e0c-9a54-0b8f8b2f1c55",
        "cognito:username": "6a1d1f3e-7a3c-4e0c-9a54-0b8f8b2f1c55",
        "email": "ann@example.com",
        "email_verified": True,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "event_id": "0f9d8c7b-6a5e-4d3c-2b1a-0f9e8d7c6b5a",
        "origin_jti": "9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d",
        "jti": "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        "token_use": "id",
        "auth_time": now,
        "exp": now + 3600,
        "iat": now,
        "rooms": ["lobby", "attic"],
    }
    token = jwt.encode(claims, private, "RS256", headers={"kid": str(jwk["kid"])})
    return Sample(config, token, jwk)
