"""A token verified by the verifier of Powertools, which is an alpha version: no policy and no log. Never deploy it."""

import json
import os
from pathlib import Path

from aws_lambda_powertools.utilities.auth_alpha.jwt import JWTVerifier

from bench.known import AUDIENCE, ISSUER

_KEYS = json.loads(Path(os.environ["AUTHORIZER_CONFIG"]).with_name("jwks.json").read_text())
_VERIFIER = JWTVerifier(issuer=ISSUER, audience=AUDIENCE, algorithms=["RS256"], jwks=_KEYS)


def lambda_handler(event: dict[str, str], _context: object) -> dict[str, object]:
    """Verifies the event's token."""
    return {"isAuthenticated": True, "principalId": _VERIFIER.verify(event["token"])["sub"]}
