"""What the storage holds, and how messages are written there."""

from typing import NamedTuple

from iot_core.broker.message import Message
from iot_core.mqtt import Decoder, MqttError, Publish, Version, Will, encode


class StorageError(OSError):
    """The file can't be opened, read or written. Its text is one line."""


class StoredSession(NamedTuple):
    """A persistent session as it was left."""

    client_id: str
    version: Version
    expiry_interval: int
    principal_id: str
    disconnected_at: float | None
    """Seconds since 1970; None where the process was killed while the client was connected."""
    disconnect_reason: str | None


class StoredDelivery(NamedTuple):
    """A message that waits for a client, or for a shared subscription."""

    row: int
    client_id: str | None
    shared: str | None
    """The shared subscription's filter, where it waits for no client of its own."""
    message: Message
    retain: bool


class StoredWill(NamedTuple):
    """A Will whose delay was not over."""

    client_id: str
    will: Will
    """Without its delay."""
    due: float
    """Seconds since 1970."""


def pack(message: Message | Will) -> bytes:
    """A message or a Will as a PUBLISH of MQTT 5, which holds all that belongs to it.

    When a message expires does not, nor does a Will's delay, which must not be among the properties.
    """
    packet_id = 1 if message.qos else None
    publish = Publish(message.topic, message.payload, message.qos, message.retain, False, packet_id, message.properties)
    return encode(publish, Version.MQTT_5)


def unpack(packed: bytes, expires_at: float | None) -> Message:
    """The message again. Raises StorageError."""
    publish = _publish(packed)
    return Message(publish.topic, publish.payload, publish.qos, publish.retain, publish.properties, expires_at)


def unpack_will(packed: bytes) -> Will:
    """The Will again. Raises StorageError."""
    publish = _publish(packed)
    return Will(publish.topic, publish.payload, publish.qos, publish.retain, publish.properties)


def _publish(packed: bytes) -> Publish:
    decoder = Decoder(len(packed))
    decoder.version = Version.MQTT_5
    decoder.receive(packed)
    try:
        publish = decoder.next()
    except MqttError:
        publish = None
    if not isinstance(publish, Publish):
        raise StorageError("the data folder holds a message that can't be read")
    return publish
