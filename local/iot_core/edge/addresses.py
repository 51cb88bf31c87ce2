"""What the address that a server listens on means for its URLs, its certificate and its guard."""

import socket
from collections.abc import Sequence

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
_LOCAL = frozenset({"127.0.0.1", "::1"})


class Addresses:
    """The names of one server."""

    def __init__(self, host: str, region: str) -> None:
        """`host` is what it listens on: a name, or an address."""
        self._host = host
        self._region = region

    @property
    def in_urls(self) -> str:
        """What stands in a URL."""
        if self._host in _EVERYWHERE | _LOCAL:
            return "localhost"
        return f"[{self._host}]" if ":" in self._host else self._host

    @property
    def names(self) -> frozenset[str]:
        """What it may be called besides `localhost`."""
        return frozenset({self._host, socket.gethostname()} - _EVERYWHERE)

    @property
    def certified(self) -> Sequence[str]:
        """What its certificate is for; an endpoint of AWS's among it, for clients that are led here by a proxy."""
        return sorted({"localhost", *_LOCAL, f"*.iot.{self._region}.amazonaws.com", *self.names})

    @property
    def to_connect(self) -> str:
        """What this machine itself connects to."""
        if self._host == "::":
            return "::1"
        return "127.0.0.1" if self._host in _EVERYWHERE else self._host
