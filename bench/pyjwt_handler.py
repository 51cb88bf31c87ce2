"""The least that verifies a token: PyJWT, a key from a file, no other checks, no policy and no log. Never deploy it."""

import json
import os
from pathlib import Path

import jwt
from jwt import PyJWK

from bench.known import AUDIENCE, ISSUER

_KEYS = json.loads(Path(os.environ["AUTHORIZER_CONFIG"]).with_name("jwks.json").read_text())["keys"]
_KEY = PyJWK(_KEYS[0], "RS256")


def lambda_handler(event: dict[str, str], _context: object) -> dict[str, object]:
    """Verifies the event's token."""
    claims = jwt.decode(event["token"], _KEY, ["RS256"], audience=AUDIENCE, issuer=ISSUER)
    return {"isAuthenticated": True, "principalId": claims["sub"]}
