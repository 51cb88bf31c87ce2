"""Bytes and packets that a peer may send to do harm, or because it is broken."""

from hypothesis import strategies as st

from iot_core.mqtt import (
    NO_PROPERTIES,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Properties,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
    encode,
)
from tests.local.mqtt.valid_packets import after_connect, connects
from tests.local.mqtt.valid_values import VALUES

_noise = st.builds(lambda first, body: bytes((first, len(body))) + body, st.integers(0, 255), st.binary(max_size=60))


@st.composite
def _mutated_packets(draw: st.DrawFn) -> bytes:
    """Valid packets with some bytes inserted, removed or changed."""
    version = draw(st.sampled_from(Version))
    packets = draw(st.lists(connects(version) | after_connect[version], min_size=1, max_size=3))
    stream = bytearray(b"".join(encode(packet, version) for packet in packets))
    for _ in range(draw(st.integers(1, 4))):
        # Most of what can be wrong is at the beginning.
        start = draw(st.integers(0, min(len(stream), 40)))
        stream[start : start + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(stream)


streams = st.one_of(st.binary(max_size=200), st.lists(_noise, min_size=1, max_size=3).map(b"".join), _mutated_packets())

_integers = st.sampled_from((-1, 0, 1, 2, 3, 128, 255, 256, 65535, 65536))
_strings = st.sampled_from(("", "a", "a/b", "#", "a/+", "a\0", "\ud800", "é" * 32768, "$share/g/a"))
_binaries = st.sampled_from((b"", b"x", b"x" * 65536))
_properties = st.one_of(
    st.just(NO_PROPERTIES),
    st.fixed_dictionaries({}, optional=VALUES).map(Properties.of),
    st.sampled_from(
        (
            Properties(authentication_data=b""),
            Properties(content_type="\0"),
            Properties(content_type="x" * 65536),
            Properties(correlation_data=b"x" * 65536),
            Properties(maximum_packet_size=0),
            Properties(maximum_qos=2),
            Properties(message_expiry_interval=-1),
            Properties(message_expiry_interval=1 << 32),
            Properties(payload_format_indicator=2),
            Properties(receive_maximum=0),
            Properties(response_topic=""),
            Properties(response_topic="a/#"),
            Properties(subscription_identifiers=(0,)),
            Properties(subscription_identifiers=(1 << 28,)),
            Properties(subscription_identifiers=(1, 2)),
            Properties(topic_alias=0),
            Properties(topic_alias=65536),
            Properties(user_properties=(("a", "\ud800"),)),
        )
    ),
)
_flags = st.booleans()
_wills = st.builds(Will, _strings, _binaries, _integers, _flags, _properties)
_subscriptions = st.builds(Subscription, _strings, _integers, _flags, _flags, _integers)
_codes = st.lists(_integers, max_size=2).map(tuple)

packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(
        Connect,
        st.sampled_from(Version),
        _strings,
        _flags,
        _integers,
        st.none() | _strings,
        st.none() | _binaries,
        st.none() | _wills,
        _properties,
    ),
    st.builds(Connack, _flags, _integers, _properties),
    st.builds(Publish, _strings, _binaries, _integers, _flags, _flags, st.none() | _integers, _properties),
    st.builds(Puback, _integers, _integers, _properties),
    st.builds(Subscribe, _integers, st.lists(_subscriptions, max_size=2).map(tuple), _properties),
    st.builds(Suback, _integers, _codes, _properties),
    st.builds(Unsubscribe, _integers, st.lists(_strings, max_size=2).map(tuple), _properties),
    st.builds(Unsuback, _integers, _codes, _properties),
    st.builds(Disconnect, _integers, _properties),
)
