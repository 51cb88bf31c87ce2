"""What tests of a project use: IoT Core with the project's authorizer, and MQTT clients for it."""

from iot_authorizer_cli.testing.iot_core_under_test import IotCoreUnderTest
from iot_authorizer_cli.testing.mqtt_test_client import ClientRefused, MqttTestClient, ReceivedMessage

__all__ = ["ClientRefused", "IotCoreUnderTest", "MqttTestClient", "ReceivedMessage"]
