"""Reads the signature that a request presents, strictly.

1. It is in the URL (`X-Amz-…` in the query string) or in the `Authorization` header, never in both.
2. Each `X-Amz-…` parameter has the case that AWS's documentation has. No parameter comes twice: the signature fits
   any order of the two, and a reader takes the first or the last one.
3. Every part must have its form. A percent sign must begin an escape, and a plus must be escaped: servers read it as a
   space or as itself.
4. The signed headers are in order and in the request. `host` is among them, as are all `x-amz-…` headers that are sent.

No error quotes a signature, a token or a secret, not even one that was sent as the key ID.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from iot_core.iam.signing import (
    ALGORITHM,
    TERMINATOR,
    CanonicalRequest,
    Scope,
    SentRequest,
    canonical_path,
    canonical_query,
    sha256,
)
from iot_policies.errors import printable

AUTHORIZATION = "the Authorization header"
_IN_URL = (b"x-amz-algorithm", b"x-amz-credential", b"x-amz-signature")
"""Parameters that only a signed URL has."""
_OF_AUTHORIZERS = "x-amz-customauthorizer-"
_REQUIRED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature")
_EXPIRES, TOKEN = "X-Amz-Expires", "X-Amz-Security-Token"
NOT_SIGNED = (b"X-Amz-Signature", TOKEN.encode())
"""Parameters of a signed URL that AWS IoT leaves out of its canonical request."""
_MOST_EXPIRES = 604_800
"""Seconds: 7 days, as for every signed URL of AWS."""
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Credential=([^ ,]+),\s*SignedHeaders=([^ ,]+),\s*Signature=([^ ,]+)")
_CREDENTIAL = tuple(map(re.compile, (r"[!-.0-~]{1,128}", r"[0-9]{8}", r"[a-z0-9-]+", r"[a-z0-9-]+", TERMINATOR)))
"""The parts of a credential."""
_DATE, _TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z"), "%Y%m%dT%H%M%SZ"
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_LONGEST = 80
"""Characters of a value that an error shows."""
_LONGEST_KEY_ID = 32
"""Characters of a key ID that an error shows. AWS's IDs have 20, its secrets 40."""


class MalformedSignature(Exception):
    """A signature that cannot be read. Its text says what was found and expected."""


@dataclass(frozen=True, slots=True)
class PresentedSignature:
    """What a request says about its signature."""

    key_id: str
    """The ID of the access key."""
    scope: Scope
    date: str
    """`YYYYMMDDTHHMMSSZ`."""
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)
    session_token: str | None = field(repr=False)
    expires: int | None = None
    """Of a URL: the seconds of `X-Amz-Expires`; None if it has none."""
    in_url: bool = False

    @property
    def time(self) -> float:
        """When the request was signed, in seconds since 1970."""
        return datetime.strptime(self.date, _TIME).replace(tzinfo=UTC).timestamp()

    def canonical(self, request: SentRequest) -> CanonicalRequest:
        """The canonical request, as AWS IoT computes it."""
        values = request.canonical_headers(self.signed_headers)
        headers = tuple((name, values[name]) for name in self.signed_headers)
        parameters = request.parameters()
        if self.in_url:
            parameters = [pair for pair in parameters if pair[0] not in NOT_SIGNED]
        query, payload = canonical_query(parameters), sha256(request.payload)
        return CanonicalRequest(request.method, canonical_path(request.path), query, headers, payload)


def place_of_signature(request: SentRequest) -> str | None:
    """Where a request has a signature of AWS, of any version; None if it has none."""
    if any(name == "authorization" and value.strip().upper().startswith(b"AWS4-") for name, value in request.headers):
        return AUTHORIZATION
    names = {name.lower() for name, _ in request.parameters()}
    return next((f"{_shown(name.title())} in the query string" for name in _IN_URL if name in names), None)


def names_authorizer(request: SentRequest) -> str | None:
    """The first parameter or header for a custom authorizer; None if a request has none."""
    names = [name for name, _ in request.headers] + [name.decode("latin-1") for name, _ in request.parameters()]
    return next((_shown(name) for name in names if name.lower().startswith(_OF_AUTHORIZERS)), None)


def read_url(request: SentRequest) -> PresentedSignature:
    """Reads the signature of a signed URL. Raises MalformedSignature."""
    if request.header("authorization") is not None:
        raise MalformedSignature("found a signature in the URL and an Authorization header: send only one of them")
    found = _parameters(request)
    if missing := next((name for name in _REQUIRED if name not in found), None):
        raise MalformedSignature(f"expected {missing} in the query string")
    if found["X-Amz-Algorithm"] != ALGORITHM:
        raise MalformedSignature(f"X-Amz-Algorithm: expected {ALGORITHM}, found {_shown(found['X-Amz-Algorithm'])}")
    key_id, scope = _credential(found["X-Amz-Credential"])
    return PresentedSignature(
        key_id,
        scope,
        _date(found["X-Amz-Date"], scope),
        _signed_headers(found["X-Amz-SignedHeaders"], request),
        _signature(found["X-Amz-Signature"]),
        found.get(TOKEN),
        _expires(found.get(_EXPIRES)),
        in_url=True,
    )


def read_header(request: SentRequest) -> PresentedSignature:
    """Reads the signature of the Authorization header. Raises MalformedSignature."""
    _check_query(request)
    if any(name.lower() in _IN_URL for name, _ in request.parameters()):
        raise MalformedSignature("found a signature in the Authorization header and in the URL: send only one of them")
    found = read_authorization(request)
    date = _text(request, "x-amz-date")
    if date is None:
        raise MalformedSignature("expected the header X-Amz-Date")
    return PresentedSignature(
        found.key_id,
        found.scope,
        _date(date, found.scope),
        _signed_headers(found.signed_headers, request),
        _signature(found.signature),
        _text(request, "x-amz-security-token"),
    )


class AuthorizationHeader(NamedTuple):
    """The parts of an Authorization header; only the credential is checked."""

    key_id: str
    scope: Scope
    signed_headers: str
    signature: str


def read_authorization(request: SentRequest) -> AuthorizationHeader:
    """Takes the Authorization header apart. Raises MalformedSignature."""
    match = _AUTHORIZATION.fullmatch(_text(request, "authorization") or "")
    if match is None:
        form = f"{ALGORITHM} Credential=…, SignedHeaders=…, Signature=…"
        raise MalformedSignature(f"Authorization: expected {form}")
    return AuthorizationHeader(*_credential(match[1]), match[2], match[3])


def _parameters(request: SentRequest) -> Mapping[str, str]:
    """The `X-Amz-…` parameters of a query string, by name."""
    _check_query(request)
    found: dict[str, str] = {}
    known = {name.lower(): name for name in (*_REQUIRED, _EXPIRES, TOKEN)}
    for name, value in request.parameters():
        text = name.decode("ascii", "replace")
        if not text.lower().startswith("x-amz-"):
            continue
        expected = known.get(text.lower(), text)
        if text != expected:
            raise MalformedSignature(f"found {_shown(text)} in the query string, expected {expected}")
        if not value.isascii():
            raise MalformedSignature(f"{_shown(text)}: expected ASCII")
        found[text] = value.decode("ascii")
    return found


def _check_query(request: SentRequest) -> None:
    for part in (request.path, request.query):
        if _BAD_ESCAPE.search(part):
            raise MalformedSignature("found a % in the URL that begins no escape, expected %25")
    # unmeasured (checks sigv4-plus, sigv4-plus-space): whether AWS reads a plus in a signed URL as a space or as itself
    # (assumed: neither, it is refused).
    if b"+" in request.query:
        raise MalformedSignature("found a + in the query string, expected %2B, or %20 for a space")
    names = set[bytes]()
    for name, _ in request.parameters():
        if name in names:
            raise MalformedSignature(f"found {_shown(name)} twice in the query string, expected it once")
        names.add(name)


def _text(request: SentRequest, name: str) -> str | None:
    """A header that must come once, as text; None if it is missing."""
    values = [value for each, value in request.headers if each == name]
    if len(values) > 1:
        raise MalformedSignature(f"found the header {name} {len(values)} times, expected it once")
    if values and not values[0].isascii():
        raise MalformedSignature(f"the header {name}: expected ASCII")
    return values[0].strip().decode("ascii") if values else None


def _credential(text: str) -> tuple[str, Scope]:
    """The key ID and the scope of a credential."""
    parts, expected = text.split("/"), f"the credential: expected KEY-ID/YYYYMMDD/REGION/SERVICE/{TERMINATOR}"
    if len(parts) != len(_CREDENTIAL):
        raise MalformedSignature(f"{expected}, found {len(parts)} parts")
    for place, (pattern, part) in reversed(list(enumerate(zip(_CREDENTIAL, parts, strict=True)))):
        if not pattern.fullmatch(part):
            found = _shown(part) if place else "another character"
            raise MalformedSignature(f"{expected}, found {found} in part {place + 1}")
    key_id, *scope, _ = parts
    return key_id, Scope(*scope)


def _date(text: str, scope: Scope) -> str:
    """A time in ISO 8601's basic format, on the day of the scope."""
    try:  # strptime also reads numbers with fewer digits.
        found = datetime.strptime(text, _TIME).replace(tzinfo=UTC) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise MalformedSignature(f"X-Amz-Date: expected YYYYMMDDTHHMMSSZ, found {_shown(text)}")
    if text[:8] != scope.date:
        raise MalformedSignature(f"the credential is for {scope.date}, and X-Amz-Date is {text}: expected the same day")
    return text


def _signed_headers(text: str, request: SentRequest) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if list(names) != sorted(set(names)) or text != text.lower():
        raise MalformedSignature(f"SignedHeaders: expected sorted names in lower case, found {_shown(text)}")
    sent = {name for name, _ in request.headers}
    _require("signed", ["host", *sorted(name for name in sent if name.startswith("x-amz-"))], set(names))
    _require("sent", names, sent)
    return names


def _require(what: str, names: Iterable[str], among: Collection[str]) -> None:
    if missing := next((name for name in names if name not in among), None):
        other = "sent" if what == "signed" else "signed"
        raise MalformedSignature(f"the header {_shown(missing)} is {other} but not {what}")


def _signature(text: str) -> str:
    if not _SIGNATURE.fullmatch(text):
        raise MalformedSignature("the signature: expected 64 hexadecimal digits in lower case")
    return text


def _expires(text: str | None) -> int | None:
    if text is None:
        return None
    if not (re.fullmatch(r"[0-9]{1,6}", text) and 1 <= int(text) <= _MOST_EXPIRES):
        raise MalformedSignature(f"X-Amz-Expires: expected seconds, 1 to {_MOST_EXPIRES}, found {_shown(text)}")
    return int(text)


def shown_key_id(key_id: str) -> str:
    """The ID of an access key, for an error, unless it looks like a secret."""
    if len(key_id) <= _LONGEST_KEY_ID:
        return key_id
    return f"with an ID of {len(key_id)} characters, as long as a secret: are the ID and the secret swapped?"


def _shown(text: str | bytes) -> str:
    """The beginning of a value, for an error."""
    shown = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    return printable(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")
