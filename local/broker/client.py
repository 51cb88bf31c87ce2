"""A connected client: its packets in, and what it is to get out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from local.broker.broken_rule import BrokenRule
from local.broker.disconnect_reason import DisconnectReason
from local.broker.message import Delivery, Message
from local.broker.publishing import PublishRules
from local.broker.session import Session
from local.broker.subscribing import subscribe, unsubscribe
from local.mqtt import (
    Connect,
    Disconnect,
    MqttError,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolError,
    Puback,
    Publish,
    ReasonCode,
    Subscribe,
    Unsubscribe,
    Version,
    encode,
)

if TYPE_CHECKING:
    from local.broker.broker import Broker

_PINGRESP = encode(Pingresp(), Version.MQTT_3_1_1)


class Permissions(Protocol):
    """What a connection's policy allows."""

    def may_publish(self, topic: str) -> bool:
        """Whether iot:Publish is allowed."""
        ...

    def may_retain(self, topic: str) -> bool:
        """Whether iot:RetainPublish is allowed."""
        ...

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether iot:Subscribe is allowed."""
        ...

    def may_receive(self, topic: str) -> bool:
        """Whether iot:Receive is allowed."""
        ...


class Outlet(Protocol):
    """The way to a client."""

    slow: bool
    """Whether more waits to be sent than a client may have waiting."""

    def write(self, chunk: bytes) -> None:
        """Sends bytes, some time soon."""
        ...

    def close(self) -> None:
        """Ends the connection once all is sent."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection came from, and to which port of ours; hosts and ports."""

    source: tuple[str, int]
    target: tuple[str, int]


class Client:
    """One connection, from its CONNACK to its end."""

    __slots__ = (
        "_aliases",
        "_broker",
        "_connect",
        "_maximum_packet_size",
        "_next_packet_id",
        "_receive_maximum",
        "_rules",
        "connected",
        "keep_alive",
        "origin",
        "outlet",
        "permissions",
        "session",
        "session_identifier",
        "version",
        "version_number",
    )

    def __init__(
        self,
        broker: "Broker",
        session: Session,
        connect: Connect,
        permissions: Permissions,
        outlet: Outlet,
        origin: Origin,
    ) -> None:
        limits = broker.limits
        properties = connect.properties
        self._broker = broker
        self._connect = connect
        self._rules = PublishRules(limits, broker.clock)
        self._aliases: dict[int, str] = {}
        self._next_packet_id = 0
        self._receive_maximum = min(properties.receive_maximum or 65_535, limits.receive_maximum)
        self._maximum_packet_size = properties.maximum_packet_size or 0xFFFF_FFFF
        self.session = session
        self.version = connect.version
        self.permissions = permissions
        """Replaced at a refresh."""
        self.outlet = outlet
        self.origin = origin
        self.keep_alive = broker.keep_alive(connect)
        """Seconds; a client that is silent for one and a half times as long is gone [MQTT-3.1.2-22]."""
        self.connected = True
        self.session_identifier = broker.new_identifier()
        """Of this connection, in presence events."""
        self.version_number = broker.new_version_number()
        """Orders the presence events of a client ID."""

    @property
    def client_id(self) -> str:
        """The client ID."""
        return self.session.client_id

    @property
    def clean_start(self) -> bool:
        """Whether the client asked for a new session."""
        return self._connect.clean_start

    def receive(self, packet: Packet) -> None:
        """Takes a packet. Raises MqttError where the client breaks MQTT's rules, or IoT Core's."""
        if not self.connected:
            return
        if type(packet) is Publish:
            self._receive_publish(packet)
        elif type(packet) is Puback:
            self._receive_puback(packet)
        else:
            handle = _HANDLERS.get(type(packet))
            if handle is None:
                raise ProtocolError(f"no {type(packet).__name__.upper()} is expected here")
            handle(self, packet)

    def send(self, message: Message, qos: int, retain: bool) -> None:
        """Delivers a message, where the policy lets this client receive it."""
        if not self.permissions.may_receive(message.topic):
            return
        if qos == 0:
            self._send_at_most_once(message, retain)
            return
        session = self.session
        if session.queue or len(session.inflight) >= self._receive_maximum or self.outlet.slow:
            if session.is_full(self._broker.limits):
                self._broker.dropped(session, "slow")
                self.end(DisconnectReason.THROTTLED, ReasonCode.QUOTA_EXCEEDED)
                return
            session.enqueue(message, retain)
            return
        row = session.storage.enqueue(session.client_id, message, retain) if session.persistent else None
        self._transmit(Delivery(message, retain, row))

    def drain(self) -> None:
        """Sends what waits, as far as the client's receive maximum goes."""
        session = self.session
        now = self._broker.clock()
        while session.queue and len(session.inflight) < self._receive_maximum and not self.outlet.slow:
            delivery = session.take()
            message = delivery.message
            if message.is_expired(now) or not self.permissions.may_receive(message.topic):
                session.done(delivery)
            else:
                self._transmit(delivery)

    def end(
        self,
        reason: DisconnectReason,
        reason_code: ReasonCode | None = None,
        *,
        explanation: str = "",
        with_will: bool = True,
    ) -> None:
        """Ends the connection. With a reason code, a client of MQTT 5 is told before."""
        if not self.connected:
            return
        self.connected = False
        if reason_code is not None and self.version == Version.MQTT_5:
            self.outlet.write(encode(Disconnect(reason_code), self.version))
        self.outlet.close()
        self._broker.disconnected(self, self._connect.will if with_will else None, reason, explanation)

    def fail(self, error: MqttError) -> None:
        """Ends the connection of a client that broke a rule."""
        forbidden = error.reason_code == ReasonCode.NOT_AUTHORIZED
        reason = DisconnectReason.FORBIDDEN_ACCESS if forbidden else DisconnectReason.CLIENT_ERROR
        self.end(reason, ReasonCode(error.reason_code), explanation=str(error))

    def _send_at_most_once(self, message: Message, retain: bool) -> None:
        if self.outlet.slow:
            self._broker.dropped(self.session, "slow")
            return
        head, tail = message.parts(self.version, 0, retain, self._broker.clock)
        if len(head) + len(tail) <= self._maximum_packet_size:
            self.outlet.write(head + tail)

    def _transmit(self, delivery: Delivery) -> None:
        message = delivery.message
        head, tail = message.parts(self.version, 1, delivery.retain, self._broker.clock)
        if len(head) + len(tail) + 2 > self._maximum_packet_size:  # Never sent, as if it were [MQTT-3.1.2-25].
            self.session.done(delivery)
            return
        inflight = self.session.inflight
        packet_id = self._next_packet_id
        while True:
            packet_id = packet_id % 65_535 + 1
            if packet_id not in inflight:
                break
        self._next_packet_id = packet_id
        inflight[packet_id] = delivery
        if delivery.sent:
            head = bytes((head[0] | 0x08,)) + head[1:]
        delivery.sent = True
        self.outlet.write(head + packet_id.to_bytes(2) + tail)

    def _receive_publish(self, packet: Publish) -> None:
        packet_id = packet.packet_id
        topic = packet.topic
        if packet.properties.topic_alias is not None:
            topic = self._alias(packet.properties.topic_alias, topic)
        admitted = self._rules.check(packet, topic, self.permissions)
        if not admitted:
            self._broker.dropped(self.session, "throttled")
            if packet_id is not None and self.version == Version.MQTT_5:
                self.outlet.write(encode(Puback(packet_id, ReasonCode.QUOTA_EXCEEDED), self.version))
            return
        self._broker.publish(self._broker.message(packet, topic), self.session)
        if packet_id is not None:
            self.outlet.write(b"\x40\x02" + packet_id.to_bytes(2))

    def _alias(self, alias: int, topic: str) -> str:
        if alias > self._broker.limits.topic_aliases:
            raise BrokenRule("a topic alias is over the maximum", ReasonCode.TOPIC_ALIAS_INVALID)
        if topic:
            self._aliases[alias] = topic
            return topic
        known = self._aliases.get(alias)
        if known is None:
            raise ProtocolError("a topic alias stands for no topic [MQTT-3.3.2-12]")
        return known

    def _receive_puback(self, packet: Puback) -> None:
        delivery = self.session.inflight.pop(packet.packet_id, None)
        if delivery is not None and delivery.row is not None:
            self.session.done(delivery)
        if self.session.queue:
            self.drain()

    def _subscribe(self, packet: Subscribe) -> None:
        subscribe(self._broker, self, packet)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        unsubscribe(self._broker, self, packet)

    def _ping(self, _: Pingreq) -> None:
        self.outlet.write(_PINGRESP)

    def _disconnect(self, packet: Disconnect) -> None:
        expiry = packet.properties.session_expiry_interval
        if expiry is not None:
            if expiry and not self.session.expiry_interval:
                raise ProtocolError("a session without expiry gets none at its end (MQTT 5.0, section 3.14.2.2.2)")
            self.session.expiry_interval = min(expiry, self._broker.limits.most_session_expiry)
        self.end(
            DisconnectReason.CLIENT_INITIATED_DISCONNECT,
            with_will=packet.reason_code == ReasonCode.DISCONNECT_WITH_WILL_MESSAGE,
        )


_HANDLERS: dict[type[Packet], Callable[..., None]] = {
    Subscribe: Client._subscribe,
    Unsubscribe: Client._unsubscribe,
    Pingreq: Client._ping,
    Disconnect: Client._disconnect,
}
