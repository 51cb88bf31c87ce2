"""MQTT reason codes, the packets that may have them, and the errors of invalid packets, each with its code."""

from enum import IntEnum

from iot_core.mqtt.packets import Version


class ReasonCode(IntEnum):
    """The reason codes of MQTT 5 (2.4)."""

    SUCCESS = 0x00
    NORMAL_DISCONNECTION = 0x00
    GRANTED_QOS_0 = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL_MESSAGE = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class ConnectReturnCode(IntEnum):
    """The return codes in the CONNACK of MQTT 3.1.1 (table 3.1)."""

    ACCEPTED = 0
    UNACCEPTABLE_PROTOCOL_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_USER_NAME_OR_PASSWORD = 4
    NOT_AUTHORIZED = 5


SUBSCRIBE_FAILURE = 0x80
"""The only code with which MQTT 3.1.1 refuses a topic filter in a SUBACK, and the lowest one of MQTT 5."""


def _codes(*codes: int | range) -> frozenset[int]:
    return frozenset(code for each in codes for code in (each if isinstance(each, range) else (each,)))


CONNACK_CODES = _codes(0, range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, range(0x99, 0x9E), 0x9F)
"""The codes that a CONNACK of MQTT 5 may have [MQTT-3.2.2-8]."""

PUBACK_CODES = _codes(0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)
"""The codes that a PUBACK may have [MQTT-3.4.2-1]."""

SUBACK_CODES = _codes(0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2)
"""The codes that a SUBACK of MQTT 5 may have [MQTT-3.9.3-2]."""

SUBACK_RETURN_CODES = _codes(0, 1, 2, SUBSCRIBE_FAILURE)
"""The codes that a SUBACK of MQTT 3.1.1 may have [MQTT-3.9.3-2]."""

UNSUBACK_CODES = _codes(0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91)
"""The codes that an UNSUBACK of MQTT 5 may have [MQTT-3.11.3-2]."""

DISCONNECT_CODES = _codes(0, 4, range(0x80, 0x84), 0x87, 0x89, 0x8B, range(0x8D, 0x91), range(0x93, 0xA3))
"""The codes that a DISCONNECT may have [MQTT-3.14.2-1]."""


class MqttError(Exception):
    """A peer's bytes are not valid MQTT. The text says what is wrong and names the rule, if there is one."""

    reason_code: ReasonCode = ReasonCode.UNSPECIFIED_ERROR
    """The MQTT reason code for the CONNACK or DISCONNECT that answers in MQTT 5."""


class MalformedPacket(MqttError):
    """A packet cannot be read (MQTT 5, 1.2)."""

    reason_code = ReasonCode.MALFORMED_PACKET


class ProtocolError(MqttError):
    """A packet can be read, but the protocol does not allow it here (MQTT 5, 1.2)."""

    reason_code = ReasonCode.PROTOCOL_ERROR


class PacketTooLarge(MqttError):
    """A packet has more bytes than this side accepts [MQTT-3.1.2-24]."""

    reason_code = ReasonCode.PACKET_TOO_LARGE


class UnsupportedVersion(MqttError):
    """A CONNECT has another protocol, or a version that is not accepted here [MQTT-3.1.2-1], [MQTT-3.1.2-2]."""

    reason_code = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION

    def __init__(self, protocol_name: str, level: int | None) -> None:
        self.protocol_name = protocol_name
        """The protocol's name in the CONNECT: `MQTT`, `MQIsdp` or any other."""
        self.level = level
        """The version's byte; None if the protocol is not MQTT."""
        super().__init__(protocol_name, level)

    def __str__(self) -> str:
        return (
            f"{self.protocol_name!r} with level {self.level} is neither MQTT 3.1.1 nor MQTT 5 [MQTT-3.1.2-2]; "
            "MQTT 3.1 is accepted only on signed WebSocket connections"
        )

    @property
    def answer_in(self) -> Version | None:
        """The MQTT version for the CONNACK; None if the connection must close without an answer."""
        if self.level is None:
            return None
        # Mosquitto's bridges set the highest bit, and ask again without it after a refusal that they understand.
        return Version.MQTT_5 if self.level & 0x7F >= Version.MQTT_5 else Version.MQTT_3_1_1
