"""Rehearses the first answer while no client waits, so that the first client waits less.

1. Only execution environments that start ahead of their clients rehearse (`starts_ahead`). Others start for a client,
   which would wait for the rehearsal.
2. A rehearsal reads an event and verifies a token with each key of each file. Afterwards, these keys, OpenSSL's
   algorithms and the event's model are ready.
3. The signatures are zeros, so every token is refused. Nothing is logged or fetched, and the table is not read.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from iot_authorizer.authorizer import Authorizer
from iot_authorizer.configuration import Configuration
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.refusal import Refusal
from iot_authorizer.token_settings import JwtIssuer
from iot_policies.toml_file import read_file

_SIGNATURE = bytes(256)
"""As long as a signature of an RSA key of 2,048 bits."""


def rehearse(authorizer: Authorizer, configuration: Configuration, folder: Path) -> None:
    """Rehearses the first answer. `folder`: that of `authorizer.toml`."""
    AuthorizerEvent.parse({})
    for token in _tokens(configuration, folder):
        headers = {"authorization": f"Bearer {token}"}
        with suppress(Refusal):
            authorizer.verify(AuthorizerEvent.parse({"protocolData": {"http": {"headers": headers}}}))


def _tokens(configuration: Configuration, folder: Path) -> Iterator[str]:
    for issuer in configuration.jwt:
        if issuer.jwks is None or "://" in issuer.jwks:
            continue
        keys = json.loads(read_file(folder / issuer.jwks))["keys"]
        ids = [key.get("kid") for key in keys if isinstance(key, dict)]
        yield from (_token(issuer, algorithm, key_id) for key_id in ids for algorithm in issuer.algorithms)


def _token(issuer: JwtIssuer, algorithm: str, key_id: object) -> str:
    header = {"alg": algorithm, "kid": key_id, "typ": issuer.required_type}
    given = {name: value for name, value in header.items() if value is not None}
    claims = {"iss": issuer.issuer, "sub": "rehearsal", "aud": list(issuer.audience), "exp": int(time.time()) + 3600}
    parts = (json.dumps(given).encode(), json.dumps(claims).encode(), _SIGNATURE)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
