"""What an issuer and the URL of its keys must be, without pydantic: the Lambda checks late values when it starts."""

import re
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PLACEHOLDER = re.compile(r"[{}<>\s]|YOUR|\bmicrosoftonline\.\w+/(?i:common|organizations|consumers)\b")
"""What no `iss` of a token has. The last three are names for several tenants of Microsoft Entra ID."""
_NOT_IN_URLS = re.compile(r"[^!-~]")
_DISCOVERY = "/.well-known/openid-configuration"


def check_issuer(value: str) -> str:
    """Returns the `iss` of an issuer's tokens. Raises ValueError for a text that no token has there."""
    if _PLACEHOLDER.search(value):
        raise ValueError(
            "found a placeholder, a space or a name for several tenants, which no token has in `iss`: "
            "write the `iss` of a real token; for several tenants, write one [[jwt]] for each"
        )
    if value.endswith(_DISCOVERY):
        raise ValueError(f"remove {_DISCOVERY}: expected the `iss` of a token")
    return value


def check_jwks(jwks: str) -> None:
    """Checks the place of an issuer's keys, a URL or a file. Raises ValueError for a URL that must not be used."""
    if jwks.endswith(_DISCOVERY):
        raise ValueError("jwks: found the URL of an OpenID configuration: open it, and use the URL in its jwks_uri")
    if "://" not in jwks:
        return
    try:
        parts = urlsplit(jwks)
        is_complete = bool(parts.hostname) and parts.port != 0 and _NOT_IN_URLS.search(jwks) is None
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ValueError("jwks: expected an https:// URL with a host, in ASCII without spaces, or a file")
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
        raise ValueError("jwks: use an https:// URL or a file: anyone on the network path could replace the keys")
    if "@" in parts.netloc:
        raise ValueError("jwks: remove the user name and password from the URL: they are not sent")
