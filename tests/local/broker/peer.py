"""MQTT clients without a network: tests exchange bytes with the broker."""

import itertools
import json
from collections.abc import Mapping
from typing import TypeVar

from iot_core import mqtt
from iot_core.broker.broker import Broker
from iot_core.broker.client import Origin
from iot_core.broker.limits import IOT_CORE
from iot_core.broker.session import DisconnectReason
from iot_core.permissions import Permissions
from iot_policies.evaluator import Evaluator

ORIGIN = Origin(("192.0.2.7", 50_000), ("127.0.0.1", 8443))
Kind = TypeVar("Kind")


class Policy(Permissions):
    """Allows everything except the pairs of action and resource that a test denies."""

    def __init__(self, *denied: tuple[str, str]) -> None:
        super().__init__(Evaluator([]), "", lambda *_: None)
        self.denied = set(denied)

    def deny(self, action: str, *resources: str) -> None:
        self.denied.update((action, resource) for resource in resources)

    def may_publish(self, topic: str) -> bool:
        return ("Publish", topic) not in self.denied

    def may_retain(self, topic: str) -> bool:
        return ("RetainPublish", topic) not in self.denied

    def may_subscribe(self, topic_filter: str) -> bool:
        return ("Subscribe", topic_filter) not in self.denied

    def may_receive(self, topic: str) -> bool:
        return ("Receive", topic) not in self.denied


class Wire:
    """The outlet of a client. It decodes what the broker writes."""

    def __init__(self, version: mqtt.Version) -> None:
        self.slow = False
        self.closed = False
        self.packets: list[mqtt.Packet] = []
        self._decoder = mqtt.Decoder(1 << 20, version)

    def write(self, chunk: bytes) -> None:
        """Decode bytes. Nothing may follow a DISCONNECT [MQTT-3.14.4-1] or the end."""
        assert not self.closed
        self._decoder.receive(chunk)
        while (packet := self._decoder.next()) is not None:
            self.packets.append(packet)

    def close(self) -> None:
        self.closed = True


class Peer:
    """A client with one connection."""

    def __init__(self, broker: Broker, connect: mqtt.Connect, policy: Policy, client_id: str) -> None:
        self.policy = policy
        self.wire = Wire(connect.version)
        self.broker = broker
        self._version = connect.version
        self._packet_ids = itertools.count(1)
        self._decoder = mqtt.Decoder(IOT_CORE.packet, connect.version)
        self.client = broker.connect(connect, client_id, policy, self.wire, ORIGIN, f"principal{client_id}")
        self.connack = self._take(mqtt.Connack)[0]

    @property
    def closed(self) -> bool:
        return self.wire.closed

    @property
    def end(self) -> int | None:
        """The reason code of the broker's DISCONNECT. None if it sent none."""
        ends = [packet.reason_code for packet in self.wire.packets if isinstance(packet, mqtt.Disconnect)]
        return ends[0] if ends else None

    def ended_with(self, reason_code: mqtt.ReasonCode) -> bool:
        """Whether the broker ended the connection, in MQTT 5 with this reason code."""
        return self.closed and self.end == (reason_code if self._version is mqtt.Version.MQTT_5 else None)

    def send(self, packet: mqtt.Packet) -> None:
        """Send a packet as bytes. Errors end the connection, as in the edge."""
        self._decoder.receive(mqtt.encode(packet, self._version))
        try:
            while (read := self._decoder.next()) is not None:
                self.broker.receive(self.client, read)
        except mqtt.MqttError as error:
            self.broker.fail(self.client, error)

    def publish(
        self, topic: str, payload: bytes = b"", qos: int = 0, retain: bool = False, **properties: object
    ) -> None:
        packet_id = next(self._packet_ids) if qos else None
        self.send(mqtt.Publish(topic, payload, qos, retain, False, packet_id, given_properties(properties)))

    def subscribe(self, *topic_filters: str, qos: int = 0, **options: bool | int) -> tuple[int, ...] | None:
        """Return the codes of the SUBACK. None if the broker sent none."""
        subscriptions = (mqtt.Subscription(topic_filter, qos, **options) for topic_filter in topic_filters)  # type: ignore[arg-type]
        self.send(mqtt.Subscribe(next(self._packet_ids), tuple(subscriptions)))
        answers = self._take(mqtt.Suback)
        return answers[0].reason_codes if answers else None

    def unsubscribe(self, *topic_filters: str) -> tuple[int, ...]:
        """The codes of the UNSUBACK."""
        self.send(mqtt.Unsubscribe(next(self._packet_ids), topic_filters))
        return self._take(mqtt.Unsuback)[0].reason_codes

    def acknowledge(self, *messages: mqtt.Publish) -> None:
        for message in messages:
            assert message.packet_id is not None
            self.send(mqtt.Puback(message.packet_id))

    def disconnect(self, reason_code: int = 0, **properties: object) -> None:
        self.send(mqtt.Disconnect(reason_code, given_properties(properties)))

    def drain(self) -> None:
        """The outlet is no longer slow."""
        self.broker.drain(self.client)

    def end_by(self, reason: DisconnectReason) -> None:
        """The edge ends the connection."""
        self.broker.end(self.client, reason)

    def lose(self) -> None:
        """The network connection is lost."""
        self.end_by(DisconnectReason.CONNECTION_LOST)

    def received(self) -> list[mqtt.Publish]:
        """Return the messages since the last call."""
        return self._take(mqtt.Publish)

    def message(self) -> mqtt.Publish:
        """Return the first message since the last call."""
        return self.received()[0]

    def payloads(self) -> list[bytes]:
        """Return the payloads since the last call."""
        return [message.payload for message in self.received()]

    def topics(self) -> list[str]:
        return [message.topic for message in self.received()]

    def events(self) -> list[Mapping[str, object]]:
        return [json.loads(payload) for payload in self.payloads()]

    def pubacks(self) -> list[int]:
        """Return the reason codes of the PUBACKs since the last call."""
        return [packet.reason_code for packet in self._take(mqtt.Puback)]

    def _take(self, kind: type[Kind]) -> list[Kind]:
        found: list[Kind] = [packet for packet in self.wire.packets if isinstance(packet, kind)]
        self.wire.packets = [packet for packet in self.wire.packets if not isinstance(packet, kind)]
        return found


def given_properties(values: Mapping[str, object]) -> mqtt.Properties:
    given = {name: value for name, value in values.items() if value is not None}
    return mqtt.Properties(**given) if given else mqtt.NO_PROPERTIES  # type: ignore[arg-type]
