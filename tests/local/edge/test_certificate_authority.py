"""The local CA can vouch for this machine only, and clients accept what it issues."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from iot_core.edge.certificate_authority import ca_path, issue
from iot_policies import InvalidFile

AWS = "*.iot.us-east-1.amazonaws.com"
NAMES = ("localhost", "127.0.0.1", "::1", "192.168.1.7", AWS)


def handshake(folder: Path, certificate: trustme.LeafCert, host: str) -> None:
    """A client that trusts the folder's CA connects to a server with a certificate. Raises ssl.SSLError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ssl.create_default_context(cafile=ca_path(folder)).wrap_socket(ours, server_hostname=host).close()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "::1",
        "192.168.1.7",
        "vm",
        "abc-ats.iot.us-east-1.amazonaws.com",
        "my-laptop",
        "LAPTOP",
    ],
)
def test_clients_accept_its_certificate_for_each_name_of_the_endpoint(tmp_path: Path, host: str) -> None:
    handshake(tmp_path, issue(tmp_path, [*NAMES, "vm"], ["my-laptop", "LAPTOP"]), host)


@pytest.mark.parametrize(
    "host", ["example.com", "localhost.example.com", "notlocalhost", "iot.eu-west-1.amazonaws.com", "192.0.2.1", "::2"]
)
def test_clients_accept_no_other_certificate_that_its_key_signs(tmp_path: Path, host: str) -> None:
    issue(tmp_path, NAMES, [])
    key = (tmp_path / "ca-key.pem").read_bytes()
    stolen = trustme.CA.from_pem(ca_path(tmp_path).read_bytes(), key)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(tmp_path, stolen.issue_cert(host), host)


def test_its_key_makes_no_other_ca(tmp_path: Path) -> None:
    issue(tmp_path, NAMES, [])
    key = (tmp_path / "ca-key.pem").read_bytes()
    below = trustme.CA(parent_cert=trustme.CA.from_pem(ca_path(tmp_path).read_bytes(), key))
    with pytest.raises(ssl.SSLCertVerificationError, match="path length"):
        handshake(tmp_path, below.issue_cert("localhost"), "localhost")


def test_it_is_made_once(tmp_path: Path) -> None:
    issue(tmp_path, NAMES, [])
    before = ca_path(tmp_path).read_bytes()
    issue(tmp_path, ["localhost", "127.0.0.9"], [])
    assert ca_path(tmp_path).read_bytes() == before


@pytest.mark.parametrize("name", ["example.com", "192.168.1.8", "*.iot.eu-west-1.amazonaws.com"])
def test_a_name_that_it_may_not_certify_is_refused_with_advice(tmp_path: Path, name: str) -> None:
    issue(tmp_path, NAMES, [])
    with pytest.raises(InvalidFile, match=r"ca\.pem: the CA was made for other names than .*: remove it"):
        issue(tmp_path, [*NAMES, name], [])


@pytest.mark.parametrize("name", ["renamed-laptop", "with_underscore", ""])
def test_a_wished_name_that_it_may_not_certify_is_left_out(tmp_path: Path, name: str) -> None:
    issue(tmp_path, NAMES, [])
    handshake(tmp_path, issue(tmp_path, NAMES, [name]), "localhost")


@pytest.mark.parametrize("machine", ["dev", "APP", "xn--p1ai"])
def test_it_cannot_vouch_for_a_top_level_domain_because_the_machine_has_its_name(tmp_path: Path, machine: str) -> None:
    issue(tmp_path, [*NAMES, machine], [machine])
    stolen = trustme.CA.from_pem(ca_path(tmp_path).read_bytes(), (tmp_path / "ca-key.pem").read_bytes())
    site = f"www.{machine.lower()}"
    with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
        handshake(tmp_path, stolen.issue_cert(site), site)
    with pytest.raises(InvalidFile, match="made for other names"):
        issue(tmp_path, [site], [])


def test_a_ca_without_name_constraints_is_refused(tmp_path: Path) -> None:
    other = trustme.CA()
    other.cert_pem.write_to_path(ca_path(tmp_path))
    (tmp_path / "ca-key.pem").touch(mode=0o600)
    other.private_key_pem.write_to_path(tmp_path / "ca-key.pem")
    with pytest.raises(InvalidFile, match="could vouch for any host name"):
        issue(tmp_path, NAMES, [])
