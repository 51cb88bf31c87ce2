"""Valid packets are read as they were written, also by mqtt5, another implementation of MQTT 5."""

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.mqtt import Connect, Publish, Version, encode, publish_parts, reason_codes
from tests.effort import examples
from tests.local.mqtt.oracle import to_oracle
from tests.local.mqtt.streams import decode
from tests.local.mqtt.valid_packets import PACKETS, codes_of


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        pytest.param(version, kind, id=f"{kind.__name__} {version.name}")
        for version in Version
        for kind in PACKETS[version]
    ],
)
@given(data=st.data())
@examples(0.25)  # With every type of packet on its own.
def test_a_packet_is_read_as_it_was_written(version: Version, kind: type, data: st.DataObject) -> None:
    packet = data.draw(PACKETS[version][kind])
    written = encode(packet, version)
    before = None if kind is Connect else version
    assert decode(written, before) == [packet]
    if isinstance(packet, Publish):
        head, tail = publish_parts(
            packet.topic, packet.payload, packet.qos, packet.retain, packet.duplicate, packet.properties, version
        )
        assert head + (b"" if packet.packet_id is None else packet.packet_id.to_bytes(2)) + tail == written
    if version is Version.MQTT_5:
        theirs = to_oracle(packet)
        assert mqtt5.read(memoryview(written)) == (theirs, len(written))
        (read,) = decode(theirs.write(), before)
        assert to_oracle(read) == theirs
        # The other implementation has no way to write fewer bytes.
        assert len(encode(read, version)) <= len(theirs.write())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (reason_codes.CONNACK_CODES, mqtt5.ConnAckReasonCode),
        (reason_codes.PUBACK_CODES, mqtt5.PubAckReasonCode),
        (reason_codes.SUBACK_CODES, mqtt5.SubAckReasonCode),
        (reason_codes.UNSUBACK_CODES, mqtt5.UnsubAckReasonCode),
        (reason_codes.DISCONNECT_CODES, mqtt5.DisconnectReasonCode),
    ],
    ids=str,
)
def test_both_know_the_same_reason_codes(ours: frozenset[int], theirs: type) -> None:
    assert sorted(ours) == codes_of(theirs)
