"""Packets that no client sends to a broker, or not now."""

import pytest

from iot_core.mqtt import (
    Connack,
    Connect,
    MalformedPacket,
    Packet,
    PacketTooLarge,
    Pingreq,
    Pingresp,
    ProtocolError,
    ReasonCode,
    Suback,
    Unsuback,
    UnsupportedVersion,
    Version,
)
from iot_core.mqtt.errors import MqttError
from tests.local.broker.bench import Bench

UNEXPECTED: list[Packet] = [
    Connack(False, 0),
    Suback(1, (0,)),
    Unsuback(1, (0,)),
    Pingresp(),
]


def receive(broker: Bench, packet: Packet) -> int | None:
    alice = broker.connect()
    try:
        broker.broker.receive(alice.client, packet)
    except MqttError as error:
        broker.broker.fail(alice.client, error)
    assert alice.closed
    return alice.end


@pytest.mark.parametrize("packet", UNEXPECTED, ids=lambda packet: type(packet).__name__)
def test_a_packet_that_only_a_server_sends_ends_the_connection(broker: Bench, packet: Packet) -> None:
    assert receive(broker, packet) == (ReasonCode.PROTOCOL_ERROR if broker.version == 5 else None)


def test_a_second_connect_ends_the_connection(broker: Bench) -> None:
    connect = Connect(broker.version, "alice")
    assert receive(broker, connect) == (ReasonCode.PROTOCOL_ERROR if broker.version == 5 else None)


@pytest.mark.parametrize(
    ("error", "reason_code"),
    [
        (MalformedPacket("x"), ReasonCode.MALFORMED_PACKET),
        (ProtocolError("x"), ReasonCode.PROTOCOL_ERROR),
        (PacketTooLarge("x"), ReasonCode.PACKET_TOO_LARGE),
        pytest.param(
            UnsupportedVersion("MQTT", 6), ReasonCode.PROTOCOL_ERROR, id="a second CONNECT of an unknown version"
        ),
    ],
)
def test_what_can_not_be_read_ends_the_connection(broker: Bench, error: MqttError, reason_code: ReasonCode) -> None:
    alice = broker.connect()
    broker.broker.fail(alice.client, error)
    assert alice.closed
    assert alice.end == (reason_code if broker.version is Version.MQTT_5 else None)


def test_what_follows_the_end_is_ignored(broker: Bench) -> None:
    alice, bob = broker.subscriber("a"), broker.connect("bob")
    bob.disconnect()
    bob.publish("a")
    bob.send(Pingreq())
    assert alice.received() == []
    assert bob.wire.packets == []


def test_a_ping_is_answered(broker: Bench) -> None:
    alice = broker.connect()
    alice.send(Pingreq())
    assert alice.wire.packets == [Pingresp()]
