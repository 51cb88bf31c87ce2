"""Shared subscriptions, `$share/NAME/FILTER`, and their queues.

The rules (MQTT 5.0, section 4.8.2; developer guide, "Shared subscriptions"):
- A group is all subscriptions with the same `$share/NAME/FILTER`. Each message goes to one member, in turns.
- A member can get a message if it is connected, its policy allows it to receive the topic, and its queue has room.
- If no member can, a QoS 1 message waits in the group's queue, as long as a member may get it later: one that is too
  busy now, or one that is absent and persistent. Otherwise it is lost.
- A message that no present member can get stays in the queue and does not delay those behind it.
- Messages that a member leaves unacknowledged return to the front of the group's queue.
- A queue is lost with the last member of its group.
"""

from collections.abc import Callable

from iot_core.broker.delivery import deliver
from iot_core.broker.effects import Dropped
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.router import Group, Router
from iot_core.broker.session import Delivery, DeliveryQueue, Link, Session
from iot_core.broker.storage import Storage
from iot_core.mqtt import Subscription
from iot_core.reasons import IotCoreReason


class SharedSubscriptions:
    """Delivers to groups, and keeps the queues of groups that can get nothing now."""

    def __init__(self, router: Router[Session], storage: Storage, limits: Limits, clock: Callable[[], float]) -> None:
        """`clock` returns seconds since 1970."""
        self._router = router
        self._storage = storage
        self._limits = limits
        self._clock = clock
        self.queues: dict[str, DeliveryQueue] = {}
        """What waits for a member, by topic filter with `$share/NAME/`."""

    def deliver(self, group: Group[Session], message: Message) -> Dropped | None:
        """Delivers a message to the next member that can get it, or queues it."""
        member = self._next(group, message)
        if member is not None:
            return _send(*member, message)
        if message.qos > 0 and (_may_be_received(group, message) or not _all_connected(group)):
            return self._keep(group, message)
        return None

    def take_back(self, deliveries: list[Delivery]) -> None:
        """Returns a former member's unacknowledged messages to the front of their queues."""
        for delivery in reversed(deliveries):
            topic_filter, message = delivery.shared or "", delivery.message
            if self._router.group(topic_filter) is not None:
                row = self._storage.enqueue_shared(topic_filter, message)
                self._queue(topic_filter).put_back(Delivery(message, False, row))

    def hand_out(self) -> list[Dropped]:
        """Delivers queued messages to members that can get them now, and deletes queues without a group."""
        dropped: list[Dropped] = []
        for topic_filter, queue in list(self.queues.items()):
            group = self._router.group(topic_filter)
            if group is not None:
                dropped += self._hand_out(group, queue)
            if group is None or not queue.deliveries:
                self._delete(topic_filter)
        return dropped

    def restore(self, topic_filter: str, delivery: Delivery) -> None:
        """Queues a stored delivery behind those that were restored before."""
        self._queue(topic_filter).put(delivery)

    def _queue(self, topic_filter: str) -> DeliveryQueue:
        return self.queues.setdefault(topic_filter, DeliveryQueue())

    def _keep(self, group: Group[Session], message: Message) -> Dropped | None:
        """Queues a message if a member may get it later with QoS 1."""
        for session, subscription in group:
            if (session.persistent or session.connected) and subscription.qos > 0:
                queue = self._queue(subscription.topic_filter)
                if not self._storage.has_room(self._limits):
                    return Dropped(session, IotCoreReason.QUEUES_FULL)
                if queue.is_full(self._limits):
                    return Dropped(session, IotCoreReason.QUEUE_FULL)
                queue.put(Delivery(message, False, self._storage.enqueue_shared(subscription.topic_filter, message)))
                return None
        return None

    def _hand_out(self, group: Group[Session], queue: DeliveryQueue) -> list[Dropped]:
        now = self._clock()
        some_connected, all_connected = any(session.connected for session, _ in group), _all_connected(group)
        dropped: list[Dropped] = []
        for delivery in list(queue.deliveries):
            message, member = delivery.message, None
            if not message.is_expired(now):
                if not some_connected:
                    break
                member = self._next(group, message)
                if member is None and (not all_connected or _may_be_received(group, message)):
                    continue
            queue.remove(delivery)
            self._done(delivery)
            if member is not None and (effect := _send(*member, message)) is not None:
                dropped.append(effect)
        return dropped

    def _next(self, group: Group[Session], message: Message) -> tuple[Session, Link, Subscription] | None:
        """Returns the next member that can get a message now, and moves it to the end of the group."""
        for _ in range(len(group)):
            session, subscription = group[0]
            group.rotate(-1)
            link = session.link
            if link is None or session.queue.is_full(self._limits):
                continue
            if link.permissions.may_receive(message.topic):
                return session, link, subscription
        return None

    def _delete(self, topic_filter: str) -> None:
        for delivery in self.queues.pop(topic_filter).take_all():
            self._done(delivery)

    def _done(self, delivery: Delivery) -> None:
        if delivery.row is not None:
            self._storage.dequeue(delivery.row, delivery.message)


def _may_be_received(group: Group[Session], message: Message) -> bool:
    links = (session.link for session, _ in group)
    return any(link is not None and link.permissions.may_receive(message.topic) for link in links)


def _all_connected(group: Group[Session]) -> bool:
    return all(session.connected for session, _ in group)


def _send(session: Session, link: Link, subscription: Subscription, message: Message) -> Dropped | None:
    qos = min(message.qos, subscription.qos)
    retain = message.retain and subscription.retain_as_published
    return deliver(session, link, message, qos, retain, subscription.topic_filter)
