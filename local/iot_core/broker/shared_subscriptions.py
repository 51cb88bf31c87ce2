"""Shared subscriptions, and the messages that wait for them (developer guide, "Shared subscriptions")."""

from typing import TYPE_CHECKING

from iot_core.broker.delivery_queue import DeliveryQueue
from iot_core.broker.message import Delivery, Message
from iot_core.broker.router import Group
from iot_core.broker.session import Session
from iot_core.mqtt import Subscription
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker


class SharedSubscriptions:
    """Gives each message to one member of a group in turns, and keeps QoS 1 messages while all are away."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self._waiting: dict[str, DeliveryQueue] = {}
        """By topic filter, with `$share/NAME/` in front."""

    @property
    def waits(self) -> bool:
        """Whether something waits for a member."""
        return bool(self._waiting)

    def deliver(self, group: Group[Session], message: Message) -> None:
        """Delivers to the next member that may have it now, or keeps it while one is away or has too much to do."""
        member = self._next(group, message)
        if member is not None:
            _send(*member, message)
        elif message.qos > 0 and (_may_be_received(group, message) or not _all_connected(group)):
            self._keep(group, message)

    def deliver_again(self, deliveries: list[Delivery]) -> None:
        """Delivers what a member left unacknowledged, in its order and before all else (MQTT 5.0, section 4.8.2)."""
        for delivery in reversed(deliveries):
            topic_filter, message = delivery.shared or "", delivery.message
            if self._broker.router.group(topic_filter) is not None:
                row = self._broker.storage.enqueue_shared(topic_filter, message)
                self._waiting.setdefault(topic_filter, DeliveryQueue()).put_back(Delivery(message, False, row))
        self.hand_out()

    def hand_out(self) -> None:
        """Delivers what waits where a member has come, and forgets it where none is left."""
        for topic_filter, waiting in list(self._waiting.items()):
            group = self._broker.router.group(topic_filter)
            if group is not None:
                self._hand_out(group, waiting)
            if group is None or not waiting.deliveries:
                self._forget(topic_filter)

    def restore(self, topic_filter: str, delivery: Delivery) -> None:
        """Takes up what the storage has of a shared subscription, one after the other."""
        self._waiting.setdefault(topic_filter, DeliveryQueue()).put(delivery)

    def _keep(self, group: Group[Session], message: Message) -> None:
        """Keeps a message where a member may have it later: one that is here, or comes back, and has QoS 1."""
        for session, subscription in group:
            if (session.persistent or session.connected) and subscription.qos > 0:
                waiting = self._waiting.setdefault(subscription.topic_filter, DeliveryQueue())
                if not self._broker.may_keep_more():
                    self._broker.dropped.add(session, IotCoreReason.QUEUES_FULL)
                elif waiting.is_full(self._broker.limits):
                    self._broker.dropped.add(session, IotCoreReason.QUEUE_FULL)
                else:
                    row = self._broker.storage.enqueue_shared(subscription.topic_filter, message)
                    waiting.put(Delivery(message, False, row))
                return

    def _hand_out(self, group: Group[Session], waiting: DeliveryQueue) -> None:
        """What no member that is here may have now stays for another time, and does not hold up the others."""
        now = self._broker.clock()
        some_here, some_away = _any_connected(group), not _all_connected(group)
        for delivery in list(waiting.deliveries):
            message = delivery.message
            member = None
            if not message.is_expired(now):
                if not some_here:
                    return
                member = self._next(group, message)
                if member is None and (some_away or _may_be_received(group, message)):
                    continue
            waiting.remove(delivery)
            self._done(delivery)
            if member is not None:
                _send(*member, message)

    def _next(self, group: Group[Session], message: Message) -> tuple[Session, Subscription] | None:
        """The next member that is connected, may receive a message and has room; it is the last one after that."""
        for _ in range(len(group)):
            member = group[0]
            group.rotate(-1)
            if _may_receive(member[0], message) and not member[0].queue.is_full(self._broker.limits):
                return member
        return None

    def _forget(self, topic_filter: str) -> None:
        waiting = self._waiting.pop(topic_filter, None)
        for delivery in waiting.take_all() if waiting else ():
            self._done(delivery)

    def _done(self, delivery: Delivery) -> None:
        if delivery.row is not None:
            self._broker.storage.dequeue(delivery.row, delivery.message)


def _may_receive(session: Session, message: Message) -> bool:
    return session.client is not None and session.client.permissions.may_receive(message.topic)


def _may_be_received(group: Group[Session], message: Message) -> bool:
    return any(_may_receive(session, message) for session, _ in group)


def _all_connected(group: Group[Session]) -> bool:
    return all(session.connected for session, _ in group)


def _any_connected(group: Group[Session]) -> bool:
    return any(session.connected for session, _ in group)


def _send(session: Session, subscription: Subscription, message: Message) -> None:
    if session.client is not None:
        qos = min(message.qos, subscription.qos)
        retain = message.retain and subscription.retain_as_published
        session.client.sender.send(message, qos, retain, subscription.topic_filter)
