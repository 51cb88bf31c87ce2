"""An application message in the broker, and its encoded form."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from iot_core.broker.limits import Limits
from iot_core.mqtt import NO_PROPERTIES, Properties, Publish, Version, publish_parts

_USER_PROPERTY = 32
"""Bytes that each user property counts in addition to its name and value: even an empty one takes memory."""

Parts = tuple[bytes, bytes]
"""The bytes of a PUBLISH before and after its packet ID."""


@dataclass(slots=True, eq=False)
class Message:
    """A message. All subscribers share one object."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES
    """As published, without the topic alias, and with the message expiry within IoT Core's limits."""
    expires_at: float | None = None
    """Seconds of the broker's clock. None if it never expires."""
    _kind: tuple[int, int, bool] | None = field(default=None, init=False, repr=False)
    """The version, QoS and RETAIN flag of `_parts`."""
    _parts: Parts = field(default=(b"", b""), init=False, repr=False)
    """The last encoded form: most subscribers need the same one."""
    _properties_size: int | None = field(default=None, init=False, repr=False)

    @classmethod
    def published(cls, packet: Publish, topic: str, limits: Limits, clock: Callable[[], float]) -> Self:
        """Returns the message of a PUBLISH. `topic` is the resolved one: the packet may hold only an alias.

        `clock` returns seconds.
        """
        properties = packet.properties
        if properties is NO_PROPERTIES:
            return cls(topic, packet.payload, packet.qos, packet.retain)
        expires_at = None
        expiry = properties.message_expiry_interval
        if expiry is not None:
            expiry = min(max(expiry, limits.least_message_expiry), limits.most_message_expiry)
            expires_at = clock() + expiry
        if expiry is not None or properties.topic_alias is not None:
            properties = replace(properties, message_expiry_interval=expiry, topic_alias=None)
        return cls(topic, packet.payload, packet.qos, packet.retain, properties, expires_at)

    @property
    def size(self) -> int:
        """Bytes of the payload and of the properties' values."""
        if self.properties is NO_PROPERTIES:
            return len(self.payload)
        if self._properties_size is None:
            self._properties_size = properties_size(self.properties)
        return len(self.payload) + self._properties_size

    def is_expired(self, now: float) -> bool:
        """Whether the message must not be delivered any more [MQTT-3.3.2-5]."""
        return self.expires_at is not None and self._left(now) <= 0

    def parts(self, version: Version, qos: int, retain: bool, clock: Callable[[], float]) -> Parts:
        """Returns the PUBLISH for a subscriber, encoded once for all subscribers that need the same form.

        A message that expires is encoded each time, since it names the seconds that are left [MQTT-3.3.2-6].
        """
        if self.expires_at is not None:
            properties = replace(self.properties, message_expiry_interval=_whole_seconds(self._left(clock())))
            return publish_parts(self.topic, self.payload, qos, retain, False, properties, version)
        kind = (version, qos, retain)
        if kind != self._kind:
            self._kind = kind
            self._parts = publish_parts(self.topic, self.payload, qos, retain, False, self.properties, version)
        return self._parts

    def _left(self, now: float) -> float:
        """The seconds until it expires: never more than its interval, even if the clock was set back meanwhile."""
        interval = self.properties.message_expiry_interval or 0
        self.expires_at = min(self.expires_at or 0, now + interval)
        return self.expires_at - now


def properties_size(properties: Properties) -> int:
    """Returns the bytes of the properties' values. Each user property counts 32 more."""
    texts = [properties.content_type or "", properties.response_topic or ""]
    for name, value in properties.user_properties:
        texts += (name, value)
    values = sum(len(text.encode()) for text in texts) + len(properties.correlation_data or b"")
    return values + _USER_PROPERTY * len(properties.user_properties)


def _whole_seconds(left: float) -> int:
    """Rounds down: IoT Core counts milliseconds, and 999 of them are 0 seconds (developer guide, "Message expiry")."""
    return max(0, round(left * 1000) // 1000)
