"""The errors that a peer's bytes can cause."""

from iot_core.mqtt.packets import Version
from iot_core.mqtt.reason_codes import ReasonCode


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
    """A CONNECT has another protocol, or another version than 3.1.1 and 5 [MQTT-3.1.2-1], [MQTT-3.1.2-2]."""

    reason_code = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION

    def __init__(self, protocol_name: str, level: int | None) -> None:
        self.protocol_name = protocol_name
        """The protocol's name in the CONNECT: `MQTT`, `MQIsdp` or any other."""
        self.level = level
        """The version's byte; None if the protocol is not MQTT."""
        super().__init__(protocol_name, level)

    def __str__(self) -> str:
        return f"{self.protocol_name!r} with level {self.level} is neither MQTT 3.1.1 nor MQTT 5 [MQTT-3.1.2-2]"

    @property
    def answer_in(self) -> Version | None:
        """The version whose CONNACK the client may understand; None if the connection must close without an answer."""
        if self.level is None:
            return None
        # Mosquitto's bridges set the highest bit, and ask again without it after a refusal that they understand.
        return Version.MQTT_5 if self.level & 0x7F >= Version.MQTT_5 else Version.MQTT_3_1_1
