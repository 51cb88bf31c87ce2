"""An application message on its way through the broker."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from local.mqtt import NO_PROPERTIES, Properties, Version, publish_parts

Parts = tuple[bytes, bytes]
"""What stands in a PUBLISH before and after its packet ID."""


@dataclass(slots=True, eq=False)
class Message:
    """A message, the same object for all who get it."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES
    """As published, without topic alias and message expiry."""
    expires_at: float | None = None
    """Seconds of the broker's clock; None for never."""
    _kind: tuple[int, int, bool] | None = field(default=None, init=False, repr=False)
    _parts: Parts = field(default=(b"", b""), init=False, repr=False)
    """As they were encoded last, and for whom: most subscribers are alike."""

    def is_expired(self, now: float) -> bool:
        """Whether nobody is to get it any more [MQTT-3.3.2-5]."""
        return self.expires_at is not None and self.expires_at <= now

    def parts(self, version: Version, qos: int, retain: bool, clock: Callable[[], float]) -> Parts:
        """The PUBLISH for a subscriber, encoded once for all who get it in the same way.

        A message that expires names the seconds that are left [MQTT-3.3.2-6], so it is encoded each time.
        """
        if self.expires_at is not None:
            left = max(0, round(self.expires_at - clock()))
            properties = replace(self.properties, message_expiry_interval=left)
            return publish_parts(self.topic, self.payload, qos, retain, False, properties, version)
        kind = (version, qos, retain)
        if kind != self._kind:
            self._kind = kind
            self._parts = publish_parts(self.topic, self.payload, qos, retain, False, self.properties, version)
        return self._parts


@dataclass(slots=True, eq=False)
class Delivery:
    """A QoS 1 message on its way to one client."""

    message: Message
    retain: bool
    row: int | None = None
    """Where it is stored; None where it need not survive."""
    sent: bool = False
    """Whether it was sent before, which a second PUBLISH says with DUP [MQTT-3.3.1-1]."""
