"""Recognizes JSON Web Tokens in texts and splits them strictly, before anything about them is verified."""

import binascii
import re
import string
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_identities.strict_json import STRICT, DuplicateKey

LONGEST_TOKEN = 8192
"""Bytes. Anyone can send a token, and the work before its signature is verified grows with it."""

KEY_PARAMETERS = frozenset({"jku", "jwk", "x5u", "x5c"})
"""The parameters of a header that bring a key or name its place (RFC 7515, section 4.1). They are never followed."""

EDWARDS = frozenset({"EdDSA", "Ed25519"})
"""Two names for one algorithm: RFC 9864 replaces `EdDSA`, which leaves the curve open. Ed448 is not supported."""

_WHITE_SPACE = " \t\n\r"
_NOT_BASE64URL = re.compile(r"[^A-Za-z0-9_.-]+")
_TOKEN_CHARACTERS = (string.ascii_letters + string.digits + "-_.").encode()
_TO_STANDARD = bytes(byte if byte in _TOKEN_CHARACTERS else 0 for byte in range(256)).translate(
    bytes.maketrans(b"-_", b"+/")
)
"""From base64url to base64. All characters that a token must not have become 0 (RFC 7515, section 2)."""
_FOREIGN = {
    "bearer ": "`Bearer ` in front of it: remove it",
    "?": 'a second "?": join parameters with "&"',
    "&": 'an "&": encode it, or remove what follows the token',
    "\n": "a line end: remove it",
    "\r": "a line end: remove it",
    " ": "a space: remove it",
    "\t": "a tab: remove it",
    '"': "quotes: remove them",
    "'": "quotes: remove them",
    "%": "percent-encoded: decode it once",
    "+": "standard base64: expected base64url",
    "/": "standard base64: expected base64url",
    "=": "padding",
}
"""What no JWT has, in lower case, and what to do about it. The first one in this order is named."""


class Header(NamedTuple):
    """The parts of a JOSE header that say how to verify the token (RFC 7515, section 4.1)."""

    algorithm: str
    key_id: str | None
    type: str | None
    """The media type in full and in lower case, such as `application/at+jwt`."""
    key_parameters: frozenset[str]
    """Those of KEY_PARAMETERS that it has."""


class Token(NamedTuple):
    """The parts of a token. Nothing is verified yet."""

    text: str
    header: Header
    payload: bytes
    """The bytes that `claims` were read from."""
    claims: dict[str, object]
    signed: bool
    """Whether it has a third part, the signature."""


def read_token(text: str) -> Token:
    """Splits a compact JWT, or only its first two parts. Raises Refusal."""
    if len(text) > LONGEST_TOKEN:
        raise Refusal(Reason.TOKEN_TOO_LONG)
    try:
        parts = _in_standard(text).split(b".")
        signed = len(parts) == 3
        if not signed and len(parts) != 2:
            raise Refusal(Reason.MALFORMED_TOKEN, "parts")
        header, payload = _header(parts[0]), _decoded(parts[1], "claims")
        token = Token(text, header, payload, _json_object(payload, "claims"), signed)
        if signed and (b"\0" in parts[2] or len(parts[2]) % 4 == 1):  # Such a token must not make keys be fetched.
            raise Refusal(Reason.MALFORMED_TOKEN, "signature")
    except Refusal as refusal:
        raise (malformed(text, refusal.detail) if refusal.reason == Reason.MALFORMED_TOKEN else refusal) from None
    return token


def malformed(text: str, part: str) -> Refusal:
    """The refusal of a text that is not a JWT: its detail says what to remove, otherwise which part is malformed."""
    if not text.isascii():
        return Refusal(Reason.MALFORMED_TOKEN, "a character that is not ASCII: remove it")
    lower = text.lower()
    found = next((advice for foreign, advice in _FOREIGN.items() if foreign in lower), part)
    return Refusal(Reason.MALFORMED_TOKEN, found)


def media_type(text: str) -> str:
    """A `typ` in full and in lower case: RFC 7515, section 4.1.9, lets issuers leave `application/` out."""
    lower = text.lower()
    return lower if "/" in lower else f"application/{lower}"


def same_algorithms(algorithms: Iterable[str]) -> frozenset[str]:
    """Algorithms with all their names."""
    found = frozenset(algorithms)
    return found if found.isdisjoint(EDWARDS) else found | EDWARDS


@lru_cache(maxsize=64)
def _header(segment: bytes) -> Header:
    """Reads a header. Tokens of one issuer share a few headers, so results are cached; refusals are not."""
    header = _json_object(_decoded(segment, "header"), "header")
    if "crit" in header:
        raise Refusal(Reason.CRITICAL_HEADER)
    algorithm, key_id, kind = (_text(header, name) for name in ("alg", "kid", "typ"))
    if algorithm is None:
        raise Refusal(Reason.MALFORMED_TOKEN, "alg")
    if header.get("b64", True) is not True:  # RFC 7797: it changes what is signed, and must be in `crit`.
        raise Refusal(Reason.MALFORMED_TOKEN, "b64")
    if algorithm.lower() == "none":
        raise Refusal(Reason.ALG_NONE)
    return Header(algorithm, key_id, None if kind is None else media_type(kind), KEY_PARAMETERS.intersection(header))


def _text(header: Mapping[str, object], name: str) -> str | None:
    value = header.get(name)
    if isinstance(value, str):
        return value
    if name in header:
        raise Refusal(Reason.MALFORMED_TOKEN, name)
    return None


def _json_object(decoded: bytes, part: str) -> dict[str, object]:
    try:
        text = decoded.decode().strip(_WHITE_SPACE)
        parsed, end = STRICT.raw_decode(text)
        if end != len(text):
            raise ValueError("something behind the JSON")
    except DuplicateKey:
        raise Refusal(Reason.DUPLICATE_KEY, part) from None
    except ValueError:
        raise Refusal(Reason.MALFORMED_TOKEN, part) from None
    if not isinstance(parsed, dict):
        raise Refusal(Reason.MALFORMED_TOKEN, part)
    return parsed


def _in_standard(text: str) -> bytes:
    try:
        return text.encode().translate(_TO_STANDARD)
    except ValueError:  # A lone surrogate.
        raise Refusal(Reason.MALFORMED_TOKEN, "parts") from None


def _decoded(segment: bytes, part: str) -> bytes:
    """The bytes of a segment, which is in standard base64 without padding."""
    try:
        return binascii.a2b_base64(segment + b"=" * (-len(segment) % 4), strict_mode=True)
    except ValueError:
        raise Refusal(Reason.MALFORMED_TOKEN, part) from None


def token_in(password: bytes) -> str | None:
    """A password as a text if it is a JWT, or has one in it: then the verifier says what to remove."""
    if password.count(b".") < 2:
        return None
    text = password.decode("utf-8", "replace")
    whole = password.count(b".") == 2 and password.isascii() and _begins_as_json_object(password.partition(b".")[0])
    return text if whole or has_jwt(text) else None


def has_jwt(text: str) -> bool:
    """Whether a JWT is somewhere in a text, with its signature or without."""
    runs = (run.split(".") for run in _NOT_BASE64URL.split(text) if "." in run)
    return any(after and _begins_as_json_object(part.encode()) for run in runs for part, after in pairwise(run))


def _begins_as_json_object(segment: bytes) -> bool:
    """Whether a text is the beginning of a JSON object in base64url, with white space anywhere."""
    encoded = segment.translate(_TO_STANDARD)
    whole = encoded[: len(encoded) // 4 * 4] or encoded.ljust(4, b"=")
    try:
        decoded = binascii.a2b_base64(whole, strict_mode=True).lstrip(_WHITE_SPACE.encode())
    except binascii.Error:
        return False
    return decoded[:1] == b"{" and decoded[1:].lstrip(_WHITE_SPACE.encode())[:1] in (b'"', b"}")
