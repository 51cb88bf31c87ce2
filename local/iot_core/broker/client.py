"""A connected client."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iot_core.broker.control import HANDLERS
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.outlet import Outlet
from iot_core.broker.presence import DisconnectReason
from iot_core.broker.publishing import Publisher
from iot_core.broker.sending import Sender
from iot_core.broker.session import Session
from iot_core.mqtt import (
    Connack,
    Connect,
    Disconnect,
    MqttError,
    Packet,
    Properties,
    ProtocolError,
    Puback,
    Publish,
    ReasonCode,
    Suback,
    Unsuback,
    UnsupportedVersion,
    Version,
    encode,
)
from iot_core.permissions import Permissions

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection came from, and to which port of ours; hosts and ports."""

    source: tuple[str, int]
    target: tuple[str, int]


class Client:
    """One connection, from its CONNACK to its end."""

    __slots__ = (
        "_connect",
        "_publisher",
        "broker",
        "connected",
        "keep_alive",
        "origin",
        "outlet",
        "sender",
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
        self._connect = connect
        self._publisher = Publisher(broker, permissions)
        self.broker = broker
        self.session = session
        self.version = connect.version
        self.outlet = outlet
        self.origin = origin
        self.keep_alive = keep_alive(connect, broker.limits)
        """Seconds; a client that is silent for one and a half times as long is gone [MQTT-3.1.2-22]."""
        self.connected = True
        self.session_identifier = str(uuid.uuid4())
        """Of this connection, in presence events."""
        self.version_number = next(broker.version_numbers)
        """Orders the presence events of a client ID."""
        self.sender = Sender(broker, self, connect, permissions)
        """What the client is to get goes there."""

    @property
    def client_id(self) -> str:
        """The client ID."""
        return self.session.client_id

    @property
    def clean_start(self) -> bool:
        """Whether the client asked for a new session."""
        return self._connect.clean_start

    @property
    def permissions(self) -> Permissions:
        """What the policy allows; replaced at a refresh."""
        return self.sender.permissions

    @permissions.setter
    def permissions(self, permissions: Permissions) -> None:
        """Puts another policy into force."""
        self.sender.permissions = self._publisher.permissions = permissions

    def receive(self, packet: Packet) -> None:
        """Takes a packet. Raises MqttError where the client breaks MQTT's rules, or IoT Core's."""
        if not self.connected:
            return
        if type(packet) is Publish:
            self._publisher.receive(self, packet)
        elif type(packet) is Puback:
            self.sender.acknowledge(packet.packet_id)
        else:
            handle = HANDLERS.get(type(packet))
            if handle is None:
                raise ProtocolError(f"no {type(packet).__name__.upper()} is expected here")
            handle(self, packet)

    def answer(self, packet: Suback | Unsuback | Puback) -> None:
        """Sends an answer. Raises BrokenRule where it is larger than the client takes [MQTT-3.1.2-24]."""
        encoded = encode(packet, self.version)
        if len(encoded) > self.sender.maximum_packet_size:
            raise BrokenRule("an answer is larger than the client's Maximum Packet Size", ReasonCode.PACKET_TOO_LARGE)
        self.outlet.write(encoded)

    def drain(self) -> None:
        """Sends what waits. To be called when the outlet is not slow any more."""
        self.sender.drain()

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
        if reason_code is not None and self.version is Version.MQTT_5:
            self.outlet.write(encode(Disconnect(reason_code), self.version))
        self.outlet.close()
        self.broker.disconnected(self, self._connect.will if with_will else None, reason, explanation)

    def fail(self, error: MqttError) -> None:
        """Ends the connection of a client that broke a rule."""
        code = error.reason_code
        if isinstance(error, UnsupportedVersion):  # In a second CONNECT, which is one too many [MQTT-3.1.0-2].
            code = ReasonCode.PROTOCOL_ERROR
        forbidden = code == ReasonCode.NOT_AUTHORIZED
        reason = DisconnectReason.FORBIDDEN_ACCESS if forbidden else DisconnectReason.CLIENT_ERROR
        self.end(reason, code, explanation=str(error))


def keep_alive(connect: Connect, limits: Limits) -> int:
    """The keep alive of a connection in seconds, within IoT Core's bounds: 0 is the most."""
    wanted = connect.keep_alive or limits.most_keep_alive
    return min(max(wanted, limits.least_keep_alive), limits.most_keep_alive)


def session_expiry(connect: Connect, limits: Limits) -> int:
    """The seconds that a session lives on without a connection; 0 where it ends with it."""
    if connect.version is Version.MQTT_5:
        return min(connect.properties.session_expiry_interval or 0, limits.most_session_expiry)
    return 0 if connect.clean_start else limits.default_session_expiry


def connack(connect: Connect, client_id: str, limits: Limits, *, session_present: bool) -> Connack:
    """The answer to a client that is let in. It names what the client asked for and did not get (MQTT 5.0, 3.2.2.3)."""
    if connect.version is not Version.MQTT_5:
        return Connack(session_present, ReasonCode.SUCCESS)
    expiry, seconds = session_expiry(connect, limits), keep_alive(connect, limits)
    properties = Properties(
        session_expiry_interval=expiry if expiry != (connect.properties.session_expiry_interval or 0) else None,
        receive_maximum=limits.receive_maximum,
        maximum_qos=1,
        retain_available=True,
        maximum_packet_size=limits.packet,
        assigned_client_identifier=None if connect.client_id else client_id,
        topic_alias_maximum=limits.topic_aliases,
        wildcard_subscription_available=True,
        subscription_identifier_available=False,
        shared_subscription_available=True,
        server_keep_alive=seconds if seconds != connect.keep_alive else None,
    )
    return Connack(session_present, ReasonCode.SUCCESS, properties)
