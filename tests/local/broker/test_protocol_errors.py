"""Packets that a client must not send, or not at this moment."""

import pytest

from iot_core import mqtt
from iot_core.mqtt.reason_codes import MqttError
from tests.local.broker.bench import Bench

UNEXPECTED: list[mqtt.Packet] = [
    mqtt.Connect(mqtt.Version.MQTT_3_1_1, "alice"),
    mqtt.Connect(mqtt.Version.MQTT_5, "alice"),
    mqtt.Connack(False, 0),
    mqtt.Suback(1, (0,)),
    mqtt.Unsuback(1, (0,)),
    mqtt.Pingresp(),
]


@pytest.mark.parametrize("packet", UNEXPECTED, ids=lambda packet: type(packet).__name__)
def test_a_packet_that_clients_must_not_send_ends_the_connection(broker: Bench, packet: mqtt.Packet) -> None:
    """It is one that only a server sends, or a second CONNECT."""
    alice = broker.connect()
    with pytest.raises(mqtt.ProtocolError) as refused:
        broker.broker.receive(alice.client, packet)
    broker.broker.fail(alice.client, refused.value)
    assert alice.ended_with(mqtt.ReasonCode.PROTOCOL_ERROR)


@pytest.mark.parametrize(
    ("error", "reason_code"),
    [
        (mqtt.MalformedPacket("x"), mqtt.ReasonCode.MALFORMED_PACKET),
        (mqtt.ProtocolError("x"), mqtt.ReasonCode.PROTOCOL_ERROR),
        (mqtt.PacketTooLarge("x"), mqtt.ReasonCode.PACKET_TOO_LARGE),
        pytest.param(
            mqtt.UnsupportedVersion("MQTT", 6),
            mqtt.ReasonCode.PROTOCOL_ERROR,
            id="a CONNECT of an unknown version",
        ),
    ],
)
def test_a_packet_that_can_not_be_read_ends_the_connection(
    broker: Bench, error: MqttError, reason_code: mqtt.ReasonCode
) -> None:
    alice = broker.connect()
    broker.broker.fail(alice.client, error)
    assert alice.ended_with(reason_code)


def test_a_packet_after_the_end_is_ignored(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.disconnect()
    bob.publish("a")
    bob.send(mqtt.Pingreq())
    assert (alice.received(), bob.wire.packets) == ([], [])


def test_a_ping_is_answered(broker: Bench) -> None:
    alice = broker.connect()
    alice.send(mqtt.Pingreq())
    assert alice.wire.packets == [mqtt.Pingresp()]
