"""Clients of the old subprotocol `mqttv3.1`, some of which take only the first packet of a WebSocket message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.edge.websocket import packets
from iot_core.mqtt import Pingreq, Pingresp, Publish, Version, encode
from tests.local.harness.running import Running

PING, PINGRESP = (encode(packet, Version.MQTT_3_1_1) for packet in (Pingreq(), Pingresp()))


@pytest.mark.parametrize(("subprotocol", "messages"), [("mqtt", 1), ("mqttv3.1", 20)])
def test_only_a_client_with_the_old_subprotocol_gets_each_packet_in_a_message_of_its_own(
    running: Running, subprotocol: str, messages: int
) -> None:
    channel = running.web_socket(subprotocols=[subprotocol])
    with running.connected(channel=channel):
        channel.send(20 * PING)
        received: list[bytes] = []
        while sum(map(len, received)) < 20 * len(PINGRESP):
            received.append(channel.receive())
        assert received == [PINGRESP * (20 // messages)] * messages


@given(st.lists(st.sampled_from([0, 1, 125, 127, 128, 16_383, 16_384, 150_000]), max_size=4))
def test_packets_of_any_length_are_taken_apart(lengths: list[int]) -> None:
    expected = [encode(Publish("a", bytes(length), 0), Version.MQTT_3_1_1) for length in lengths]
    assert list(packets(b"".join(expected))) == expected
