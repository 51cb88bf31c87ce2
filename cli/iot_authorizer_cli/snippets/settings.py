"""What a client brings, and how it is encoded."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import quote

from iot_authorizer_cli.snippets.endpoint import Endpoint


def encoded(text: str) -> str:
    """A value as it stands in a query string: a `/` and a `+` too are percent-encoded."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """One client: where it connects, who it is, what it wants to hear and say.

    Raises ValueError for control characters, which neither MQTT nor HTTP has room for, and for a `?` in a user name.
    """

    endpoint: Endpoint
    ca: Path | None = None
    """The CA's certificate; None for those that the machine trusts."""
    authorizer: str | None = None
    """The authorizer's name; None for the endpoint's default."""
    token_key_name: str | None = None
    """Where the authorizer has none, it looks for `access_token` in a query string, and for a bearer in a header."""
    token: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    """The token's signature in standard base64, where the authorizer has signing on."""
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    client_ids: tuple[str, ...]
    """Of its connections, as `client_ids` makes them: the first one subscribes, the last one publishes.

    Where Mosquitto has one alone, that publishes.
    """
    topic: str
    """What it publishes to."""
    topic_filter: str
    """What it subscribes to."""
    hears_itself: bool = True
    """Whether what it publishes comes back to it."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            texts = value if isinstance(value, tuple) else (value,)
            if any(isinstance(text, str) and not text.isprintable() for text in texts):
                raise ValueError(f"the {item.name.replace('_', ' ').removesuffix('s')} holds a control character")
        if "?" in (self.user_name or ""):
            raise ValueError("a user name ends at its first ?")

    @property
    def query_key(self) -> str:
        """What the token is called in a query string."""
        return self.token_key_name or "access_token"

    @property
    def query(self) -> str:
        """The query string for the authorizer, of the upgrade request or of the MQTT user name; may be empty."""
        return "&".join(f"{name}={encoded(value)}" for name, value in self._pairs(self.query_key, self.token))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The HTTP headers for the authorizer: names, and values as they are, not encoded."""
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
        """The MQTT user name of a client that connects without HTTP: the authorizer's query string follows a `?`."""
        return f"{self.user_name or ''}{'?' if self.query else ''}{self.query}"
