"""A server certificate of the user's own: each mistake has a message of its own, and what is right is served."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from iot_core.edge.host_check import is_named
from iot_core.edge.own_certificate import CertificateFiles, OwnCertificate
from iot_policies import InvalidFile

NAMES = ("*.devices.example.com", "iot.example.com", "127.0.0.1")
NOW = datetime.now(UTC)
ROOT = trustme.CA()
LEAF = ROOT.create_child_ca().issue_cert(*NAMES)
OTHER = ROOT.issue_cert("other.example.com")
FIRST, SECOND = (each.bytes() for each in LEAF.cert_chain_pems)
KEY = LEAF.private_key_pem.bytes()
OWN_KEY = ec.generate_private_key(ec.SECP256R1())
"""The key of self-signed certificates."""


def pem(
    key: CertificateIssuerPrivateKeyTypes,
    encryption: KeySerializationEncryption = NoEncryption(),  # noqa: B008 (it is immutable)
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    return key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)


def self_signed(*extensions: x509.ExtensionType, key: CertificateIssuerPrivateKeyTypes = OWN_KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "iot.example.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=90))
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    hashing = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, hashing).public_bytes(Encoding.PEM)


HOSTS = x509.SubjectAlternativeName([x509.DNSName("iot.example.com")])
CLIENTS_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
WHERE = x509.UniformResourceIdentifier("http://ca.example.com/r11.der")
ISSUER = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, WHERE)])


def read(folder: Path, certificate: bytes, key: bytes, now: datetime = NOW) -> OwnCertificate:
    (folder / "own.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    (folder / "key.pem").chmod(0o600)
    return OwnCertificate(CertificateFiles(folder / "own.pem", folder / "key.pem"), now)


def test_a_certificate_with_its_chain_and_key_is_served(tmp_path: Path) -> None:
    found = read(tmp_path, FIRST + SECOND, KEY)
    assert (set(found.names), found.warnings) == (set(NAMES), ())
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    found.configure_cert(server)
    ROOT.configure_trust(client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname="iot.example.com")
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (asking, serving, asking, serving):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert asking.version() == "TLSv1.3"


ISSUED = ", and has not issued it: expected the server's certificate first"
BAD = [
    (b"", KEY, "own.pem: expected a certificate in PEM, which begins with -----BEGIN"),
    (KEY, FIRST, "own.pem: has a private key and no certificate: are the two files swapped?"),
    (FIRST, FIRST, "key.pem: has a certificate and no private key: are the two files swapped?"),
    (b"\x30\x82", KEY, "own.pem: expected a certificate in PEM, found DER or PKCS #12: convert it with `openssl x509"),
    (FIRST, pem(OWN_KEY, encoding=Encoding.DER), "key.pem: expected a private key in PEM, found DER or PKCS #12"),
    (FIRST, b"hello", "key.pem: expected a private key in PEM, which begins with -----BEGIN"),
    (FIRST[:200] + FIRST[-100:], KEY, "own.pem: not a valid certificate: "),
    (FIRST, KEY[:60] + KEY[-60:], "key.pem: not a valid private key: "),
    (FIRST, pem(OWN_KEY, BestAvailableEncryption(b"x")), "encrypted with a passphrase: `openssl pkey -in "),
    (FIRST, pem(OWN_KEY), "key.pem: not the private key of the first certificate in "),
    (SECOND + FIRST, KEY, "key.pem: not the private key of the first certificate in "),
    (FIRST + OTHER.cert_chain_pems[0].bytes(), KEY, ISSUED),
    (FIRST + ROOT.cert_pem.bytes(), KEY, ISSUED),
    (self_signed(), pem(OWN_KEY), 'own.pem: "CN=iot.example.com" has no host name in subjectAltName, so clients'),
    (self_signed(HOSTS, CLIENTS_ONLY), pem(OWN_KEY), 'own.pem: "CN=iot.example.com" is not for servers: its extended'),
]


@pytest.mark.parametrize(("certificate", "key", "problem"), BAD, ids=[each[2] for each in BAD])
def test_what_cannot_be_served_is_refused_with_its_reason(
    tmp_path: Path, certificate: bytes, key: bytes, problem: str
) -> None:
    with pytest.raises(InvalidFile) as raised:
        read(tmp_path, certificate, key)
    assert problem in str(raised.value)


def test_a_short_rsa_key_that_openssl_refuses_is_refused_at_the_start(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    with pytest.raises(InvalidFile, match="OpenSSL refuses the certificate: ee key too small"):
        read(tmp_path, self_signed(HOSTS, key=key), pem(key))


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "found an EC key with secp256k1: "),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "found an EC key with brainpoolP256r1: "),
        (dsa.generate_private_key(1024), "found a key of another kind: "),
    ],
    ids=["secp256k1", "brainpool", "DSA"],
)
def test_a_key_with_which_no_client_agrees_is_refused_at_the_start(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey, problem: str
) -> None:
    with pytest.raises(InvalidFile, match=f"{problem}expected RSA, or EC with P-256, P-384 or P-521"):
        read(tmp_path, self_signed(HOSTS, key=key), pem(key))


@pytest.mark.parametrize(("days", "problem"), [(91, "expired on"), (-1, "is not valid before")])
def test_a_certificate_must_be_valid_now(tmp_path: Path, days: int, problem: str) -> None:
    with pytest.raises(InvalidFile, match=f'"CN=iot.example.com" {problem} '):
        read(tmp_path, self_signed(HOSTS), pem(OWN_KEY), NOW + timedelta(days=days))


@pytest.mark.parametrize("missing", ["own.pem", "key.pem"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    read(tmp_path, FIRST, KEY)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError) as raised:
        OwnCertificate(CertificateFiles(tmp_path / "own.pem", tmp_path / "key.pem"), NOW)
    assert str(raised.value.filename).endswith(missing)


@pytest.mark.parametrize(
    ("extensions", "days", "expected"),
    [((HOSTS, ISSUER), 0, "use the file with the whole chain, such as fullchain.pem"), ((HOSTS,), 80, "expires on ")],
    ids=["a chain without its intermediate certificate", "a certificate that expires soon"],
)
def test_a_probable_mistake_is_a_warning(
    tmp_path: Path, extensions: tuple[x509.ExtensionType, ...], days: int, expected: str
) -> None:
    [warning] = read(tmp_path, self_signed(*extensions), pem(OWN_KEY), NOW + timedelta(days=days)).warnings
    assert expected in warning


def test_a_key_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "own.pem", tmp_path / "key.pem")
    read(tmp_path, FIRST + SECOND, KEY)
    files.key.chmod(0o644)
    [warning] = OwnCertificate(files, NOW).warnings
    assert warning.endswith("key.pem: other users of this machine can read the private key: run chmod 600")


def test_a_key_that_browsers_do_not_know_is_a_warning(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    [warning] = read(tmp_path, self_signed(HOSTS, key=key), pem(key)).warnings
    assert "browsers and many devices refuse a certificate with an Ed25519 key" in warning


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (("localhost", "iot.example.com"), "localhost", "localhost"),
        (("iot.example.com", "10.0.0.1"), "localhost", "iot.example.com"),
        (("*.example.com",), "localhost", "iot.example.com"),
        (("*.example.com", "10.0.0.1"), "pump.example.com", "pump.example.com"),
    ],
)
def test_clients_reach_it_under_its_host_or_the_first_name_of_the_certificate(
    tmp_path: Path, names: tuple[str, ...], host: str, expected: str
) -> None:
    leaf = ROOT.issue_cert(*names)
    found = read(tmp_path, leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())
    assert found.name_for(host) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.example.com", True), ("example.com", False), ("a.b.example.com", False), ("b.org", True), ("a.b.org", False)],
)
def test_a_wildcard_is_one_whole_label(name: str, expected: bool) -> None:
    assert is_named(name, ("*.example.com", "b.org")) is expected
