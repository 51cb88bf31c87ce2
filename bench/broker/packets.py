"""The few MQTT 3.1.1 packets that the load generator sends, and how large those are that it gets.

Written out here, so that the generator shares no code with the broker that it measures.
"""

from collections.abc import Sequence

CONNACK_ACCEPTED = b"\x20\x02\x00\x00"
DISCONNECT = b"\xe0\x00"
PUBACK = b"\x40\x02\x00\x00"
"""With a packet ID of zero, in bytes 2 and 3."""
FILTERS_A_SUBSCRIBE = 8
"""As many as AWS IoT Core takes in one packet."""


def connect(client_id: str, user_name: str, keep_alive: int = 1200) -> bytes:
    """CONNECT with a clean session and a user name, without a password; the keep alive in seconds."""
    fields = _text("MQTT") + b"\x04\x82" + keep_alive.to_bytes(2, "big") + _text(client_id) + _text(user_name)
    return _packet(0x10, fields)


def subscribe(packet_id: int, topic_filters: Sequence[str], qos: int) -> bytes:
    """SUBSCRIBE to some topic filters, all at one QoS."""
    entries = b"".join(_text(topic_filter) + bytes([qos]) for topic_filter in topic_filters)
    return _packet(0x82, packet_id.to_bytes(2, "big") + entries)


def suback(packet_id: int, count: int, qos: int) -> bytes:
    """The SUBACK that grants all of them."""
    return _packet(0x90, packet_id.to_bytes(2, "big") + bytes([qos]) * count)


def publish(topic: str, payload: bytes, qos: int, packet_id: int = 0) -> bytes:
    """PUBLISH; the packet ID stands in it at QoS 1 only."""
    return _packet(0x30 | qos << 1, _text(topic) + (packet_id.to_bytes(2, "big") if qos else b"") + payload)


def _packet(first: int, fields: bytes) -> bytes:
    length, rest = b"", len(fields)
    while rest > 0x7F:
        length, rest = length + bytes([rest & 0x7F | 0x80]), rest >> 7
    return bytes([first]) + length + bytes([rest]) + fields


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
