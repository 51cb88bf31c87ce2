"""Splits JSON Web Tokens strictly, before anything about them is verified."""

import binascii
from functools import lru_cache
from typing import NamedTuple

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_identities.strict_json import STRICT, DuplicateKey
from iot_policies import Claims

LONGEST_TOKEN = 8192
"""Bytes. Anyone can send a token, and the work before its signature is verified grows with it."""

_WHITE_SPACE = " \t\n\r"
_KEYS_IN_HEADER = ("jku", "jwk", "x5u", "x5c")
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
"""From base64url to base64; characters that RFC 7515 forbids become invalid ones."""


class Header(NamedTuple):
    """The parts of a JOSE header that say how to verify the token (RFC 7515, section 4.1)."""

    algorithm: str
    key_id: str | None
    type: str | None


class Token(NamedTuple):
    """The parts of a token. Nothing is verified yet."""

    text: str
    header: Header
    claims: Claims
    signed: bool
    """Whether it has a third part, the signature."""


def read_token(text: str) -> Token:
    """Splits a compact JWT, or only its first two parts. Raises Refusal."""
    if len(text) > LONGEST_TOKEN:
        raise Refusal(Reason.TOKEN_TOO_LONG)
    parts = text.split(".")
    if len(parts) not in (2, 3) or not text.isascii():
        raise Refusal(Reason.MALFORMED_TOKEN, "parts")
    if "=" in text:
        raise Refusal(Reason.MALFORMED_TOKEN, "padding")
    return Token(text, _header(parts[0]), _json_object(parts[1], "claims"), len(parts) == 3)


@lru_cache(maxsize=64)
def _header(segment: str) -> Header:
    """Reads a header. Tokens of one issuer share a few headers, so results are cached; refusals are not."""
    header = _json_object(segment, "header")
    for name in _KEYS_IN_HEADER:
        if name in header:
            raise Refusal(Reason.KEY_IN_HEADER, name)
    if "crit" in header:
        raise Refusal(Reason.CRITICAL_HEADER)
    algorithm, key_id, media_type = (header.get(name) for name in ("alg", "kid", "typ"))
    if not isinstance(algorithm, str):
        raise Refusal(Reason.MALFORMED_TOKEN, "alg")
    if algorithm.lower() == "none":
        raise Refusal(Reason.ALG_NONE)
    if not isinstance(key_id, str | None) or not isinstance(media_type, str | None):
        raise Refusal(Reason.MALFORMED_TOKEN, "kid or typ")
    return Header(algorithm, key_id, media_type)


def _json_object(segment: str, part: str) -> dict[str, object]:
    try:
        encoded = segment.encode().translate(_TO_STANDARD)
        data = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
        text = data.decode().strip(_WHITE_SPACE)
        parsed, end = STRICT.raw_decode(text)
        if end != len(text):
            raise ValueError("something behind the JSON")
    except DuplicateKey:
        raise Refusal(Reason.DUPLICATE_KEY, part) from None
    except (ValueError, RecursionError):
        raise Refusal(Reason.MALFORMED_TOKEN, part) from None
    if not isinstance(parsed, dict):
        raise Refusal(Reason.MALFORMED_TOKEN, part)
    return parsed


def looks_like_jwt(text: bytes) -> bool:
    """Whether a text can be a JWT: three parts, of which the first begins as a JSON object."""
    return text.count(b".") == 2 and text.isascii() and begins_as_json_object(text.partition(b".")[0])


def begins_as_json_object(segment: bytes) -> bool:
    """Whether a text is the beginning of a JSON object in base64url, with white space anywhere."""
    encoded = segment.translate(_TO_STANDARD)
    whole = encoded[: len(encoded) // 4 * 4] or encoded.ljust(4, b"=")
    try:
        decoded = binascii.a2b_base64(whole, strict_mode=True).lstrip(_WHITE_SPACE.encode())
    except binascii.Error:
        return False
    return decoded[:1] == b"{" and decoded[1:].lstrip(_WHITE_SPACE.encode())[:1] in (b'"', b"}")
