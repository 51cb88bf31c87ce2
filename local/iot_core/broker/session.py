"""Sessions: the subscriptions and the QoS 1 messages of each client ID, with or without a connection.

The rules (MQTT 5.0, sections 4.1, 4.4 and 4.8.2):
- A client ID has at most one session. A session has at most one connection, which it knows as a `Link`.
- With an expiry interval above 0 it is persistent: it outlives its connection and this process.
- A QoS 1 message is in `queue` until it is sent, then in `inflight` until the client acknowledges it.
- When the connection ends, unacknowledged messages return to the front of the queue in their order. They keep their
  packet IDs, and are sent again with DUP [MQTT-4.4.0-1] [MQTT-4.6.0-1].
- Messages of shared subscriptions do not stay in a session without a connection: another member gets them.
- A direct message is neither queued nor stored. It is in `inflight` until it is acknowledged or the connection ends.
- The storage holds the messages of a persistent session until they are acknowledged, or can never be sent.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.router import Router
from iot_core.broker.storage import Storage, StoredSession
from iot_core.mqtt import Subscription, Version
from iot_core.permissions import Permissions


class DisconnectReason(StrEnum):
    """Why a connection ended: `disconnectReason` of a presence event."""

    AUTH_ERROR = "AUTH_ERROR"
    CLIENT_INITIATED_DISCONNECT = "CLIENT_INITIATED_DISCONNECT"
    CLIENT_ERROR = "CLIENT_ERROR"
    CONNECTION_LOST = "CONNECTION_LOST"
    CUSTOMAUTH_TTL_EXPIRATION = "CUSTOMAUTH_TTL_EXPIRATION"
    DUPLICATE_CLIENTID = "DUPLICATE_CLIENTID"
    FORBIDDEN_ACCESS = "FORBIDDEN_ACCESS"
    MQTT_KEEP_ALIVE_TIMEOUT = "MQTT_KEEP_ALIVE_TIMEOUT"
    SERVER_ERROR = "SERVER_ERROR"
    SERVER_INITIATED_DISCONNECT = "SERVER_INITIATED_DISCONNECT"
    API_INITIATED_DISCONNECT = "API_INITIATED_DISCONNECT"
    THROTTLED = "THROTTLED"
    WEBSOCKET_TTL_EXPIRATION = "WEBSOCKET_TTL_EXPIRATION"


class Outlet(Protocol):
    """The buffer that takes the bytes for one client."""

    slow: bool
    """Whether the client has more unread bytes than it may have."""

    def write(self, chunk: bytes) -> None:
        """Sends bytes soon."""

    def close(self) -> None:
        """Ends the connection after all bytes are sent."""


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


class Receipt:
    """What became of a direct message that its receiver must acknowledge."""

    __slots__ = ("acknowledged", "ended")

    def __init__(self) -> None:
        self.acknowledged = False
        """Whether the receiver has acknowledged it in time."""
        self.ended = asyncio.Event()
        """Set once it is acknowledged, its time is over, or its connection has ended."""

    def end(self, *, acknowledged: bool) -> None:
        """Ends it. Only the first call counts."""
        if not self.ended.is_set():
            self.acknowledged = acknowledged
            self.ended.set()


@dataclass(slots=True, eq=False)
class Delivery:
    """A QoS 1 message on its way to one client."""

    message: Message
    retain: bool
    row: int | None = None
    """Its row in the storage. None if it is not stored."""
    shared: str | None = None
    """The filter of the shared subscription that it was sent for. None if it was sent for another subscription."""
    packet_id: int | None = None
    """The packet ID that it was sent with. None before that, and after a restart."""
    duplicate: bool = False
    """Whether it may have been sent before, so that the next PUBLISH has DUP [MQTT-3.3.1-1]."""
    receipt: Receipt | None = None
    """For a direct message. None for any other."""


_NO_DELIVERIES: deque[Delivery] = deque(maxlen=0)
"""The deliveries of each queue that was never used: most clients have none, and a deque takes 0.7 kB."""


class DeliveryQueue:
    """Deliveries in their order. It keeps count of the size of their messages."""

    __slots__ = ("_size", "deliveries")

    def __init__(self) -> None:
        self.deliveries = _NO_DELIVERIES
        """The next one is first. Change it only by the methods."""
        self._size = 0

    def is_full(self, limits: Limits) -> bool:
        """Whether the queue takes no more."""
        return len(self.deliveries) >= limits.queued_messages or self._size >= limits.queued_bytes

    def put(self, delivery: Delivery) -> None:
        """Adds a delivery at the end."""
        self._own().append(delivery)
        self._size += delivery.message.size

    def put_back(self, delivery: Delivery) -> None:
        """Adds a delivery at the front."""
        self._own().appendleft(delivery)
        self._size += delivery.message.size

    def take(self) -> Delivery:
        """Removes and returns the first delivery. Raises IndexError."""
        delivery = self.deliveries.popleft()
        self._size -= delivery.message.size
        return delivery

    def remove(self, delivery: Delivery) -> None:
        """Removes a delivery from any place. Raises ValueError."""
        self.deliveries.remove(delivery)
        self._size -= delivery.message.size

    def take_all(self) -> list[Delivery]:
        """Removes and returns all deliveries in their order."""
        deliveries = list(self.deliveries)
        self.deliveries.clear()
        self._size = 0
        return deliveries

    def _own(self) -> deque[Delivery]:
        """A deque that can be added to."""
        if self.deliveries is _NO_DELIVERIES:
            self.deliveries = deque()
        return self.deliveries


@dataclass(slots=True, eq=False)
class Session:
    """The state of one client ID."""

    client_id: str
    version: Version
    """The MQTT version of its connections. IoT Core does not resume a session in the other version."""
    _storage: Storage
    link: Link | None = None
    """The connection. None while the client is not connected."""
    principal_id: str = ""
    """The principal ID that the authorizer returned for the last connection."""
    expiry_interval: int = 0
    """Seconds that it outlives its connection. 0 if it ends with the connection."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By topic filter, with `$share/NAME/` if it has that prefix."""
    inflight: dict[int, Delivery] = field(default_factory=dict)
    """Sent and not acknowledged, by packet ID."""
    queue: DeliveryQueue = field(default_factory=DeliveryQueue)
    """Not sent yet."""
    connected_since: float = 0.0
    """Seconds since 1970."""
    disconnected_since: float | None = None
    """Seconds since 1970. None while it is connected."""
    disconnect_reason: str | None = None
    """Why the last connection ended."""
    stored: bool = False
    """Whether the storage has it."""
    dropped: int = 0
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

    def detach(self, now: float, reason: str) -> list[Delivery]:
        """Ends the connection. Returns the deliveries of shared subscriptions, which other members must get.

        `now` in seconds since 1970.
        """
        self.link = None
        self.disconnected_since, self.disconnect_reason = now, reason
        for delivery in self.inflight.values():
            delivery.duplicate = True
        released = []
        for delivery in [*self.inflight.values(), *self.queue.take_all()]:
            if delivery.receipt is not None:
                delivery.receipt.end(acknowledged=False)
            elif delivery.shared is None:
                self.queue.put(delivery)
            else:
                self.done(delivery)
                released.append(delivery)
        self.inflight.clear()
        return released

    def store(self) -> None:
        """Writes its present state to the storage, or removes it from there if it is not persistent."""
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
        """Removes it from the storage, with everything that belongs to it."""
        if not self.stored:
            return
        for delivery in (*self.inflight.values(), *self.queue.deliveries):
            self.done(delivery)
            delivery.row = None
        self._storage.forget_session(self.client_id)
        self.stored = False

    def delivery(self, message: Message, retain: bool, shared: str | None = None) -> Delivery:
        """Returns a new delivery, which is stored if the session is persistent."""
        row = self._storage.enqueue(self.client_id, message, retain) if self.expiry_interval else None
        return Delivery(message, retain, row, shared)

    def enqueue(self, message: Message, retain: bool, limits: Limits, shared: str | None = None) -> bool:
        """Adds a message to the queue. False if the queue is full."""
        if self.queue.is_full(limits):
            return False
        self.queue.put(self.delivery(message, retain, shared))
        return True

    def has_room(self, limits: Limits) -> bool:
        """Whether all queues together have room for another message."""
        return self._storage.has_room(limits)

    def done(self, delivery: Delivery) -> None:
        """Removes a delivery from the storage: it was acknowledged, or will never be sent."""
        if delivery.row is not None:
            self._storage.dequeue(delivery.row, delivery.message)


class Sessions:
    """All sessions, with their subscriptions in the router and in the storage."""

    def __init__(self, storage: Storage, router: Router[Session]) -> None:
        self._storage = storage
        self._router = router
        self._sessions: dict[str, Session] = {}
        self.absent: OrderedDict[str, Session] = OrderedDict()
        """The persistent ones without a connection. The one that lost its connection first is first."""

    def __iter__(self) -> Iterator[Session]:
        """Iterates over the present sessions. Sessions may be added and removed during it."""
        return iter(list(self._sessions.values()))

    def get(self, client_id: str) -> Session | None:
        """Returns the session of a client ID, or None."""
        return self._sessions.get(client_id)

    def add(self, client_id: str, version: Version) -> Session:
        """Creates a session."""
        session = self._sessions[client_id] = Session(client_id, version, self._storage)
        return session

    def remove(self, session: Session) -> None:
        """Removes a session with its subscriptions, also from the storage."""
        del self._sessions[session.client_id]
        self.absent.pop(session.client_id, None)
        for topic_filter in session.subscriptions:
            self._router.remove(session, topic_filter)
        session.unstore()

    def attach(self, session: Session, link: Link, now: float) -> None:
        """Begins a session's connection. `now` in seconds since 1970."""
        session.link = link
        session.connected_since, session.disconnected_since = now, None
        session.store()
        self.absent.pop(session.client_id, None)

    def mark_absent(self, session: Session) -> None:
        """Notes that a persistent session has no connection any more."""
        session.store()
        self.absent[session.client_id] = session

    def subscribe(self, session: Session, subscription: Subscription) -> None:
        """Adds a subscription, or replaces the session's one with the same filter."""
        session.subscriptions[subscription.topic_filter] = subscription
        self._router.add(session, subscription)
        if session.expiry_interval:
            self._storage.keep_subscription(session.client_id, subscription)

    def unsubscribe(self, session: Session, topic_filter: str) -> bool:
        """Removes a subscription. False if the session has none with this filter."""
        if session.subscriptions.pop(topic_filter, None) is None:
            return False
        self._router.remove(session, topic_filter)
        if session.stored:
            self._storage.forget_subscription(session.client_id, topic_filter)
        return True

    def restore(self, now: float) -> None:
        """Loads all sessions from the storage. Raises StorageError.

        A session that was connected when the process ended counts as disconnected at `now`.
        """
        for stored in sorted(self._storage.sessions(), key=lambda stored: stored.disconnected_at or now):
            session = self.add(stored.client_id, stored.version)
            session.expiry_interval, session.principal_id = stored.expiry_interval, stored.principal_id
            session.disconnected_since, session.disconnect_reason = now, DisconnectReason.SERVER_ERROR
            if stored.disconnected_at is not None:  # In the future if the clock was set back meanwhile.
                session.disconnected_since = min(stored.disconnected_at, now)
                session.disconnect_reason = stored.disconnect_reason
            self.mark_absent(session)
        for client_id, subscription in self._storage.subscriptions():
            session = self._sessions[client_id]
            session.subscriptions[subscription.topic_filter] = subscription
            self._router.add(session, subscription)

    def restore_delivery(self, client_id: str, delivery: Delivery) -> None:
        """Queues a stored delivery behind those that were restored before."""
        delivery.duplicate = True  # It may have been sent before the restart.
        self._sessions[client_id].queue.put(delivery)
