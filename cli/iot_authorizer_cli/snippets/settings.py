"""Where a client connects, what it sends, and how each value is encoded.

- In a query string (of a URL, or behind the `?` of an MQTT user name) every value is percent-encoded, `/` and `+` too.
- In a header, values stay as they are.
- Without a token key name, the token is `access_token` in a query string and a bearer token in a header.
"""

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

TOKEN_KEY = "access_token"  # noqa: S105 (a name)
"""The name of the token in a query string if the authorizer has no token key name."""
_TLS = {"https": True, "wss": True, "mqtts": True, "http": False, "ws": False, "mqtt": False}
_PORTS = {"mqtt": 1883, "mqtts": 8883}
"""The default ports of schemes other than those of the web."""
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
"""The domains of IoT Core's endpoints (AWS General Reference)."""
_IOT_CORE_PORTS = (443, 8883)
"""The ports at which IoT Core asks authorizers (developer guide, "Device communication protocols")."""


@dataclass(frozen=True, slots=True)
class ClientEndpoint:
    """The host and the port that a client connects to, with or without TLS."""

    host: str
    port: int
    tls: bool
    own: bool = False
    """Whether `dev` has a certificate of the user's own with this host."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `abc-ats.iot.us-east-1.amazonaws.com` (TLS, port 443), `http://127.0.0.1:8080` or `https://…:8443`.

        Raises ValueError, which says what was expected.
        """
        parts = urlsplit(text if "://" in text else f"https://{text}")
        expected = "expected HOST, http://HOST:PORT or https://HOST:PORT"
        try:
            port = parts.port
        except ValueError:
            raise ValueError(expected) from None
        usable = parts.hostname and parts.scheme in _TLS and parts.path in ("", "/", "/mqtt")
        if not parts.hostname or not usable or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(expected)
        tls = _TLS[parts.scheme]
        found = cls(parts.hostname, port or _PORTS.get(parts.scheme, 443 if tls else 80), tls)
        if found.local and "://" not in text:
            raise ValueError("expected a scheme, such as http://localhost:8080 or https://localhost:8443")
        return found

    @property
    def at_aws(self) -> bool:
        """Whether it can be IoT Core at AWS: a name of AWS, or a domain of one's own with TLS on IoT Core's ports.

        All others are IoT Core on a machine of the user, such as an IP address, a container's name, or a host of the
        user's own certificate.
        """
        name = self.host.rstrip(".").lower()
        if self.own:
            return False
        if name.endswith(_AWS):
            return True
        return self.tls and self.port in _IOT_CORE_PORTS and "." in name and _address(name) is None

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        address = _address(self.host)
        return self.host == "localhost" if address is None else address.is_loopback

    def url(self, scheme: str, path: str) -> str:
        """A URL, such as `wss://HOST:PORT/mqtt` for `ws` and `/mqtt`, without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.tls else 80)
        return f"{scheme}{'s' if self.tls else ''}://{host}{'' if is_default else f':{self.port}'}{path}"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def encoded(text: str) -> str:
    """Percent-encodes a value for a query string, `/` and `+` too."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """One client: where it connects, its credentials, and what it publishes and subscribes to.

    Raises ValueError for control characters, which neither MQTT nor HTTP allows, and for a `?` in a user name.
    """

    endpoint: ClientEndpoint
    ca: Path | None = None
    """The CA's certificate; None for the CAs that the machine trusts."""
    authorizer: str | None = None
    """The authorizer's name; None for the default authorizer of the account."""
    token_key_name: str | None = None
    """The name of the token in a query string or header, if the authorizer has one."""
    token: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    """The token's signature in standard base64, if the authorizer has signing enabled."""
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    client_ids: tuple[str, ...]
    """The client IDs of its connections: the first one subscribes, the last one publishes. Empty for HTTPS.

    If Mosquitto has only one, that one publishes.
    """
    topic: str
    """The topic that it publishes to."""
    topic_filter: str
    """The topic filter that it subscribes to."""
    hears_itself: bool = True
    """Whether it receives its own messages."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            texts = value if isinstance(value, tuple) else (value,)
            if any(isinstance(text, str) and not text.isprintable() for text in texts):
                raise ValueError(f"the {item.name.replace('_', ' ').removesuffix('s')} contains a control character")
        if "?" in (self.user_name or ""):
            raise ValueError("a user name cannot contain ?, which starts the query string of an MQTT user name")

    @property
    def query_key(self) -> str:
        """The name of the token in a query string."""
        return self.token_key_name or TOKEN_KEY

    @property
    def query(self) -> str:
        """The query string for the authorizer, of the upgrade request or of the MQTT user name; may be empty."""
        return "&".join(f"{name}={encoded(value)}" for name, value in self._pairs(self.query_key, self.token))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The names and values of the HTTP headers for the authorizer."""
        if self.token_key_name is None and self.token is not None:
            return self._pairs("Authorization", f"Bearer {self.token}")
        return self._pairs(self.query_key, self.token)

    def _pairs(self, token_name: str, token: str | None) -> tuple[tuple[str, str], ...]:
        found = (
            ("x-amz-customauthorizer-name", self.authorizer),
            (token_name, token),
            ("x-amz-customauthorizer-signature", self.signature),
        )
        return tuple((name, value) for name, value in found if value is not None)

    @property
    def mqtt_user_name(self) -> str:
        """The MQTT user name of a client that connects without HTTP, with the authorizer's query string after `?`."""
        return f"{self.user_name or ''}{'?' if self.query else ''}{self.query}"
