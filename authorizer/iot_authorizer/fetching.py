"""Fetches one document over HTTP, and says in words why it cannot.

1. Exactly this URL is fetched: no redirect is followed, no `file:` and no proxy of the environment is used.
2. At most LARGEST bytes are read, as they are sent and after decompression. Content codings are gzip and deflate.
3. JSON is Unicode, and a byte order mark says which one. A body that is not UTF-8 is read in the charset of its header.
4. Every failure is a FetchError with its cause. The cause quotes nothing that the server sent except the place of a
   redirect, and of a URL neither the query string nor user information, nor more than LONGEST_URL: it is logged.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse, InvalidURL
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from iot_authorizer.cached import FetchError

LARGEST = 256 * 1024
"""Bytes."""
LONGEST_URL = 200
"""Characters of a URL in a cause, which each refused client logs."""

_HEADERS = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "gzip, deflate, identity",
    "User-Agent": "iot-authorizer",  # Some servers refuse Python's own.
}
_CAUSES: Mapping[type[BaseException], str] = {
    socket.gaierror: "the host name cannot be resolved",
    TimeoutError: "no answer in time",
    ConnectionRefusedError: "the connection was refused",
    ConnectionError: "the server closed the connection",
    InvalidURL: "the URL is invalid",
    HTTPException: "the answer is not valid HTTP",
}
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""zlib's window bits for each content coding. Some servers send deflate without the header of zlib."""
_ONE_BYTE_CHARSETS = ("iso-8859-1", "iso-8859-15", "latin1", "windows-1252")


def fetch(url: str, timeout: float) -> bytes:
    """Fetches a JSON document. `timeout` is in seconds for each step. Raises FetchError."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    try:
        with opener.open(Request(url, headers=_HEADERS), timeout=timeout) as response:  # noqa: S310 (only HTTP and HTTPS are opened)
            if response.status != 200:
                raise FetchError(_status(response, url))
            body = _decompressed(_read(response, timeout), response.headers.get("Content-Encoding") or "identity")
            return _unicode(body, response.headers.get_content_charset())
    except (OSError, HTTPException) as error:
        raise FetchError(_cause(error)) from None


def public_url(url: str) -> str:
    """An HTTP URL without parameters and user information, cut, in printable ASCII. Raises ValueError for others."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an HTTP URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    path, parameters, _ = parts.path.partition(";")  # Java's servers put session IDs there.
    shown = quote(f"{parts.scheme}://{host}{port}{path}", safe="/:[]%@!$&'()*+,=")
    if len(shown) > LONGEST_URL:
        return f"{shown[:LONGEST_URL]}…"
    return f"{shown}{parameters}…" if parameters else f"{shown}?…" if parts.query else shown


def _status(response: HTTPResponse, url: str) -> str:
    location = response.headers.get("Location")
    if location is None or response.status // 100 != 3:
        return f"expected status 200, found {response.status}"
    try:
        place = public_url(urljoin(url, location))
    except ValueError:
        return f"redirected ({response.status}) to an invalid URL"
    return f"redirected ({response.status}) to {place}: set jwks to it if it is right"


def _read(response: HTTPResponse, timeout: float) -> bytes:
    body = b""
    deadline = time.monotonic() + timeout
    while chunk := response.read1(LARGEST):
        body += chunk
        if len(body) > LARGEST:
            raise FetchError("expected at most 256 KiB")
        if time.monotonic() > deadline:
            raise FetchError("no complete answer in time")
    if response.length:
        raise FetchError("the answer is incomplete")
    return body


def _decompressed(body: bytes, coding: str) -> bytes:
    name = coding.strip().lower()
    for window in _WINDOWS.get(name, ()):
        stream = zlib.decompressobj(window)
        try:
            found = stream.decompress(body, LARGEST + 1)
        except zlib.error:
            continue
        if len(found) > LARGEST:
            raise FetchError("expected at most 256 KiB after decompression")
        if stream.eof:
            return found
    if name in _WINDOWS or (name != "identity" and not body.lstrip().startswith(b"{")):
        raise FetchError("the content coding is not gzip or deflate, or is damaged")
    return body


def _unicode(body: bytes, charset: str | None) -> bytes:
    if charset not in _ONE_BYTE_CHARSETS:
        return body
    try:
        body.decode()  # Servers give a charset to files that are UTF-8.
    except UnicodeDecodeError:
        return body.decode(charset, "replace").encode()
    return body


def _cause(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLError):
        return f"TLS failed: {getattr(reason, 'verify_message', None) or reason.reason or 'unknown'}"
    for kind, cause in _CAUSES.items():
        if isinstance(reason, kind):
            return cause
    return (isinstance(reason, OSError) and reason.strerror) or type(reason).__name__
