"""MQTT 3.1.1 and 5 as bytes and packets, both ways, without any input or output.

decoder = Decoder(max_packet_size=131072)
decoder.receive(chunk)
while (packet := decoder.next()) is not None: ...
transport.write(encode(Puback(packet.packet_id), decoder.version))
"""

from iot_core.mqtt.decoder import Decoder
from iot_core.mqtt.encoder import encode, publish_parts
from iot_core.mqtt.errors import MalformedPacket, MqttError, PacketTooLarge, ProtocolError, UnsupportedVersion
from iot_core.mqtt.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from iot_core.mqtt.properties import NO_PROPERTIES, Properties
from iot_core.mqtt.reason_codes import ConnectReturnCode, ReasonCode
from iot_core.mqtt.version import Version

__all__ = [
    "NO_PROPERTIES",
    "Auth",
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
    "Pubcomp",
    "Publish",
    "Pubrec",
    "Pubrel",
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
