"""A connected client, and what its CONNECT asks for."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.publishing import Publisher
from iot_core.broker.session import Link, Outlet, Session
from iot_core.mqtt import (
    Connack,
    Connect,
    Disconnect,
    Properties,
    Puback,
    ReasonCode,
    Suback,
    Unsuback,
    Version,
    Will,
    encode,
)
from iot_core.permissions import Permissions


@dataclass(frozen=True, slots=True)
class Origin:
    """The two ends of a network connection, each a host and a port."""

    source: tuple[str, int]
    target: tuple[str, int]
    """The port on this machine."""


@dataclass(slots=True, eq=False)
class Client:
    """One connection, from its CONNACK to its end. It sends packets; the broker does everything else."""

    session: Session
    link: Link
    publisher: Publisher
    origin: Origin
    will: Will | None
    keep_alive: int
    """Seconds. The connection ends after one and a half times as long without a packet [MQTT-3.1.2-22]."""
    version_number: int
    """Orders the presence events of a client ID."""
    connected: bool = True
    _session_identifier: str | None = None

    @property
    def client_id(self) -> str:
        """The client ID."""
        return self.session.client_id

    @property
    def session_identifier(self) -> str:
        """The connection's identifier in presence events. Made for the first one: few are made."""
        if self._session_identifier is None:
            self._session_identifier = str(uuid.uuid4())
        return self._session_identifier

    def send(self, packet: Suback | Unsuback | Puback) -> None:
        """Sends an answer. Raises BrokenRule if it is larger than the client takes [MQTT-3.1.2-24]."""
        encoded = encode(packet, self.link.version)
        most = self.link.maximum_packet_size
        if len(encoded) > most:
            raise BrokenRule(
                f"an answer has {len(encoded)} bytes, and the client's Maximum Packet Size is {most}",
                ReasonCode.PACKET_TOO_LARGE,
            )
        self.link.outlet.write(encoded)

    def close(self, reason_code: ReasonCode | None = None) -> None:
        """Closes the connection. With a reason code, a client of MQTT 5 gets a DISCONNECT first."""
        self.connected = False
        if reason_code is not None and self.link.version is Version.MQTT_5:
            self.link.outlet.write(encode(Disconnect(reason_code), Version.MQTT_5))
        self.link.outlet.close()


def open_link(
    connect: Connect,
    session: Session,
    permissions: Permissions,
    outlet: Outlet,
    limits: Limits,
    clock: Callable[[], float],
) -> Link:
    """Returns the sending side of a new connection. `clock` returns seconds since 1970."""
    return Link(
        outlet=outlet,
        permissions=permissions,
        version=connect.version,
        receive_maximum=min(connect.properties.receive_maximum or 65_535, limits.receive_maximum),
        maximum_packet_size=connect.properties.maximum_packet_size or 0xFFFF_FFFF,
        limits=limits,
        clock=clock,
        catching_up=bool(session.queue.deliveries),
    )


def keep_alive(connect: Connect, limits: Limits) -> int:
    """Returns a connection's keep alive in seconds, within IoT Core's bounds. 0 in the CONNECT is the maximum."""
    wanted = connect.keep_alive or limits.most_keep_alive
    return min(max(wanted, limits.least_keep_alive), limits.most_keep_alive)


def session_expiry(connect: Connect, limits: Limits) -> int:
    """Returns the seconds that a session outlives its connection. 0 if it ends with the connection."""
    if connect.version is Version.MQTT_5:
        return min(connect.properties.session_expiry_interval or 0, limits.most_session_expiry)
    return 0 if connect.clean_start else limits.default_session_expiry


def connack(connect: Connect, client_id: str, limits: Limits, *, session_present: bool) -> Connack:
    """Returns the answer to an accepted CONNECT. It names what differs from the CONNECT (MQTT 5.0, 3.2.2.3)."""
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
