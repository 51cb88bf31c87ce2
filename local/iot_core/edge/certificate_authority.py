"""The local certificate authority: made once in the data folder, and limited to names of this machine.

A user who trusts it does not trust a reader of its key with the rest of the internet: by its name constraints (RFC
5280, section 4.2.1.10), clients accept it only for localhost, loopback addresses, and the names of the endpoint when it
was made. Its certificates have only names that it may certify, since one more would make them invalid. A constraint
permits all names below its own. If a name could be a top-level domain, such as `dev`, the CA also has a constraint
`.dev`, which excludes the names below it. RFC 5280 does not define the leading dot for host names. OpenSSL, BoringSSL,
Go and NSS read it so.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from iot_core.whole_file import require_private, write_whole
from iot_policies import InvalidFile

_CERTIFICATE, _KEY = "ca.pem", "ca-key.pem"
_ADVICE = "remove it and ca-key.pem, and new ones are made"
_ALWAYS = ("localhost", "127.0.0.0/8", "::1/128")
_LIFETIME = timedelta(days=10 * 365)
_LABEL = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
"""A label of a host name (RFC 1123, section 2.1)."""

_TOP_LEVEL = re.compile(r"[a-z]+|xn--.*", re.IGNORECASE)
"""What the name of a top-level domain looks like (RFC 3696, section 2)."""


def ca_path(folder: Path) -> Path:
    """The certificate of the CA in a data folder, for clients to trust."""
    return folder / _CERTIFICATE


def issue(folder: Path, names: Sequence[str], wished: Sequence[str]) -> trustme.LeafCert:
    """Issues a server certificate, by the CA in the data folder, which is made if it is missing.

    Names are host names, addresses, or `*.` and a host name. One that is not valid in a certificate, such as a host
    name with `_`, is left out, and so is a wished name that the CA may not certify.
    Raises InvalidFile if the CA cannot be used or may not certify one of `names`, OSError if its files cannot be
    written.
    """
    path = ca_path(folder)
    if not (path.exists() and (folder / _KEY).exists()):
        _make(folder, [*names, *wished])
    require_private(folder / _KEY)
    try:
        content = path.read_bytes()
        authority = trustme.CA.from_pem(content, (folder / _KEY).read_bytes())
        extensions = x509.load_pem_x509_certificate(content).extensions
        constraints = extensions.get_extension_for_class(x509.NameConstraints).value
    except (ValueError, TypeError):
        raise InvalidFile(path, None, "", f"not a CA certificate with its key: {_ADVICE}") from None
    except x509.ExtensionNotFound:
        raise InvalidFile(path, None, "", f"the CA could vouch for any host name: {_ADVICE}") from None
    valid = list(filter(_is_valid, names))
    if missing := [name for name in valid if not _permits(constraints, name)]:
        raise InvalidFile(path, None, "", f"the CA was made for other names than {missing[0]}: {_ADVICE}")
    return authority.issue_cert(*valid, *(name for name in filter(_is_valid, wished) if _permits(constraints, name)))


def _make(folder: Path, names: Iterable[str]) -> None:
    """Makes the CA. Raises OSError."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "iot-authorizer"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "development on this machine"),
        ]
    )
    now = datetime.now(UTC)
    always = x509.NameConstraints([_subtree(each) for each in _ALWAYS], None)
    own = sorted({each.removeprefix("*.") for each in filter(_is_valid, names) if not _permits(always, each)})
    permitted = [_subtree(each) for each in (*_ALWAYS, *own)]
    excluded = [_subtree(f".{each}") for each in own if _TOP_LEVEL.fullmatch(each)]
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(permitted, excluded or None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(folder / _KEY, private, mode=0o600)
    write_whole(ca_path(folder), builder.sign(key, SHA256()).public_bytes(Encoding.PEM))


_KEY_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _subtree(name: str) -> x509.GeneralName:
    """The constraint for a network, or for a host name with all names below it; with a leading dot, only for these."""
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)


def _permits(constraints: x509.NameConstraints, name: str) -> bool:
    """Whether a CA with these constraints may certify a name."""
    permitted, excluded = constraints.permitted_subtrees or (), constraints.excluded_subtrees or ()
    return any(_covers(each, name) for each in permitted) and not any(_covers(each, name) for each in excluded)


def _covers(constraint: x509.GeneralName, name: str) -> bool:
    if isinstance(constraint, x509.DNSName):
        tail, host = constraint.value.lower(), name.lower()
        return host.endswith(tail) if tail.startswith(".") else f".{host}".endswith(f".{tail}")
    try:
        return ipaddress.ip_address(name) in constraint.value
    except ValueError:
        return False


def _is_valid(name: str) -> bool:
    """Whether a name can be in a certificate."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return all(map(_LABEL.fullmatch, name.removeprefix("*.").split(".")))
    return True
