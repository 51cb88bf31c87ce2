"""Encodes packets: a table of the function for each type, the counterpart of `decoder`."""

from collections.abc import Callable
from typing import Any

from iot_core.mqtt.connect import encode_connack, encode_connect, encode_disconnect
from iot_core.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
)
from iot_core.mqtt.publish import encode_puback, encode_publish
from iot_core.mqtt.subscribe import encode_suback, encode_subscribe, encode_unsuback, encode_unsubscribe

# Any: each function takes the type in front of it, which the type of a dict cannot say.
_ENCODERS: dict[type, Callable[[Any, Version], bytes]] = {
    Connect: encode_connect,
    Connack: encode_connack,
    Publish: encode_publish,
    Puback: encode_puback,
    Subscribe: encode_subscribe,
    Suback: encode_suback,
    Unsubscribe: encode_unsubscribe,
    Unsuback: encode_unsuback,
    Pingreq: lambda _packet, _version: b"\xc0\0",
    Pingresp: lambda _packet, _version: b"\xd0\0",
    Disconnect: encode_disconnect,
}


def encode(packet: Packet, version: Version) -> bytes:
    """Writes a packet in as few bytes as possible. Fields that the version does not have are left out.

    Raises ValueError for a packet that the peer's decoder would refuse, such as a string of more than 65,535 bytes.
    """
    return _ENCODERS[type(packet)](packet, version)
