"""What the broker keeps of a client ID: subscriptions, and QoS 1 messages that are not acknowledged yet."""

from collections import deque
from typing import TYPE_CHECKING

from local.broker.limits import Limits
from local.broker.message import Delivery, Message
from local.broker.storage import Storage
from local.mqtt import Subscription

if TYPE_CHECKING:
    from local.broker.client import Client


class Session:
    """The state of one client ID (MQTT 5.0, section 4.1), connected or not."""

    __slots__ = (
        "client",
        "client_id",
        "connected_since",
        "disconnect_reason",
        "disconnected_since",
        "dropped",
        "expiry_interval",
        "inflight",
        "principal_id",
        "queue",
        "queued_bytes",
        "storage",
        "stored",
        "subscriptions",
    )

    def __init__(self, client_id: str, storage: Storage) -> None:
        self.client_id = client_id
        self.storage = storage
        self.client: Client | None = None
        """The connection that the session has at the moment."""
        self.principal_id = ""
        """As the authorizer named who connected last."""
        self.expiry_interval = 0
        """Seconds that it lives on without a connection; 0 where it ends with it."""
        self.subscriptions: dict[str, Subscription] = {}
        """By topic filter, `$share/NAME/` in front or not."""
        self.inflight: dict[int, Delivery] = {}
        """Sent and not acknowledged, by packet ID."""
        self.queue: deque[Delivery] = deque()
        """To be sent."""
        self.queued_bytes = 0
        """The payloads in the queue."""
        self.connected_since = 0.0
        """Seconds since 1970."""
        self.disconnected_since: float | None = None
        """Seconds since 1970; None while it is connected."""
        self.disconnect_reason: str | None = None
        """Why the last connection ended."""
        self.stored = False
        """Whether the storage has it."""
        self.dropped = 0
        """Messages that were not delivered because the client was too slow or away for too long."""

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self.client is not None

    @property
    def persistent(self) -> bool:
        """Whether it outlives its connection, and this process."""
        return self.expiry_interval > 0

    def is_expired(self, now: float) -> bool:
        """Whether it was left for longer than its expiry interval; `now` in seconds since 1970."""
        return self.disconnected_since is not None and self.disconnected_since + self.expiry_interval <= now

    def store(self) -> None:
        """Keeps it as it is now, so that it outlives this process."""
        self.stored = True
        self.storage.keep_session(self.client_id, self.expiry_interval, self.principal_id, self.disconnected_since)

    def unstore(self) -> None:
        """Forgets it, and all that belongs to it."""
        if self.stored:
            self.storage.forget_session(self.client_id)

    def is_full(self, limits: Limits) -> bool:
        """Whether its queue takes no more."""
        return len(self.queue) >= limits.queued_messages or self.queued_bytes >= limits.queued_bytes

    def enqueue(self, message: Message, retain: bool) -> None:
        """Adds a message to the queue."""
        row = self.storage.enqueue(self.client_id, message, retain) if self.persistent else None
        self.put(Delivery(message, retain, row))

    def put(self, delivery: Delivery) -> None:
        """Adds a delivery that is stored already, where it is to be."""
        self.queue.append(delivery)
        self.queued_bytes += len(delivery.message.payload)

    def take(self) -> Delivery:
        """Removes the first of the queue. It is still stored. Raises IndexError."""
        delivery = self.queue.popleft()
        self.queued_bytes -= len(delivery.message.payload)
        return delivery

    def done(self, delivery: Delivery) -> None:
        """Forgets a delivery that was acknowledged, or never will be sent."""
        if delivery.row is not None:
            self.storage.dequeue(delivery.row)

    def requeue(self) -> None:
        """Puts what was not acknowledged back in front of the queue, in its order [MQTT-4.4.0-1]."""
        for delivery in reversed(self.inflight.values()):
            delivery.sent = True
            self.queue.appendleft(delivery)
            self.queued_bytes += len(delivery.message.payload)
        self.inflight.clear()
