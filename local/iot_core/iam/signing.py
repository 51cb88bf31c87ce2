"""Signature Version 4: the canonical request and its signature (IAM user guide, "Create a signed AWS API request").

1. The canonical request has the method, the path, the query string, the signed headers and the payload's hash.
2. Path: without empty and `.` segments, `..` resolved, then percent-encoded. The path on the wire is encoded already,
   so it is encoded twice in the end.
3. Query string: names and values decoded, encoded in one way, and sorted by name, then by value.
4. Headers: names in lower case, repeated ones joined with a comma, values trimmed, with single spaces.
5. The signature is an HMAC of the canonical request's hash, with a key made from the secret and the credential scope.

Nothing here decides: `verifying` does.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
"""The last part of a credential scope."""
_SPACES = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class SentRequest:
    """An HTTP request, as it came over the network."""

    method: str
    path: bytes
    """The request target before the `?`."""
    query: bytes
    """The request target after the `?`; empty if it has none."""
    headers: tuple[tuple[str, bytes], ...]
    """Names in lower case, in the order of the request."""
    payload: bytes = b""

    def header(self, name: str) -> bytes | None:
        """The canonical value of a header: repeated ones are joined; None if the request has none."""
        return self.canonical_headers([name]).get(name)

    def canonical_headers(self, names: Iterable[str]) -> dict[str, bytes]:
        """The canonical values of some headers, by name; those that the request has."""
        wanted, found = set(names), dict[str, list[bytes]]()
        for name, value in self.headers:
            if name in wanted:
                found.setdefault(name, []).append(_SPACES.sub(b" ", value.strip()))
        return {name: b",".join(values) for name, values in found.items()}

    def parameters(self) -> list[tuple[bytes, bytes]]:
        """The names and values of the query string, decoded, in the order of the request."""
        pairs = (piece.partition(b"=") for piece in self.query.split(b"&") if piece)
        return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]


class Scope(NamedTuple):
    """A credential scope: what a signing key is for."""

    date: str
    """`YYYYMMDD`."""
    region: str
    service: str

    def __str__(self) -> str:
        return "/".join((*self, TERMINATOR))


class CanonicalRequest(NamedTuple):
    """The parts of a canonical request, each in canonical form."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, bytes], ...]
    """The signed ones, in the order of their names."""
    payload_hash: str

    def digest(self) -> str:
        """The SHA-256 of the canonical request, in hexadecimal."""
        lines = b"".join(name.encode() + b":" + value + b"\n" for name, value in self.headers)
        names = ";".join(name for name, _ in self.headers)
        head, tail = "\n".join((self.method, self.path, self.query)), f"{names}\n{self.payload_hash}"
        return sha256(b"\n".join((head.encode(), lines, tail.encode())))


def canonical_path(path: bytes) -> str:
    """The canonical form of a path as it is on the wire."""
    segments: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del segments[-1:]
        elif segment not in (b"", b"."):
            segments.append(segment)
    last = b"/" if segments and path.endswith((b"/", b"/.", b"/..")) else b""
    return encoded(b"/" + b"/".join(segments) + last, "/")


def canonical_query(parameters: Iterable[tuple[bytes, bytes]]) -> str:
    """The canonical form of decoded parameters."""
    return "&".join(f"{name}={value}" for name, value in sorted((encoded(n), encoded(v)) for n, v in parameters))


def encoded(text: bytes, safe: str = "") -> str:
    """Percent-encodes everything but unreserved characters (RFC 3986, section 2.3)."""
    return quote(text, safe=safe)


def sha256(content: bytes) -> str:
    """The SHA-256 of a content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def signature(secret: str, scope: Scope, time: str, request: CanonicalRequest) -> str:
    """The signature of a request at a time, `YYYYMMDDTHHMMSSZ`, in hexadecimal."""
    to_sign = "\n".join((ALGORITHM, time, str(scope), request.digest()))
    return hmac.digest(_signing_key(secret, scope), to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=64)
def _signing_key(secret: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*scope, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
