"""A local certificate authority, made once, and a server certificate of it, made at each start."""

import ipaddress
import re
import ssl
from collections.abc import Sequence
from pathlib import Path

import trustme

from iot_core.whole_file import require_private, write_whole
from iot_policies import InvalidFile

ALPN = ("mqtt", "x-amzn-mqtt-ca", "http/1.1")
"""What IoT Core tells its protocols apart by on one port (developer guide, "Device communication protocols")."""
_LABEL = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
"""Of a host name (RFC 1123, section 2.1)."""
_CA, _CA_KEY = "ca.pem", "ca-key.pem"


def server_context(folder: Path, names: Sequence[str]) -> ssl.SSLContext:
    """A TLS context for a server of these names and addresses, whose CA is `ca_path(folder)`.

    What can't stand in a certificate, as a machine's name with `_` in it, is left out.
    Raises InvalidFile where the CA's files can't be used, OSError where they can't be written.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _authority(folder).issue_cert(*filter(_is_certifiable, names)).configure_cert(context)
    context.set_alpn_protocols(list(ALPN))
    return context


def ca_path(folder: Path) -> Path:
    """The CA's certificate, for clients to trust."""
    return folder / _CA


def _is_certifiable(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return all(map(_LABEL.fullmatch, name.removeprefix("*.").split(".")))
    return True


def _authority(folder: Path) -> trustme.CA:
    certificate, key = folder / _CA, folder / _CA_KEY
    if certificate.exists() and key.exists():
        require_private(key)
        try:
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except (ValueError, TypeError):
            raise InvalidFile(certificate, None, "", "no CA: remove it and ca-key.pem, and new ones are made") from None
    authority = trustme.CA(organization_name="iot-authorizer", organization_unit_name="development on this machine")
    write_whole(key, authority.private_key_pem.bytes(), mode=0o600)
    write_whole(certificate, authority.cert_pem.bytes())
    return authority
