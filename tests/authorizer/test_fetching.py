"""What real servers answer instead of a JWKS: it is read, or the log says why it is not."""

import gzip
import json
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

import pytest
import trustme

from iot_authorizer.cached import FetchError
from iot_authorizer.fetching import LARGEST, fetch, public_url
from iot_authorizer.jwks import KeySetUrl
from iot_authorizer.keys import KeySet
from tests.authorizer.key_server import KeyServer, key_server
from tests.authorizer.keys import signing_key

PATIENT = 60.0
KEYS = json.dumps({"keys": [signing_key("RS256").jwk()], "owner": "é"}, ensure_ascii=False)
UTF_8 = KEYS.encode()


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


READ: dict[str, tuple[dict[str, str], bytes]] = {
    "plain-text": ({"Content-Type": "text/plain"}, UTF_8),
    "html-type": ({"Content-Type": "text/html; charset=utf-8"}, UTF_8),
    "no-type": ({}, UTF_8),
    "byte-order-mark": ({}, b"\xef\xbb\xbf" + UTF_8),
    "utf-16": ({"Content-Type": "application/json; charset=utf-16"}, KEYS.encode("utf-16")),
    "latin-1": ({"Content-Type": "application/json; charset=ISO-8859-1"}, KEYS.encode("latin-1")),
    "windows": ({"Content-Type": "application/json; charset=windows-1252"}, KEYS.encode("cp1252")),
    "utf-8-called-latin-1": ({"Content-Type": "application/json; charset=ISO-8859-1"}, UTF_8),
    "charset-with-null": ({"Content-Type": 'application/json; charset="\0"'}, UTF_8),
    "unknown-charset": ({"Content-Type": "application/json; charset=nonsense"}, UTF_8),
    "codec-that-is-no-charset": ({"Content-Type": "application/json; charset=rot13"}, UTF_8),
    "gzip": ({"Content-Encoding": "gzip"}, gzip.compress(UTF_8)),
    "x-gzip": ({"Content-Encoding": " X-GZIP"}, gzip.compress(UTF_8)),
    "deflate": ({"Content-Encoding": "deflate"}, zlib.compress(UTF_8)),
    "raw-deflate": ({"Content-Encoding": "deflate"}, raw_deflate(UTF_8)),
    "identity": ({"Content-Encoding": "identity"}, UTF_8),
    "charset-as-coding": ({"Content-Encoding": "UTF-8"}, UTF_8),
    "largest-after-decompression": ({"Content-Encoding": "gzip"}, gzip.compress(UTF_8.ljust(LARGEST))),
}


@pytest.mark.parametrize(("headers", "body"), READ.values(), ids=READ)
def test_a_jwks_is_read_in_the_forms_that_servers_send(server: KeyServer, headers: dict[str, str], body: bytes) -> None:
    server.headers, server.body = headers, body
    assert KeySetUrl(server.url, PATIENT)().find("main-RS256", "RS256")


def test_servers_that_refuse_pythons_own_user_agent_answer(server: KeyServer) -> None:
    KeySetUrl(server.url, PATIENT)()
    assert server.agents == ["iot-authorizer"]


NOT_READ: dict[str, tuple[int, dict[str, str], bytes, str]] = {
    "html": (200, {"Content-Type": "text/html"}, b"\n<!doctype html>", "expected a JWKS, found an HTML or XML page"),
    "text": (200, {}, b"keys", "expected a JWKS, found text that is not JSON"),
    "empty": (200, {}, b"", "expected a JWKS, found text that is not JSON"),
    "discovery": (200, {}, b'{"jwks_uri": ""}', "found an OpenID configuration: use the URL in its jwks_uri"),
    "pem": (200, {}, b"-----BEGIN CERTIFICATE-----", "expected a JWKS, found PEM"),
    "firebase": (200, {}, b'{"a": "-----BEGIN CERTIFICATE-----"}', 'an object with a list "keys", found PEM by key ID'),
    "no-keys": (200, {}, b'{"keys": []}', "found no key that could verify a token"),
    "no-key-set": (200, {}, b"{}", 'expected a JWKS: an object with a list "keys"'),
    "private-key": (200, {}, b'{"keys": [{"d": "s3cret"}]}', "has a private key or a secret: publish only public keys"),
    "created": (201, {}, UTF_8, "expected status 200, found 201"),
    "no-content": (204, {}, b"", "expected status 200, found 204"),
    "not-found": (404, {}, UTF_8, "expected status 200, found 404"),
    "forbidden": (403, {}, UTF_8, "expected status 200, found 403"),
    "unavailable": (503, {"Location": "/"}, UTF_8, "expected status 200, found 503"),
    "not-modified": (304, {}, b"", "expected status 200, found 304"),
    "redirect-relative": (
        302,
        {"Location": "/v2/keys"},
        b"",
        "redirected (302) to {server}/v2/keys: set jwks to it if it is right",
    ),
    "redirect-elsewhere": (
        301,
        {"Location": "https://b.example/k"},
        b"",
        "redirected (301) to https://b.example/k: set jwks to it",
    ),
    "redirect-with-secrets": (
        301,
        {"Location": "https://ann:s3cret@b.example:444/k?code=s3cret#s3cret"},
        b"",
        "to https://b.example:444/k?…: set",
    ),
    "redirect-with-a-session": (302, {"Location": "/k;jsessionid=s3cret"}, b"", "to {server}/k;…: set"),
    "redirect-far": (
        302,
        {"Location": "https://b.example/" + "k" * 9999},
        b"",
        "to https://b.example/" + "k" * 182 + "…",
    ),
    "redirect-with-control-characters": (301, {"Location": "/\x1b[31m"}, b"", "to {server}/%1B[31m: set"),
    "redirect-to-a-script": (301, {"Location": "javascript:s3cret"}, b"", "redirected (301) to an invalid URL"),
    "redirect-to-nowhere": (301, {"Location": "https://[b"}, b"", "redirected (301) to an invalid URL"),
    "large": (200, {}, UTF_8.ljust(LARGEST + 1), "expected at most 256 KiB"),
    "bomb": (
        200,
        {"Content-Encoding": "gzip"},
        gzip.compress(bytes(50_000_000)),
        "expected at most 256 KiB after decompression",
    ),
    "bomb-of-deflate": (200, {"Content-Encoding": "deflate"}, raw_deflate(bytes(50_000_000)), "after decompression"),
    "half-gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(UTF_8)[:-9], "the content coding is not gzip or"),
    "no-gzip": (200, {"Content-Encoding": "gzip"}, UTF_8, "the content coding is not gzip or deflate, or is damaged"),
    "brotli": (200, {"Content-Encoding": "br"}, b"\x8b\x0f", "the content coding is not gzip or deflate"),
    "gzip-twice": (200, {"Content-Encoding": "gzip, gzip"}, gzip.compress(UTF_8), "the content coding is not gzip"),
    "incomplete": (200, {"Content-Length": "9999"}, UTF_8, "the answer is incomplete"),
    "broken-chunks": (200, {"Transfer-Encoding": "chunked"}, b"xyz\r\n", "the answer is not valid HTTP"),
}


@pytest.mark.parametrize(("status", "headers", "body", "cause"), NOT_READ.values(), ids=NOT_READ)
def test_an_answer_that_is_not_a_jwks_has_a_cause_without_secrets(
    server: KeyServer, status: int, headers: dict[str, str], body: bytes, cause: str
) -> None:
    server.status, server.headers, server.body = status, headers, body
    with pytest.raises(FetchError) as failed:
        KeySetUrl(server.url, PATIENT)()
    assert cause.format(server=server.url.removesuffix("/keys")) in str(failed.value)
    assert "s3cret" not in str(failed.value)


Serve = Callable[[socket.socket], object]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A port on which each connection is served by a function, then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = Thread(target=run)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


def refusing() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    yield port


def with_certificate(name: str) -> Serve:
    """Serves TLS with a certificate of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(context)

    def serve(connection: socket.socket) -> None:
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:  # The client refuses the certificate.
            return

    return serve


def answering(text: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)

    return serve


BROKEN: dict[str, tuple[AbstractContextManager[int], str, str]] = {
    "refused": (contextmanager(refusing)(), "http", "the connection was refused"),
    "closed": (listening(answering(b"")), "http", "the server closed the connection"),
    "no-http": (listening(answering(b"SSH-2.0-OpenSSH\r\n\r\n")), "http", "the answer is not valid HTTP"),
    "self-made-certificate": (listening(with_certificate("localhost")), "https", "TLS failed: unable to get local"),
    "no-tls": (listening(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "https", "TLS failed: "),
}


@pytest.mark.parametrize(("server", "scheme", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_server_that_does_not_speak_http_has_a_cause(
    server: AbstractContextManager[int], scheme: str, cause: str
) -> None:
    with server as port, pytest.raises(FetchError, match=f"^{cause}"):
        fetch(f"{scheme}://localhost:{port}/keys", PATIENT)


def test_a_server_that_stops_in_its_answer_is_not_waited_for() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    slow = listening(lambda connection: (answering(head)(connection), connection.recv(1)))
    with slow as port, pytest.raises(FetchError, match="no answer in time"):
        fetch(f"http://localhost:{port}/keys", 0.05)


def test_a_host_name_that_does_not_exist_has_a_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"^the host name cannot be resolved$"):
        fetch("https://auth.example.com/keys", PATIENT)


def test_a_path_that_no_request_can_have_has_a_cause() -> None:
    with pytest.raises(FetchError, match=r"^the URL is invalid$"):
        fetch("http://localhost/a key", PATIENT)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:s3cret@a.example/k?s3cret=1#s3cret", "https://a.example/k?…"),
        ("http://[::1]:8080/k", "http://[::1]:8080/k"),
        ("https://a.example", "https://a.example"),
    ],
)
def test_a_url_is_shown_without_what_can_be_secret(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_a_jwks_file_with_a_byte_order_mark_is_read() -> None:
    assert KeySet.parse(b"\xef\xbb\xbf" + UTF_8).verifies_anything()
