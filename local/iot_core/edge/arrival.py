"""How a connection arrived, and what travels on it."""

from dataclasses import dataclass
from typing import Protocol

from iot_core.authorizers.event import HttpContext, TlsContext
from iot_core.broker.client import Origin


@dataclass(frozen=True, slots=True)
class Arrival:
    """What IoT Core knows of a connection before its CONNECT."""

    origin: Origin
    deadline: float
    """Until when it must have sent its CONNECT, in seconds of the connections' clock."""
    http: HttpContext | None = None
    """The upgrade request of a WebSocket."""
    tls: TlsContext | None = None
    """The TLS handshake; None on the plain port."""


class Channel(Protocol):
    """Carries the bytes of one MQTT connection: a transport of asyncio, or a WebSocket on one."""

    def write(self, chunk: bytes) -> None:
        """Sends bytes, or keeps them until it can."""
        ...

    def close(self) -> None:
        """Ends the connection once all is sent."""
        ...

    def abort(self) -> None:
        """Ends the connection now."""
        ...

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        ...

    def pause_reading(self) -> None:
        """Leaves what comes in the network."""
        ...

    def resume_reading(self) -> None:
        """Goes on reading."""
        ...

    def get_write_buffer_size(self) -> int:
        """How many bytes are kept until they can be sent."""
        ...
