"""Rehearses the first answer while no client waits, so that the first client waits less.

1. Only execution environments that start ahead of their clients rehearse (`starts_ahead`). Others start for a client,
   which would wait for the rehearsal.
2. A rehearsal verifies a token with each key of each file. Afterwards, these keys and OpenSSL's algorithms are ready,
   and the codec that a connection to the table or to an issuer needs.
3. The signatures are zeros, so every token is refused. Nothing is logged or fetched, and the table is not read.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain

from iot_authorizer.authorizer import Authorizer
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.jwt_verifier import Expectations
from iot_authorizer.preparation import PreparedIssuer
from iot_authorizer.refusal import Refusal

_SIGNATURE = "A" * 342
"""256 zeros, as many bytes as a signature of an RSA key of 2,048 bits has."""


def rehearse(authorizer: Authorizer, issuers: Iterable[PreparedIssuer]) -> None:
    """Rehearses the first answer of an authorizer of these issuers."""
    "localhost".encode("idna")  # Sockets encode host names with this codec, which takes milliseconds to load.
    for token in chain.from_iterable(map(_tokens, issuers)):
        with suppress(Refusal):
            authorizer.verify(AuthorizerEvent(headers={"authorization": f"Bearer {token}"}))


def _tokens(issuer: PreparedIssuer) -> Iterator[str]:
    keys = json.loads(issuer.key_set)["keys"] if issuer.key_set else []
    for key in keys:
        if isinstance(key, dict):
            yield from (_token(issuer.expects, algorithm, key.get("kid")) for algorithm in issuer.algorithms)


def _token(expects: Expectations, algorithm: str, key_id: object) -> str:
    """A token that is verified by these expectations, also if another table has the same issuer."""
    header = {"alg": algorithm, "kid": key_id, "typ": expects.token_type}
    claims = {
        "iss": expects.issuer,
        "aud": expects.audience or None,
        "token_use": expects.token_use,
        expects.client_claim: expects.client_id[0] if expects.client_id else None,
    }
    return ".".join((_encoded(header), _encoded(claims), _SIGNATURE))


def _encoded(members: Mapping[str, object]) -> str:
    given = json.dumps({name: value for name, value in members.items() if value is not None})
    return urlsafe_b64encode(given.encode()).rstrip(b"=").decode()
