"""IoT Core's limits, the error for breaking one, and the counters for limits per second.

AWS General Reference, "AWS IoT Core endpoints and quotas": message broker and protocols.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from iot_core.mqtt import MqttError, ReasonCode

_WEEK = 7 * 24 * 3600
_REMEMBERED = 10_000
"""Client IDs with a counter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of clients, sessions and messages. Times in seconds, sizes in bytes."""

    payload: int = 128 * 1024
    properties: int = 8 * 1024
    """Of the values of a message's MQTT 5 properties. Not a limit of AWS: it bounds a message's memory."""
    packet: int = 149_504
    """A whole packet: the Maximum Packet Size of IoT Core's CONNACK."""
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
    """Of a persistent session of MQTT 3.1.1, whose CONNECT has no session expiry."""
    most_session_expiry: int = _WEEK
    """The most that AWS sets for an account on request. The default there is an hour."""
    least_message_expiry: int = 1
    """0 counts as this (developer guide, "Message expiry")."""
    most_message_expiry: int = _WEEK
    receive_maximum: int = 100
    """Unacknowledged QoS 1 messages, in each direction."""
    topic_aliases: int = 8
    connect_timeout: int = 10
    """From the beginning of a connection to its CONNECT."""
    queued_messages: int = 1000
    """In the queue of one client, or of one shared subscription."""
    queued_bytes: int = 4 * 1024 * 1024
    """In the queue of one client or shared subscription. Also in a network buffer, before QoS 0 is dropped."""
    absent_sessions: int = 10_000
    """Persistent sessions without a connection. One more ends the oldest of them. Not a limit of AWS."""
    stored_bytes: int = 256 * 1024 * 1024
    """Of all stored queues and delayed Wills. A message counts once, and 256 bytes more for each queue that it is in.
    Over this limit, nothing more is kept for absent clients. Not a limit of AWS."""
    retained_messages: int = 5000
    publishes_per_second: int | None = 100
    """Of one connection. None for no limit."""
    connects_per_second: int | None = 500
    """Of the account. None for no limit."""
    connects_per_client_per_second: int | None = 1
    """With one client ID. None for no limit."""

    def without_throttling(self) -> "Limits":
        """Returns these limits without the limits per second."""
        return replace(self, publishes_per_second=None, connects_per_second=None, connects_per_client_per_second=None)


IOT_CORE = Limits()
"""IoT Core's limits."""


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
        """Takes one token. False if none is left."""
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


class ConnectRate:
    """Counts CONNECTs per second, of the account and of each client ID."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds from any start."""
        self._limits = limits
        self._clock = clock
        self._account = RateLimit(limits.connects_per_second, clock)
        self._clients: dict[str, RateLimit] = {}

    def count(self) -> None:
        """Counts a CONNECT. Raises BrokenRule if the account has too many."""
        if not self._account.take():
            raise _too_many("connections", self._limits.connects_per_second)

    def count_client(self, client_id: str) -> None:
        """Counts an authorized CONNECT of a client ID. Raises BrokenRule if it has too many."""
        limit = self._limits.connects_per_client_per_second
        if limit is None:
            return
        if len(self._clients) >= _REMEMBERED:
            self._clients.clear()
        rate = self._clients.get(client_id)
        if rate is None:
            rate = self._clients[client_id] = RateLimit(limit, self._clock)
        if not rate.take():
            raise _too_many("connection with one client ID", limit)


def _too_many(what: str, limit: int | None) -> BrokenRule:
    return BrokenRule(f"IoT Core accepts {limit} {what} per second", ReasonCode.CONNECTION_RATE_EXCEEDED)
