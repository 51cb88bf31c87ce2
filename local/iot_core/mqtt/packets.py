"""The packets of MQTT 3.1.1 and 5, and what they consist of.

What MQTT 3.1.1 does not have (properties, most reason codes, most options of a subscription) is left at its default
in the packets that are read from it, and left out of those that are written for it.
"""

from dataclasses import dataclass

from iot_core.mqtt.properties import NO_PROPERTIES, Properties
from iot_core.mqtt.version import Version


@dataclass(slots=True)
class Will:
    """The message that the server publishes when the client is lost."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Connect:
    """A client asks for a connection. `clean_start` is MQTT 3.1.1's clean session, `keep_alive` in seconds."""

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
    """A message. `packet_id` is None with QoS 0; `topic` may be empty in MQTT 5, where there is a topic alias."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    packet_id: int | None = None
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Puback:
    """A message of QoS 1 has arrived."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Pubrec:
    """A message of QoS 2 has arrived: its first answer."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Pubrel:
    """A message of QoS 2 may be released: the answer to PUBREC."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Pubcomp:
    """A message of QoS 2 is complete: the answer to PUBREL."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Subscription:
    """A topic filter and its options.

    `retain_handling`: retained messages are sent always (0), to a new subscription only (1), or never (2).
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
    """The answer to SUBSCRIBE: a code for each subscription, in their order."""

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
    """The answer to UNSUBSCRIBE: a code for each topic filter, in their order; none in MQTT 3.1.1."""

    packet_id: int
    reason_codes: tuple[int, ...] = ()
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Pingreq:
    """A client shows that it is there."""


@dataclass(slots=True)
class Pingresp:
    """The answer to PINGREQ."""


@dataclass(slots=True)
class Disconnect:
    """The last packet of a connection; from the client alone in MQTT 3.1.1."""

    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(slots=True)
class Auth:
    """One step of an extended authentication; MQTT 5 alone."""

    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
