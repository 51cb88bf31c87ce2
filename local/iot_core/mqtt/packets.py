"""The packets of MQTT 3.1, 3.1.1 and 5 that IoT Core takes or sends, and their properties.

MQTT 3.1 has the packets of MQTT 3.1.1, but no failure code in SUBACK. Both have no properties, few reason codes and no
options of a subscription but its QoS. Packets that are read from them have the defaults in these fields, and packets
that are written for them leave them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Version(IntEnum):
    """A version of MQTT, by its protocol level in CONNECT."""

    MQTT_3_1 = 3
    MQTT_3_1_1 = 4
    MQTT_5 = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class Properties:
    """The properties of a packet or a Will (MQTT 5, 2.2.2). None or () means that the property is absent.

    Intervals are in seconds, sizes in bytes. `iot_core.mqtt.properties` has the property's identifier, its type, and
    the packets that may have it.
    """

    # No slots: decoded properties set only what the packet has. Everything else is the class's default.
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: bool | None = None
    will_delay_interval: int | None = None
    request_response_information: bool | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: bool | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: bool | None = None
    subscription_identifier_available: bool | None = None
    shared_subscription_available: bool | None = None

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Properties":
        """Makes properties of values by name, without checking them. Much faster than the constructor."""
        made = cls.__new__(cls)
        vars(made).update(values)
        return made

    def __repr__(self) -> str:
        present = (f"{name}={value!r}" for name, value in vars(self).items() if value not in (None, ()))
        return f"Properties({', '.join(present)})"


NO_PROPERTIES = Properties()
"""The empty properties. A decoded packet without properties has exactly this object."""


@dataclass(slots=True)
class Will:
    """The message that the server publishes when the client's connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Connect:
    """A client asks for a connection. `clean_start` is clean session in MQTT 3.1.1; `keep_alive` is in seconds."""

    version: Version
    client_id: str
    clean_start: bool = True
    keep_alive: int = 0
    user_name: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Connack:
    """The answer to CONNECT. `reason_code` is a ReasonCode in MQTT 5, a ConnectReturnCode in MQTT 3.1.1."""

    session_present: bool
    reason_code: int
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Publish:
    """A message. With QoS 0, `packet_id` is None. In MQTT 5, `topic` may be empty if there is a topic alias."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    packet_id: int | None = None
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Puback:
    """The answer to a PUBLISH with QoS 1."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Subscription:
    """A topic filter and its options.

    `retain_handling` says when retained messages are sent: always (0), only to a new subscription (1), or never (2).
    """

    topic_filter: str
    qos: int
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(slots=True)
class Subscribe:
    """A client asks for subscriptions."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Suback:
    """The answer to SUBSCRIBE: one code for each subscription, in their order."""

    packet_id: int
    reason_codes: tuple[int, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Unsubscribe:
    """A client ends subscriptions."""

    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Unsuback:
    """The answer to UNSUBSCRIBE: one code for each topic filter, in their order; none in MQTT 3.1.1."""

    packet_id: int
    reason_codes: tuple[int, ...] = ()
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Pingreq:
    """A client shows that it is connected."""


@dataclass(slots=True)
class Pingresp:
    """The answer to PINGREQ."""


@dataclass(slots=True)
class Disconnect:
    """The last packet of a connection. In MQTT 3.1.1, only the client sends it."""

    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


Packet = (
    Connect | Connack | Publish | Puback | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect
)
