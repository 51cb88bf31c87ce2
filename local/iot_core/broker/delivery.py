"""Delivery of messages to one session.

The rules:
- The policy decides at the moment of sending: a message that the client may not receive is skipped.
- QoS 0 is sent at once or dropped: it is dropped while the client is slow or absent.
- QoS 1 is sent at once if nothing is queued before it, the client's receive maximum allows it and the client is not
  slow. Otherwise it is queued. Each PUBACK sends the next queued message.
- A client whose queue is full is too slow: the broker must end its connection. A client that still receives what was
  queued when it connected only misses the message: otherwise it might never catch up.
- For an absent client, QoS 1 is queued if its session is persistent and its queue and the storage have room.
- A packet over the client's Maximum Packet Size counts as sent [MQTT-3.1.2-25].
- A message that expires in the queue is not sent.
- A direct message is sent at once or not at all, and needs no subscription. With a receipt, its QoS is 1.
"""

from iot_core.broker.effects import Dropped
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.session import Delivery, Link, Receipt, Session
from iot_core.reasons import IotCoreReason


def deliver(
    session: Session, link: Link, message: Message, qos: int, retain: bool, shared: str | None = None
) -> Dropped | None:
    """Sends a message to a connected client, or queues it. Returns an effect only if the message is dropped.

    `shared` is the filter of the shared subscription that it was sent for, if it was sent for one.
    """
    outlet = link.outlet
    if not link.permissions.may_receive(message.topic):
        return None
    if qos == 0:
        if outlet.slow:
            return Dropped(session, IotCoreReason.SLOW)
        head, tail = message.parts(link.version, 0, retain, link.clock)
        if len(head) + len(tail) <= link.maximum_packet_size:
            outlet.write(head + tail)
    elif not (session.queue.deliveries or len(session.inflight) >= link.receive_maximum or outlet.slow):
        _send(session, link, session.delivery(message, retain, shared))
    elif not session.enqueue(message, retain, link.limits, shared):
        return Dropped(session, IotCoreReason.SLOW, too_slow=not link.catching_up)
    return None


def keep(session: Session, message: Message, retain: bool, limits: Limits) -> Dropped | None:
    """Queues a QoS 1 message for an absent client. Returns an effect only if the message is dropped."""
    if not session.has_room(limits):
        return Dropped(session, IotCoreReason.QUEUES_FULL)
    if not session.enqueue(message, retain, limits):
        return Dropped(session, IotCoreReason.QUEUE_FULL)
    return None


def acknowledge(session: Session, link: Link, packet_id: int) -> None:
    """Takes the acknowledgement of a message, and sends the next one."""
    delivery = session.inflight.pop(packet_id, None)
    if delivery is not None:
        session.done(delivery)
        if delivery.receipt is not None:
            delivery.receipt.end(acknowledged=True)
    if session.queue.deliveries:
        drain(session, link)


def drain(session: Session, link: Link) -> None:
    """Sends queued messages, as many as the client takes now."""
    queued = session.queue.deliveries
    while queued and len(session.inflight) < link.receive_maximum and not link.outlet.slow:
        delivery = session.queue.take()
        message = delivery.message
        expired = message.expires_at is not None and message.is_expired(link.clock())  # Most never expire.
        if expired or not link.permissions.may_receive(message.topic):
            session.done(delivery)
        else:
            _send(session, link, delivery)
    link.catching_up = link.catching_up and bool(queued)


def send_direct(session: Session, link: Link, message: Message, receipt: Receipt | None) -> IotCoreReason | None:
    """Sends a direct message to a connected client. Returns the reason code if it is not sent."""
    if not link.permissions.may_receive(message.topic):
        return IotCoreReason.NOT_ALLOWED_BY_POLICY
    if link.outlet.slow or (receipt is not None and len(session.inflight) >= link.receive_maximum):
        return IotCoreReason.RECEIVER_BUSY
    head, tail = message.parts(link.version, message.qos, False, link.clock)
    if len(head) + len(tail) + 2 * message.qos > link.maximum_packet_size:
        return IotCoreReason.RECEIVER_TAKES_LESS
    if receipt is None:
        link.outlet.write(head + tail)
    else:
        _send(session, link, Delivery(message, retain=False, receipt=receipt))
    return None


def _send(session: Session, link: Link, delivery: Delivery) -> None:
    head, tail = delivery.message.parts(link.version, 1, delivery.retain, link.clock)
    if len(head) + len(tail) + 2 > link.maximum_packet_size:
        session.done(delivery)
        return
    inflight = session.inflight
    packet_id = delivery.packet_id  # A message that is sent again keeps its packet ID, and precedes all new ones.
    if packet_id is None:
        packet_id = link.last_packet_id % 65_535 + 1
        while packet_id in inflight:
            packet_id = packet_id % 65_535 + 1
        delivery.packet_id = link.last_packet_id = packet_id
    inflight[packet_id] = delivery
    if delivery.duplicate:
        head = bytes((head[0] | 0x08,)) + head[1:]
    link.outlet.write(head + packet_id.to_bytes(2) + tail)
