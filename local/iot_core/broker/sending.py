"""Messages on their way to one client."""

from typing import TYPE_CHECKING

from iot_core.broker.disconnect_reason import DisconnectReason
from iot_core.broker.message import Delivery, Message
from iot_core.broker.permissions import Permissions
from iot_core.mqtt import Connect, ReasonCode
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker
    from iot_core.broker.client import Client


class Sender:
    """Sends what a client is to get: QoS 0 at once or never, QoS 1 as fast as it is acknowledged."""

    __slots__ = (
        "_broker",
        "_catching_up",
        "_client",
        "_last_packet_id",
        "_outlet",
        "_receive_maximum",
        "_session",
        "_version",
        "maximum_packet_size",
        "permissions",
    )

    def __init__(self, broker: "Broker", client: "Client", connect: Connect, permissions: Permissions) -> None:
        properties = connect.properties
        self._broker = broker
        self._client = client
        self._session = client.session
        self._outlet = client.outlet
        self._version = connect.version
        self._receive_maximum = min(properties.receive_maximum or 65_535, broker.limits.receive_maximum)
        self.maximum_packet_size = properties.maximum_packet_size or 0xFFFF_FFFF
        """Bytes of a packet that the client takes."""
        self._last_packet_id = 0
        self._catching_up = bool(client.session.queue.deliveries)
        self.permissions = permissions
        """Replaced at a refresh."""

    def send(self, message: Message, qos: int, retain: bool, shared: str | None = None) -> None:
        """Delivers a message, where the policy lets this client receive it.

        `shared` is the filter of the shared subscription that brings it, if one does.
        """
        if not self.permissions.may_receive(message.topic):
            return
        if qos == 0:
            self._send_at_most_once(message, retain)
            return
        session = self._session
        if session.queue.deliveries or len(session.inflight) >= self._receive_maximum or self._outlet.slow:
            self._queue(message, retain, shared)
        else:
            self._transmit(session.delivery(message, retain, shared))

    def acknowledge(self, packet_id: int) -> None:
        """The client has a message: there is room for the next one."""
        session = self._session
        delivery = session.inflight.pop(packet_id, None)
        if delivery is not None and delivery.row is not None:
            session.done(delivery)
        if session.queue.deliveries:
            self.drain()

    def drain(self) -> None:
        """Sends what waits, as far as the client's receive maximum goes."""
        session = self._session
        waiting = session.queue.deliveries
        now = self._broker.clock()
        while waiting and len(session.inflight) < self._receive_maximum and not self._outlet.slow:
            delivery = session.queue.take()
            if delivery.message.is_expired(now) or not self.permissions.may_receive(delivery.message.topic):
                session.done(delivery)
            else:
                self._transmit(delivery)
        self._catching_up = self._catching_up and bool(waiting)
        if not waiting and self._broker.shared.waits:
            self._broker.shared.hand_out()

    def _send_at_most_once(self, message: Message, retain: bool) -> None:
        if self._outlet.slow:
            self._broker.dropped.add(self._session, IotCoreReason.SLOW)
            return
        head, tail = message.parts(self._version, 0, retain, self._broker.clock)
        if len(head) + len(tail) <= self.maximum_packet_size:
            self._outlet.write(head + tail)

    def _queue(self, message: Message, retain: bool, shared: str | None) -> None:
        """Keeps a message for later, as far as there is room; ends a client that lets too many pile up.

        One that still catches up with what waited when it connected only misses messages: else it might never succeed.
        """
        if self._session.enqueue(message, retain, self._broker.limits, shared):
            return
        self._broker.dropped.add(self._session, IotCoreReason.SLOW)
        if not self._catching_up:
            self._client.end(DisconnectReason.THROTTLED, ReasonCode.QUOTA_EXCEEDED)

    def _transmit(self, delivery: Delivery) -> None:
        head, tail = delivery.message.parts(self._version, 1, delivery.retain, self._broker.clock)
        if len(head) + len(tail) + 2 > self.maximum_packet_size:  # Never sent, as if it were [MQTT-3.1.2-25].
            self._session.done(delivery)
            return
        inflight = self._session.inflight
        packet_id = delivery.packet_id  # What is sent again keeps it [MQTT-4.4.0-1], and goes before all that is new.
        if packet_id is None:
            packet_id = self._last_packet_id % 65_535 + 1
            while packet_id in inflight:
                packet_id = packet_id % 65_535 + 1
            delivery.packet_id = self._last_packet_id = packet_id
        inflight[packet_id] = delivery
        if delivery.duplicate:
            head = bytes((head[0] | 0x08,)) + head[1:]
        self._outlet.write(head + packet_id.to_bytes(2) + tail)
