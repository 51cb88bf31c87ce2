"""JSON Web Tokens, well made and otherwise."""

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

from tests.authorizer.keys import SigningKey, signing_key

ISSUER = "https://auth.example.com/"
AUDIENCE = "chat"
HOUR = 3600

_LAST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515, appendix C)."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def claims(**changes: object) -> dict[str, object]:
    """Claims that are valid for an hour, with changes; `...` takes a claim away."""
    now = int(time.time())
    standard: dict[str, object] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + HOUR}
    return {name: value for name, value in (standard | changes).items() if value is not ...}


def header(key: SigningKey, **changes: object) -> dict[str, object]:
    """The JOSE header for a key, with changes; `...` takes a member away."""
    standard: dict[str, object] = {"alg": key.algorithm, "kid": key.key_id, "typ": "JWT"}
    return {name: value for name, value in (standard | changes).items() if value is not ...}


def seal(key: SigningKey, header: bytes, payload: bytes) -> str:
    """Signs any bytes as a token: they need be no JSON."""
    signed = f"{encode(header)}.{encode(payload)}"
    return f"{signed}.{encode(key.sign(signed.encode()))}"


def mint(key: SigningKey | None = None, /, *, head: Any = None, **changes: object) -> str:  # noqa: ANN401
    """A token with changes to its claims, and to its header by the mapping `head`."""
    key = key or signing_key("RS256")
    return seal(key, json.dumps(header(key, **(head or {}))).encode(), json.dumps(claims(**changes)).encode())


def with_payload(payload: bytes, key: SigningKey | None = None) -> str:
    """A well-signed token around any payload."""
    key = key or signing_key("RS256")
    return seal(key, json.dumps(header(key)).encode(), payload)


def with_header(header: bytes, key: SigningKey | None = None) -> str:
    """A well-signed token behind any header."""
    return seal(key or signing_key("RS256"), header, json.dumps(claims()).encode())


def not_canonical(segment: str) -> str:
    """Another spelling of the same bytes: base64url leaves unused bits in the last character of some segments."""
    unused = {2: 4, 3: 2}[len(segment) % 4]
    return segment[:-1] + _LAST[_LAST.index(segment[-1]) | (1 << unused) - 1]


def cut(token: str) -> tuple[str, str, str]:
    """Header, payload and signature."""
    first, second, third = token.split(".")
    return first, second, third
