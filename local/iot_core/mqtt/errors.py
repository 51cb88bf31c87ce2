"""What can be wrong with the bytes of a peer."""

from iot_core.mqtt.reason_codes import ReasonCode
from iot_core.mqtt.version import Version


class MqttError(Exception):
    """The bytes of a peer that are no MQTT. Its text says what is wrong, and names the rule where there is one."""

    reason_code: ReasonCode = ReasonCode.UNSPECIFIED_ERROR
    """What MQTT 5 answers with, in a CONNACK or DISCONNECT."""


class MalformedPacket(MqttError):
    """A packet that cannot be read according to the standard (MQTT 5, 1.2)."""

    reason_code = ReasonCode.MALFORMED_PACKET


class ProtocolError(MqttError):
    """A packet that can be read, and whose content the standard does not allow (MQTT 5, 1.2)."""

    reason_code = ReasonCode.PROTOCOL_ERROR


class PacketTooLarge(MqttError):
    """A packet of more bytes than this side takes [MQTT-3.1.2-24]."""

    reason_code = ReasonCode.PACKET_TOO_LARGE


class UnsupportedVersion(MqttError):
    """A CONNECT of another protocol, or of another version than 3.1.1 and 5 [MQTT-3.1.2-1], [MQTT-3.1.2-2]."""

    reason_code = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION

    def __init__(self, protocol_name: str, level: int | None) -> None:
        self.protocol_name = protocol_name
        """What the client calls the protocol; `MQTT` for MQTT."""
        self.level = level
        """The version's byte; None where the protocol is not MQTT, so that the byte may mean anything."""
        super().__init__(protocol_name, level)

    def __str__(self) -> str:
        return f"{self.protocol_name!r} with level {self.level} is neither MQTT 3.1.1 nor MQTT 5 [MQTT-3.1.2-2]"

    @property
    def answer_in(self) -> Version | None:
        """The version whose CONNACK the client may understand; None where the connection is just to be closed."""
        if self.level is None:
            return None
        # Mosquitto's bridges set the highest bit, and ask again without it after a refusal they understand.
        return Version.MQTT_5 if self.level & 0x7F >= Version.MQTT_5 else Version.MQTT_3_1_1
