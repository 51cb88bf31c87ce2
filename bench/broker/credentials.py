"""Who may connect: an issuer with an RSA key of 2,048 bits, and an `authorizer.toml` that trusts it."""

import json
import secrets
import time
from functools import cache
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from bench.broker import packets
from bench.known import AUDIENCE, ISSUER

POLICY = Path("policies/chat.toml")
"""The template that is enforced: it lets `PUBLISHER` publish to `TOPIC`, and whoever is in the room listen to it."""
PUBLISHER = "bench"
TOPIC = f"rooms/lobby/say/{PUBLISHER}"

_KEY_ID = "bench"
_CONFIGURATION = f"""
name = "chat"
policy = "chat.toml"
token_key_name = "token"

[[jwt]]
issuer = "{ISSUER}"
audience = ["{AUDIENCE}"]
algorithms = ["RS256"]
jwks = "jwks.json"
"""


class Credentials:
    """CONNECT packets that carry a token each. All brokers get the same ones: Mosquitto does not look at the token."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "authorizer.toml"
        self._private = generate_private_key(65537, 2048)
        jwk = {**RSAAlgorithm.to_jwk(self._private.public_key(), as_dict=True), "kid": _KEY_ID, "use": "sig"}
        (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
        (folder / POLICY.name).write_text(POLICY.read_text())
        self.config.write_text(_CONFIGURATION)
        self._user_name = cache(self._signed_user_name)

    def connect(self, client_id: str) -> bytes:
        """CONNECT with an RS256 token for the principal: what stands before the client ID's slash, or all of it.

        One token a principal, signed when it is first asked for (about 1 ms).
        """
        return packets.connect(client_id, self._user_name(client_id.partition("/")[0]))

    def _signed_user_name(self, principal: str) -> str:
        now = int(time.time())
        claims = {
            "sub": principal,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 3600,
            "jti": secrets.token_hex(16),
            "rooms": ["lobby", "attic"],
        }
        token = jwt.encode(claims, self._private, "RS256", headers={"kid": _KEY_ID})
        return f"{principal}?x-amz-customauthorizer-name=chat&token={token}"
