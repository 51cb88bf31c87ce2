"""A server certificate and a private key of the user's own, for the TLS port.

1. The certificate file has the server's certificate first, then the CAs' certificates: each one has issued the one
   before it (RFC 8446, section 4.4.2). The root may be missing, because clients have it.
2. The key file has the private key of the server's certificate, without a passphrase.
   Clients know its kind.
3. All certificates are valid now. The server's one names its hosts in subjectAltName: clients read no other name (RFC
   9525, section 2).
4. Nothing here says whether clients trust the CA. They trust it as they do elsewhere.
5. The data folder has a copy of the server's certificate, by which tools of this machine recognize the server.
"""

import contextlib
import shlex
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from iot_core.edge.host_check import is_named
from iot_core.whole_file import others_can_use, write_whole
from iot_policies import InvalidFile

_COPY = "own-certificate.pem"
_SOON = timedelta(days=14)
_CURVES = {"secp256r1", "secp384r1", "secp521r1"}
"""Curves of keys that clients offer by default: P-256, P-384, P-521."""
_DER = b"\x30"
"""The first byte of a certificate or key in DER, and of PKCS #12."""


class CertificateFiles(NamedTuple):
    """The files of a server certificate, in PEM."""

    certificate: Path
    """The server's certificate, then those of the CAs without the root."""
    key: Path
    """Its private key."""


def copy_path(folder: Path) -> Path:
    """The copy in a data folder. It is there from a start with such a certificate until the next start without one."""
    return folder / _COPY


def copied_names(folder: Path) -> Sequence[str]:
    """The names in the copy in a data folder; none if there is no copy. Raises InvalidFile, OSError."""
    path = copy_path(folder)
    return _names(path, _read_chain(path)[0]) if path.exists() else ()


class OwnCertificate:
    """A certificate that was read and checked."""

    def __init__(self, files: CertificateFiles, now: datetime) -> None:
        """Reads the files. Raises InvalidFile, OSError."""
        self._files = files
        chain = _read_chain(files.certificate)
        _check_key(files, _read_key(files.key), chain[0])
        _check_kind(files.certificate, chain[0].public_key())
        self.names = _names(files.certificate, chain[0])
        """Host names, `*.` and a host name, and IP addresses, as the certificate has them."""
        self.ends = min(each.not_valid_after_utc for each in chain)
        """When the first certificate of the chain expires."""
        _check_times(files.certificate, chain, now)
        _check_order(files.certificate, chain)
        _check_use(files.certificate, chain[0])
        self.warnings = tuple(_warnings(files, chain, self.ends, now))
        """What is probably a mistake, in sentences."""
        self._first = chain[0]
        self.configure_cert(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    @property
    def path(self) -> Path:
        """The certificate's file."""
        return self._files.certificate

    def configure_cert(self, context: ssl.SSLContext) -> None:
        """Lets a context use the certificate. Raises InvalidFile if OpenSSL refuses it, as for a short RSA key."""
        try:
            context.load_cert_chain(self._files.certificate, self._files.key)
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise InvalidFile(self.path, None, "", f"OpenSSL refuses the certificate: {reason}") from None

    def name_for(self, host: str) -> str:
        """A name under which clients reach the server: the host if the certificate has it, else its first name."""
        if is_named(host, self.names):
            return host
        plain = [each for each in self.names if not each.startswith("*")]
        return plain[0] if plain else self.names[0].replace("*", "iot", 1)

    def copy_to(self, folder: Path) -> None:
        """Writes the copy in a data folder. Raises OSError."""
        write_whole(copy_path(folder), self._first.public_bytes(Encoding.PEM))


def _read_chain(path: Path) -> Sequence[x509.Certificate]:
    content = path.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in content:
        if b"PRIVATE KEY-----" in content:
            raise InvalidFile(path, None, "", "has a private key and no certificate: are the two files swapped?")
        raise InvalidFile(path, None, "", _not_pem("a certificate", "openssl x509 -inform DER", content))
    try:
        chain = x509.load_pem_x509_certificates(content)
        for each in chain:
            each.extensions  # noqa: B018 (it raises for an extension that is not valid)
        return chain
    except (ValueError, x509.DuplicateExtension) as error:
        raise InvalidFile(path, None, "", f"not a valid certificate: {error}") from None


def _read_key(path: Path) -> PrivateKeyTypes:
    content = path.read_bytes()
    if b"PRIVATE KEY-----" not in content:
        if b"-----BEGIN CERTIFICATE-----" in content:
            raise InvalidFile(path, None, "", "has a certificate and no private key: are the two files swapped?")
        raise InvalidFile(path, None, "", _not_pem("a private key", "openssl pkey -inform DER", content))
    try:
        return load_pem_private_key(content, None)
    except TypeError:
        advice = f"`openssl pkey -in {shlex.quote(str(path))} -out FILE` writes it without one"
        raise InvalidFile(path, None, "", f"the private key is encrypted with a passphrase: {advice}") from None
    except ValueError as error:
        raise InvalidFile(path, None, "", f"not a valid private key: {error}") from None


def _not_pem(expected: str, convert: str, content: bytes) -> str:
    found = f"expected {expected} in PEM"
    if content.startswith(_DER):
        return f"{found}, found DER or PKCS #12: convert it with `{convert}`, or with `openssl pkcs12 -nodes`"
    return f"{found}, which begins with -----BEGIN"


def _check_key(files: CertificateFiles, key: PrivateKeyTypes, first: x509.Certificate) -> None:
    encoding = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*encoding) != first.public_key().public_bytes(*encoding):
        problem = f"not the private key of the first certificate in {files.certificate}, which is {_subject(first)}"
        raise InvalidFile(files.key, None, "", problem)


def _check_kind(path: Path, key: CertificatePublicKeyTypes) -> None:
    """Refuses a key with which each handshake would fail."""
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name not in _CURVES:
            found = f"an EC key with {key.curve.name}"
        case ec.EllipticCurvePublicKey() | rsa.RSAPublicKey() | ed25519.Ed25519PublicKey():
            return
        case _:
            found = "a key of another kind"
    problem = f"found {found}: expected RSA, or EC with P-256, P-384 or P-521, which clients know"
    raise InvalidFile(path, None, "", problem)


def _names(path: Path, first: x509.Certificate) -> Sequence[str]:
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        found = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += [name.lower() for name in found.get_values_for_type(x509.DNSName)]
        names += map(str, found.get_values_for_type(x509.IPAddress))
    if not names:
        problem = f"{_subject(first)} has no host name in subjectAltName, so clients refuse it for any host"
        raise InvalidFile(path, None, "", problem)
    return tuple(names)


def _check_times(path: Path, chain: Sequence[x509.Certificate], now: datetime) -> None:
    for each in chain:
        if each.not_valid_after_utc <= now:
            raise InvalidFile(path, None, "", f"{_subject(each)} expired on {_minute(each.not_valid_after_utc)}")
        if each.not_valid_before_utc > now:
            problem = f"{_subject(each)} is not valid before {_minute(each.not_valid_before_utc)}"
            raise InvalidFile(path, None, "", problem)


def _check_order(path: Path, chain: Sequence[x509.Certificate]) -> None:
    for each, issuer in pairwise(chain):
        try:
            each.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            expected = "expected the server's certificate first, then the one that issued it, and so on"
            problem = f"{_subject(issuer)} comes after {_subject(each)}, and has not issued it: {expected}"
            raise InvalidFile(path, None, "", problem) from None


def _check_use(path: Path, first: x509.Certificate) -> None:
    with contextlib.suppress(x509.ExtensionNotFound):
        usage = set(first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        if not usage & {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}:
            problem = f"{_subject(first)} is not for servers: its extended key usage has no serverAuth"
            raise InvalidFile(path, None, "", problem)


def _warnings(
    files: CertificateFiles, chain: Sequence[x509.Certificate], ends: datetime, now: datetime
) -> Sequence[str]:
    path, found = files.certificate, []
    if len(chain) == 1 and _names_issuer(chain[0]):
        found.append(
            f"{path}: the certificate of the CA that issued {_subject(chain[0])} is missing, so many clients refuse "
            f"the server: use the file with the whole chain, such as fullchain.pem"
        )
    if isinstance(chain[0].public_key(), ed25519.Ed25519PublicKey):
        found.append(f"{path}: browsers and many devices refuse a certificate with an Ed25519 key: use EC with P-256")
    if others_can_use(files.key):
        found.append(f"{files.key}: other users of this machine can read the private key: run chmod 600")
    if ends - now < _SOON:
        found.append(f"{path}: expires on {_minute(ends)}; restart after you renew it")
    return found


def _names_issuer(certificate: x509.Certificate) -> bool:
    """Whether a certificate says where its issuer's certificate is, as those of public CAs do (RFC 5280, 4.2.2.1)."""
    with contextlib.suppress(x509.ExtensionNotFound):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        return any(each.access_method == AuthorityInformationAccessOID.CA_ISSUERS for each in access)
    return False


def _subject(certificate: x509.Certificate) -> str:
    return f'"{certificate.subject.rfc4514_string()}"'


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
