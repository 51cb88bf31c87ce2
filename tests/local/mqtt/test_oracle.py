"""Another implementation of MQTT 5 reads what is written here, and what it writes is read here."""

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.mqtt import Connect, Version, encode, reason_codes
from tests.local.mqtt.effort import for_each_type
from tests.local.mqtt.oracle import to_oracle
from tests.local.mqtt.streams import decode
from tests.local.mqtt.valid_packets import PACKETS, codes_of

every_type = pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in PACKETS[Version.MQTT_5]])


@every_type
@given(data=st.data())
@for_each_type
def test_it_reads_what_is_written_here(kind: type, data: st.DataObject) -> None:
    packet = data.draw(PACKETS[Version.MQTT_5][kind])
    written = encode(packet, Version.MQTT_5)
    assert mqtt5.read(memoryview(written)) == (to_oracle(packet), len(written))


@every_type
@given(data=st.data())
@for_each_type
def test_what_it_writes_is_read_here(kind: type, data: st.DataObject) -> None:
    theirs = to_oracle(data.draw(PACKETS[Version.MQTT_5][kind]))
    (read,) = decode(theirs.write(), None if kind is Connect else Version.MQTT_5)
    assert to_oracle(read) == theirs


@every_type
@given(data=st.data())
@for_each_type
def test_it_writes_no_fewer_bytes(kind: type, data: st.DataObject) -> None:
    theirs = to_oracle(data.draw(PACKETS[Version.MQTT_5][kind])).write()
    (read,) = decode(theirs, None if kind is Connect else Version.MQTT_5)
    assert len(encode(read, Version.MQTT_5)) <= len(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (reason_codes.CONNACK_CODES, mqtt5.ConnAckReasonCode),
        (reason_codes.PUBACK_CODES, mqtt5.PubAckReasonCode),
        (reason_codes.PUBACK_CODES, mqtt5.PubRecReasonCode),
        (reason_codes.PUBREL_CODES, mqtt5.PubRelReasonCode),
        (reason_codes.PUBREL_CODES, mqtt5.PubCompReasonCode),
        (reason_codes.SUBACK_CODES, mqtt5.SubAckReasonCode),
        (reason_codes.UNSUBACK_CODES, mqtt5.UnsubAckReasonCode),
        (reason_codes.DISCONNECT_CODES, mqtt5.DisconnectReasonCode),
        (reason_codes.AUTH_CODES, mqtt5.AuthReasonCode),
    ],
    ids=str,
)
def test_both_know_the_same_reason_codes(ours: frozenset[int], theirs: type) -> None:
    assert sorted(ours) == codes_of(theirs)
