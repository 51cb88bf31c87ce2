"""A blocking MQTT client of this project's codec, which can also send what no client sends."""

from typing import Self, TypeVar

from iot_core import mqtt
from tests.local.harness.channels import Channel

Expected = TypeVar("Expected")
_MOST = 0xFFF_FFFF
CONNECT_ANN = bytes.fromhex("100f00044d5154540402003c0003616e6e")
"""A CONNECT of MQTT 3.1.1 with the client ID `ann`."""


class Client:
    """One connection, with everything that comes in its order. Nothing is waited for without an end."""

    def __init__(self, channel: Channel, version: mqtt.Version = mqtt.Version.MQTT_3_1_1) -> None:
        self.channel = channel
        self.version = version
        self._decoder = mqtt.Decoder(_MOST, version)
        self._packet_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def send(self, *packets: mqtt.Packet) -> None:
        """Sends packets, all at once."""
        self.channel.send(b"".join(mqtt.encode(packet, self.version) for packet in packets))

    def next(self) -> mqtt.Packet | None:
        """The next packet; None at the end of the connection."""
        while (packet := self._decoder.next()) is None:
            chunk = self.channel.receive()
            if not chunk:
                return None
            self._decoder.receive(chunk)
        return packet

    def expect(self, kind: type[Expected]) -> Expected:
        """The next packet, which must be of that kind."""
        packet = self.next()
        assert isinstance(packet, kind), f"expected {kind.__name__}, got {packet}"
        return packet

    def ends(self) -> list[mqtt.Packet]:
        """All packets until the end of the connection, for which it waits."""
        packets = []
        while (packet := self.next()) is not None:
            packets.append(packet)
        return packets

    def ping(self) -> None:
        """Makes sure that the server has read all that was sent before, and that the connection is there."""
        self.send(mqtt.Pingreq())
        self.expect(mqtt.Pingresp)

    def connect(
        self,
        client_id: str = "ann",
        *,
        user_name: str | None = "ann",
        password: bytes | None = None,
        clean_start: bool = True,
        keep_alive: int = 60,
        will: mqtt.Will | None = None,
        properties: mqtt.Properties = mqtt.NO_PROPERTIES,
    ) -> mqtt.Connack:
        """Sends CONNECT; gives the answer."""
        packet = mqtt.Connect(self.version, client_id, clean_start, keep_alive, user_name, password, will, properties)
        self.send(packet)
        return self.expect(mqtt.Connack)

    def subscribe(self, topic_filter: str, qos: int = 0) -> int:
        """Subscribes; gives the reason code."""
        self._packet_id += 1
        self.send(mqtt.Subscribe(self._packet_id, (mqtt.Subscription(topic_filter, qos),), mqtt.NO_PROPERTIES))
        return self.expect(mqtt.Suback).reason_codes[0]

    def publish(self, topic: str, payload: bytes = b"", *, qos: int = 0, retain: bool = False) -> None:
        """Publishes; with QoS 1, waits until it is acknowledged."""
        packet_id = None
        if qos:
            self._packet_id += 1
            packet_id = self._packet_id
        self.send(mqtt.Publish(topic, payload, qos, retain, False, packet_id, mqtt.NO_PROPERTIES))
        if packet_id is not None:
            assert self.expect(mqtt.Puback).packet_id == packet_id

    def disconnect(self) -> None:
        """Leaves."""
        self.send(mqtt.Disconnect())
