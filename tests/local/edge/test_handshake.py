"""The feed says why a TLS handshake failed."""

import socket
import ssl
from pathlib import Path

import pytest
import trustme

from tests.local.harness.channels import wrapped
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running

pytestmark = both_loops


@pytest.fixture
def other_ca(tmp_path: Path) -> Path:
    """The certificate of a CA that has nothing to do with it."""
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


def test_a_client_that_does_not_trust_the_ca_is_named_in_the_feed(running: Running, other_ca: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        wrapped(running.to_port(running.core.tls_port).socket, other_ca)
    assert "does not trust" in running.record("refused_bytes", reason="tls_failed")["detail"]


@pytest.mark.parametrize(
    "content", [b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03ann", b"GET / HTTP/1.1\r\n\r\n"], ids=["mqtt", "http"]
)
def test_plain_bytes_on_the_tls_port_are_named_in_the_feed(running: Running, content: bytes) -> None:
    channel = running.to_port(running.core.tls_port)
    channel.send(content)
    channel.receive_all()
    assert "plain port" in running.record("refused_bytes", reason="tls_failed")["detail"]


def test_an_old_tls_version_is_named_in_the_feed(running: Running) -> None:
    context = ssl.create_default_context(cafile=running.core.ca_path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(running.to_port(running.core.tls_port).socket, server_hostname="localhost")
    assert "before 1.2" in running.record("refused_bytes", reason="tls_failed")["detail"]


def test_a_client_that_closes_during_its_handshake_is_not_in_the_feed(running: Running) -> None:
    for beginning in (b"", b"\x16\x03\x01"):
        channel = running.to_port(running.core.tls_port)
        channel.send(beginning)
        channel.socket.shutdown(socket.SHUT_WR)
        channel.receive_all()
    kinds = running.core.call(lambda: {record["kind"] for record in running.core.feed.recent()})
    assert "refused_bytes" not in kinds
