"""Decodes and encodes the packets of MQTT 3.1, 3.1.1 and 5, without any input or output.

decoder = Decoder(max_packet_size=131072)
decoder.receive(chunk)
while (packet := decoder.next()) is not None: ...
transport.write(encode(Puback(packet.packet_id), connect.version))
"""

from iot_core.mqtt.decoder import Decoder
from iot_core.mqtt.encoder import encode
from iot_core.mqtt.packets import (
    NO_PROPERTIES,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from iot_core.mqtt.publish import publish_parts
from iot_core.mqtt.reason_codes import (
    SUBSCRIBE_FAILURE,
    ConnectReturnCode,
    MalformedPacket,
    MqttError,
    PacketTooLarge,
    ProtocolError,
    ReasonCode,
    UnsupportedVersion,
)

__all__ = [
    "NO_PROPERTIES",
    "SUBSCRIBE_FAILURE",
    "Connack",
    "Connect",
    "ConnectReturnCode",
    "Decoder",
    "Disconnect",
    "MalformedPacket",
    "MqttError",
    "Packet",
    "PacketTooLarge",
    "Pingreq",
    "Pingresp",
    "Properties",
    "ProtocolError",
    "Puback",
    "Publish",
    "ReasonCode",
    "Suback",
    "Subscribe",
    "Subscription",
    "Unsuback",
    "Unsubscribe",
    "UnsupportedVersion",
    "Version",
    "Will",
    "encode",
    "publish_parts",
]
