"""From packets to bytes."""

from collections.abc import Callable
from typing import Any

from iot_core.mqtt.acknowledgements import encode_acknowledgement
from iot_core.mqtt.connect import encode_connack, encode_connect
from iot_core.mqtt.control import encode_auth, encode_disconnect, encode_pingreq, encode_pingresp
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
    Unsuback,
    Unsubscribe,
)
from iot_core.mqtt.publish import encode_publish, publish_parts
from iot_core.mqtt.subscribe import encode_subscribe, encode_unsubscribe
from iot_core.mqtt.subscribe_answers import encode_suback, encode_unsuback
from iot_core.mqtt.version import Version

__all__ = ["encode", "publish_parts"]

# Any: each function takes the type it stands beside, which a dict's type can't say.
_ENCODERS: dict[type, Callable[[Any, Version], bytes]] = {
    Connect: encode_connect,
    Connack: encode_connack,
    Publish: encode_publish,
    Puback: encode_acknowledgement,
    Pubrec: encode_acknowledgement,
    Pubrel: encode_acknowledgement,
    Pubcomp: encode_acknowledgement,
    Subscribe: encode_subscribe,
    Suback: encode_suback,
    Unsubscribe: encode_unsubscribe,
    Unsuback: encode_unsuback,
    Pingreq: encode_pingreq,
    Pingresp: encode_pingresp,
    Disconnect: encode_disconnect,
    Auth: encode_auth,
}


def encode(packet: Packet, version: Version) -> bytes:
    """The bytes of a packet, as few as it needs. What a version has no field for is left out.

    Raises ValueError for what can't be written, such as strings of more than 65,535 bytes, and for what the decoder of
    the peer would refuse.
    """
    return _ENCODERS[type(packet)](packet, version)
