"""What the broker keeps of a client ID: subscriptions, and QoS 1 messages that are not acknowledged yet."""

from typing import TYPE_CHECKING

from iot_core.broker.delivery_queue import DeliveryQueue
from iot_core.broker.limits import Limits
from iot_core.broker.message import Delivery, Message
from iot_core.broker.storage import Storage
from iot_core.broker.stored import StoredSession
from iot_core.mqtt import Subscription, Version

if TYPE_CHECKING:
    from iot_core.broker.client import Client


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
        "storage",
        "stored",
        "subscriptions",
        "version",
    )

    def __init__(self, client_id: str, version: Version, storage: Storage) -> None:
        self.client_id = client_id
        self.version = version
        """Of the connections that it may have: IoT Core resumes no session in the other one."""
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
        self.queue = DeliveryQueue()
        """To be sent."""
        self.connected_since = 0.0
        """Seconds since 1970."""
        self.disconnected_since: float | None = None
        """Seconds since 1970; None while it is connected."""
        self.disconnect_reason: str | None = None
        """Why the last connection ended."""
        self.stored = False
        """Whether the storage has it."""
        self.dropped = 0
        """Messages that it missed, as it was too slow or away for too long, or that it published too fast."""

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
        """Keeps it as it is now, so that it outlives this process; one that is not persistent is forgotten."""
        if not self.persistent:
            self.unstore()
            return
        self.stored = True
        self.storage.keep_session(
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
        """Takes it out of the storage, with all that belongs to it."""
        if not self.stored:
            return
        for delivery in (*self.inflight.values(), *self.queue.deliveries):
            self.done(delivery)
            delivery.row = None
        self.storage.forget_session(self.client_id)
        self.stored = False

    def delivery(self, message: Message, retain: bool, shared: str | None = None) -> Delivery:
        """A message for this session, stored where the session is persistent."""
        row = self.storage.enqueue(self.client_id, message, retain) if self.expiry_interval else None
        return Delivery(message, retain, row, shared)

    def enqueue(self, message: Message, retain: bool, limits: Limits, shared: str | None = None) -> bool:
        """Adds a message to the queue. False where that takes no more."""
        if self.queue.is_full(limits):
            return False
        self.queue.put(self.delivery(message, retain, shared))
        return True

    def done(self, delivery: Delivery) -> None:
        """Forgets a delivery that was acknowledged, or never will be sent."""
        if delivery.row is not None:
            self.storage.dequeue(delivery.row, delivery.message)

    def requeue(self) -> None:
        """Puts what was not acknowledged back in front of the queue, in its order [MQTT-4.4.0-1] [MQTT-4.6.0-1]."""
        for delivery in reversed(self.inflight.values()):
            delivery.duplicate = True
            self.queue.put_back(delivery)
        self.inflight.clear()

    def release_shared(self) -> list[Delivery]:
        """Removes what shared subscriptions brought from the queue: another member may have it (section 4.8.2)."""
        released = []
        for delivery in self.queue.take_all():
            if delivery.shared is None:
                self.queue.put(delivery)
            else:
                self.done(delivery)
                released.append(delivery)
        return released
