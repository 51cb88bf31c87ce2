"""The session of one client ID: its subscriptions and its QoS 1 messages, with or without a connection.

The rules (MQTT 5.0, sections 4.1, 4.4 and 4.8.2):
- A session has at most one connection, which it knows as a `Link`.
- With an expiry interval above 0 it is persistent: it outlives its connection and this process.
- A QoS 1 message is in `queue` until it is sent, then in `inflight` until the client acknowledges it.
- When the connection ends, unacknowledged messages return to the front of the queue in their order. They keep their
  packet IDs, and are sent again with DUP [MQTT-4.4.0-1] [MQTT-4.6.0-1].
- Messages of shared subscriptions do not stay in a session without a connection: another member gets them.
- The storage holds the messages of a persistent session until they are acknowledged, or can never be sent.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.storage import Storage, StoredSession
from iot_core.mqtt import Subscription, Version
from iot_core.permissions import Permissions


class Outlet(Protocol):
    """The buffer that takes the bytes for one client."""

    slow: bool
    """Whether the client has more unread bytes than it may have."""

    def write(self, chunk: bytes) -> None:
        """Send bytes soon."""
        ...

    def close(self) -> None:
        """End the connection after all bytes are sent."""
        ...


@dataclass(slots=True)
class Link:
    """The sending side of a session's connection."""

    outlet: Outlet
    permissions: Permissions
    """Replaced at a refresh."""
    version: Version
    receive_maximum: int
    """QoS 1 messages that the client takes before it acknowledges one."""
    maximum_packet_size: int
    """Bytes of a packet that the client takes."""
    limits: Limits
    clock: Callable[[], float]
    """Returns seconds since 1970."""
    catching_up: bool
    """Whether messages are still queued that were queued when the connection began."""
    last_packet_id: int = 0


@dataclass(slots=True, eq=False)
class Delivery:
    """A QoS 1 message on its way to one client."""

    message: Message
    retain: bool
    row: int | None = None
    """Its row in the storage. None if it is not stored."""
    shared: str | None = None
    """The filter of the shared subscription that it came by. None if it came by another one."""
    packet_id: int | None = None
    """The packet ID that it was sent with. None before that, and after a restart."""
    duplicate: bool = False
    """Whether it may have been sent before, so that the next PUBLISH has DUP [MQTT-3.3.1-1]."""


class DeliveryQueue:
    """Deliveries in their order. It keeps count of the size of their messages."""

    __slots__ = ("_size", "deliveries")

    def __init__(self) -> None:
        self.deliveries: deque[Delivery] = deque()
        """The next one is first. Change it only by the methods."""
        self._size = 0

    def is_full(self, limits: Limits) -> bool:
        """Whether the queue takes no more."""
        return len(self.deliveries) >= limits.queued_messages or self._size >= limits.queued_bytes

    def put(self, delivery: Delivery) -> None:
        """Add a delivery at the end."""
        self.deliveries.append(delivery)
        self._size += delivery.message.size

    def put_back(self, delivery: Delivery) -> None:
        """Add a delivery at the front."""
        self.deliveries.appendleft(delivery)
        self._size += delivery.message.size

    def take(self) -> Delivery:
        """Remove and return the first delivery. Raises IndexError."""
        delivery = self.deliveries.popleft()
        self._size -= delivery.message.size
        return delivery

    def remove(self, delivery: Delivery) -> None:
        """Remove a delivery from any place. Raises ValueError."""
        self.deliveries.remove(delivery)
        self._size -= delivery.message.size

    def take_all(self) -> list[Delivery]:
        """Remove and return all deliveries in their order."""
        deliveries = list(self.deliveries)
        self.deliveries.clear()
        self._size = 0
        return deliveries


class Session:
    """The state of one client ID."""

    __slots__ = (
        "_storage",
        "client_id",
        "connected_since",
        "disconnect_reason",
        "disconnected_since",
        "dropped",
        "expiry_interval",
        "inflight",
        "link",
        "principal_id",
        "queue",
        "stored",
        "subscriptions",
        "version",
    )

    def __init__(self, client_id: str, version: Version, storage: Storage) -> None:
        self.client_id = client_id
        self.version = version
        """The MQTT version of its connections. IoT Core does not resume a session in the other version."""
        self._storage = storage
        self.link: Link | None = None
        """The connection. None while the client is not connected."""
        self.principal_id = ""
        """The principal ID that the authorizer returned for the last connection."""
        self.expiry_interval = 0
        """Seconds that it outlives its connection. 0 if it ends with the connection."""
        self.subscriptions: dict[str, Subscription] = {}
        """By topic filter, with `$share/NAME/` if it has that prefix."""
        self.inflight: dict[int, Delivery] = {}
        """Sent and not acknowledged, by packet ID."""
        self.queue = DeliveryQueue()
        """Not sent yet."""
        self.connected_since = 0.0
        """Seconds since 1970."""
        self.disconnected_since: float | None = None
        """Seconds since 1970. None while it is connected."""
        self.disconnect_reason: str | None = None
        """Why the last connection ended."""
        self.stored = False
        """Whether the storage has it."""
        self.dropped = 0
        """How many messages it missed, or was not allowed to publish."""

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.link is not None

    @property
    def persistent(self) -> bool:
        """Whether it outlives its connection and this process."""
        return self.expiry_interval > 0

    def is_expired(self, now: float) -> bool:
        """Whether its expiry interval has passed since its connection ended. `now` in seconds since 1970."""
        return self.disconnected_since is not None and self.disconnected_since + self.expiry_interval <= now

    def attach(self, link: Link, now: float) -> None:
        """Begin a connection. `now` in seconds since 1970."""
        self.link = link
        self.connected_since, self.disconnected_since = now, None

    def detach(self, now: float, reason: str) -> list[Delivery]:
        """End the connection. Returns the deliveries of shared subscriptions, which other members must get.

        `now` in seconds since 1970.
        """
        self.link = None
        self.disconnected_since, self.disconnect_reason = now, reason
        for delivery in self.inflight.values():
            delivery.duplicate = True
        released = []
        for delivery in [*self.inflight.values(), *self.queue.take_all()]:
            if delivery.shared is None:
                self.queue.put(delivery)
            else:
                self.done(delivery)
                released.append(delivery)
        self.inflight.clear()
        return released

    def store(self) -> None:
        """Write its present state to the storage, or remove it from there if it is not persistent."""
        if not self.persistent:
            self.unstore()
            return
        self.stored = True
        self._storage.keep_session(
            StoredSession(
                self.client_id,
                self.version,
                self.expiry_interval,
                self.principal_id,
                self.disconnected_since,
                self.disconnect_reason,
            )
        )

    def unstore(self) -> None:
        """Remove it from the storage, with everything that belongs to it."""
        if not self.stored:
            return
        for delivery in (*self.inflight.values(), *self.queue.deliveries):
            self.done(delivery)
            delivery.row = None
        self._storage.forget_session(self.client_id)
        self.stored = False

    def delivery(self, message: Message, retain: bool, shared: str | None = None) -> Delivery:
        """Return a new delivery, which is stored if the session is persistent."""
        row = self._storage.enqueue(self.client_id, message, retain) if self.expiry_interval else None
        return Delivery(message, retain, row, shared)

    def enqueue(self, message: Message, retain: bool, limits: Limits, shared: str | None = None) -> bool:
        """Add a message to the queue. False if the queue is full."""
        if self.queue.is_full(limits):
            return False
        self.queue.put(self.delivery(message, retain, shared))
        return True

    def has_room(self, limits: Limits) -> bool:
        """Whether all queues together have room for another message."""
        return self._storage.has_room(limits)

    def done(self, delivery: Delivery) -> None:
        """Remove a delivery from the storage: it was acknowledged, or will never be sent."""
        if delivery.row is not None:
            self._storage.dequeue(delivery.row, delivery.message)
