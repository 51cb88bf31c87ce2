"""Invalid HTTP requests are answered and end only their own connection."""

import pytest

from tests.local.harness.fixtures import both_loops
from tests.local.harness.others import Others
from tests.local.harness.running import Running

pytestmark = both_loops

HTTP = {
    "no request line": (b"A\r\n\r\n", b"400"),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    "http 0.9": (b"GET /\r\n\r\n", b"400"),
    "a space in a header's name": (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"400"),
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"400",
    ),
    "a length and chunks": (
        b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, x\r\nContent-Length: 2\r\n\r\nab",
        b"400",
    ),
    "a length and one chunked body": (
        b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"400",
    ),
    "different lengths in a list": (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 2\r\n\r\nab", b"400"),
    "an empty length in a list": (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1,\r\n\r\na", b"400"),
    "chunks in HTTP 1.0": (
        b"POST /topics/a HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"400",
    ),
    "a length that is no number": (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
    "a length of too many digits": (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + 5000 * b"9" + b"\r\n\r\n",
        b"400",
    ),
    "a bare line feed in a header": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", b"400"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n", b"400"),
    "a body that is no chunk": (
        b"POST /topics/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"400",
    ),
    "an endless head": (b"GET / HTTP/1.1\r\nX: " + 40_000 * b"a", b"431"),
}


@pytest.mark.one_core
@pytest.mark.parametrize(("content", "status"), HTTP.values(), ids=list(HTTP))
def test_an_invalid_http_request_is_answered_and_ends_its_connection(
    running: Running, others: Others, capfd: pytest.CaptureFixture[str], content: bytes, status: bytes
) -> None:
    channel = running.plain()
    channel.send(content)
    assert channel.receive_all().split(b" ")[1] == status
    others.exchange()
    assert capfd.readouterr() == ("", "")


def test_invalid_bytes_after_a_request_that_is_being_answered_end_the_connection(
    running: Running, others: Others, capfd: pytest.CaptureFixture[str]
) -> None:
    channel = running.plain()
    channel.send(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert b"404" in channel.receive()
    channel.send(b"rubbish\r\n")
    channel.receive_all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("lengths", [b"Content-Length: 1, 1\r\n", 2 * b"Content-Length: 1\r\n"])
def test_equal_lengths_are_one_length(running: Running, lengths: bytes) -> None:
    channel = running.plain()
    channel.send(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lengths + b"\r\na")
    assert channel.receive_all().count(b"HTTP/1.1 ") == 1
