"""IoT Core's limits, the error for breaking one, and a counter for limits per second.

AWS General Reference, "AWS IoT Core endpoints and quotas": message broker and protocols.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from iot_core.mqtt import MqttError, ReasonCode

_WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may send, keep and ask for. Times in seconds, sizes in bytes."""

    payload: int = 128 * 1024
    properties: int = 8 * 1024
    """Of all that the MQTT 5 properties of a message carry, so that its size is near that of its payload. Not AWS's."""
    packet: int = 149_504
    """A whole packet, as IoT Core's CONNACK names it in MQTT 5."""
    topic: int = 256
    """UTF-8, without a reserved prefix."""
    topic_slashes: int = 7
    """Without a reserved prefix."""
    share_name: int = 128
    """UTF-8 (developer guide, "Shared subscriptions")."""
    client_id: int = 128
    filters_per_subscribe: int = 8
    subscriptions: int = 50
    """Of one connection."""
    least_keep_alive: int = 30
    most_keep_alive: int = 1200
    default_session_expiry: int = 3600
    """Of a persistent session of MQTT 3.1.1, which can't name one."""
    most_session_expiry: int = _WEEK
    """As much as AWS gives an account that asks for it; it begins with an hour."""
    least_message_expiry: int = 1
    """What 0 counts as (developer guide, "Message expiry")."""
    most_message_expiry: int = _WEEK
    receive_maximum: int = 100
    """Unacknowledged QoS 1 messages, either way."""
    topic_aliases: int = 8
    connect_timeout: int = 10
    """From a connection's first byte, or none, to its CONNECT."""
    queued_messages: int = 1000
    """That wait for one client, or for a shared subscription."""
    queued_bytes: int = 4 * 1024 * 1024
    """That wait for one client, or for a shared subscription, or stand in a network buffer before QoS 0 is dropped."""
    absent_sessions: int = 10_000
    """Persistent sessions without a connection; with one more, that ends which was left first. Not AWS's."""
    stored_bytes: int = 256 * 1024 * 1024
    """Of all messages that wait for persistent sessions, each counted once, of 256 for each place that a message has
    in a queue, and of Wills that wait; beyond it nothing more is kept for clients that are away. Not AWS's."""
    retained_messages: int = 5000
    publishes_per_second: int | None = 100
    """Of one connection; None for no limit."""
    connects_per_second: int | None = 500
    """Of the account; None for no limit."""
    connects_per_client_per_second: int | None = 1
    """With one client ID; None for no limit."""

    def without_throttling(self) -> "Limits":
        """The same without limits a second."""
        return replace(self, publishes_per_second=None, connects_per_second=None, connects_per_client_per_second=None)


IOT_CORE = Limits()
"""IoT Core's own."""


class BrokenRule(MqttError):
    """A packet that is valid MQTT, and that IoT Core refuses. Its text says why."""

    def __init__(self, text: str, reason_code: ReasonCode) -> None:
        super().__init__(text)
        self.reason_code = reason_code


class RateLimit:
    """A token bucket: it holds as many tokens as one second allows, and refills as time passes."""

    __slots__ = ("_clock", "_filled", "_per_second", "_tokens")

    def __init__(self, per_second: int | None, clock: Callable[[], float]) -> None:
        """`per_second` None is no limit. `clock` returns seconds."""
        self._per_second = per_second
        self._clock = clock
        self._tokens = float(per_second or 0)
        self._filled = clock()

    def take(self) -> bool:
        """Take one token. False if none is left."""
        if self._per_second is None:
            return True
        now = self._clock()
        if now > self._filled:  # A clock that is set back must not take tokens away.
            self._tokens = min(self._per_second, self._tokens + (now - self._filled) * self._per_second)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
