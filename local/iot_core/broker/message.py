"""An application message on its way through the broker."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from iot_core.broker.limits import Limits
from iot_core.mqtt import NO_PROPERTIES, Properties, Publish, Version, publish_parts

_USER_PROPERTY = 32
"""Bytes that each user property counts beside its name and value, as even an empty one takes memory."""

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
    _properties_size: int | None = field(default=None, init=False, repr=False)

    @classmethod
    def published(cls, packet: Publish, topic: str, limits: Limits, clock: Callable[[], float]) -> Self:
        """The message in a PUBLISH to a topic, which the packet may name by an alias. `clock` gives seconds."""
        properties = packet.properties
        if properties is NO_PROPERTIES:
            return cls(topic, packet.payload, packet.qos, packet.retain)
        expires_at = None
        expiry = properties.message_expiry_interval
        if expiry is not None:
            expires_at = clock() + min(max(expiry, limits.least_message_expiry), limits.most_message_expiry)
        if expiry is not None or properties.topic_alias is not None:
            properties = replace(properties, message_expiry_interval=None, topic_alias=None)
        return cls(topic, packet.payload, packet.qos, packet.retain, properties, expires_at)

    @property
    def size(self) -> int:
        """Bytes of the payload and of what the properties carry."""
        if self.properties is NO_PROPERTIES:
            return len(self.payload)
        if self._properties_size is None:
            self._properties_size = properties_size(self.properties)
        return len(self.payload) + self._properties_size

    def is_expired(self, now: float) -> bool:
        """Whether nobody is to get it any more [MQTT-3.3.2-5]."""
        return self.expires_at is not None and self.expires_at <= now

    def parts(self, version: Version, qos: int, retain: bool, clock: Callable[[], float]) -> Parts:
        """The PUBLISH for a subscriber, encoded once for all who get it in the same way.

        A message that expires names the seconds that are left [MQTT-3.3.2-6], so it is encoded each time.
        """
        if self.expires_at is not None:
            properties = replace(self.properties, message_expiry_interval=_whole_seconds(self.expires_at - clock()))
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
    shared: str | None = None
    """The shared subscription that brought it, so that another member may have it instead; None for none."""
    packet_id: int | None = None
    """With which it was sent; None before, and where a process before this one may have sent it."""
    duplicate: bool = False
    """Whether it may have been sent before, which a second PUBLISH says with DUP [MQTT-3.3.1-1]."""


def properties_size(properties: Properties) -> int:
    """Bytes of all that the properties of a message carry; each user property counts 32 more."""
    texts = [properties.content_type or "", properties.response_topic or ""]
    for name, value in properties.user_properties:
        texts += (name, value)
    carried = sum(len(text.encode()) for text in texts) + len(properties.correlation_data or b"")
    return carried + _USER_PROPERTY * len(properties.user_properties)


def _whole_seconds(left: float) -> int:
    """IoT Core counts in milliseconds: 999 and less are 0 seconds (developer guide, "Message expiry")."""
    return max(0, round(left * 1000) // 1000)
