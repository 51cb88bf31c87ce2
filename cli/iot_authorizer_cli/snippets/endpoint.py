"""Where IoT Core answers: at AWS, or on this machine."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_TLS = {"https": True, "wss": True, "mqtts": True, "http": False, "ws": False, "mqtt": False}
_PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Where they are not the web's."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port, with or without TLS."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `abc-ats.iot.us-east-1.amazonaws.com` (TLS, port 443), `http://127.0.0.1:8080` or `https://…:8443`.

        Raises ValueError, with what was expected.
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
            raise ValueError("expected a scheme, as http://localhost:8080 or https://localhost:8443")
        return found

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def url(self, scheme: str, path: str) -> str:
        """A URL, as `wss://HOST:PORT/mqtt` for `ws` and `/mqtt`; without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = self.port == (443 if self.tls else 80)
        return f"{scheme}{'s' if self.tls else ''}://{host}{'' if own else f':{self.port}'}{path}"
