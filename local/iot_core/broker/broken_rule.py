"""What IoT Core ends a connection for, although it is good MQTT."""

from iot_core.mqtt import MqttError, ReasonCode


class BrokenRule(MqttError):
    """A packet that IoT Core does not take. Its text says why."""

    def __init__(self, text: str, reason_code: ReasonCode) -> None:
        super().__init__(text)
        self.reason_code = reason_code
