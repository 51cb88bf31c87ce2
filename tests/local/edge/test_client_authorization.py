"""What a CONNECT becomes for the authorizer."""

import base64

from iot_core.broker.client import Origin
from iot_core.edge.client_authorization import NetworkContext, connection_request
from iot_core.mqtt import Connect, Version
from iot_core.mqtt.primitives import LONGEST_STRING


def test_the_longest_strings_of_a_connect_reach_the_authorizer_as_they_came() -> None:
    longest, password = "a" * LONGEST_STRING, b"\xff" * LONGEST_STRING
    connect = Connect(Version.MQTT_3_1_1, longest, user_name=longest, password=password)
    mqtt = connection_request(connect, NetworkContext(Origin(("127.0.0.1", 1), ("127.0.0.1", 2)))).mqtt_context
    assert mqtt is not None
    assert (mqtt.client_id, mqtt.username, mqtt.password) == (longest, longest, base64.b64encode(password).decode())
