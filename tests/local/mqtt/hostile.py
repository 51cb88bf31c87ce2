"""Bytes and packets that a peer may send to do harm, or because it is broken."""

from hypothesis import strategies as st

from iot_core import mqtt
from tests.local.mqtt.valid_packets import after_connect, connects
from tests.local.mqtt.valid_values import VALUES

_noise = st.builds(lambda first, body: bytes((first, len(body))) + body, st.integers(0, 255), st.binary(max_size=60))


@st.composite
def _mutated_packets(draw: st.DrawFn) -> bytes:
    """Valid packets with some bytes inserted, removed or changed."""
    version = draw(st.sampled_from(mqtt.Version))
    packets = draw(st.lists(connects(version) | after_connect[version], min_size=1, max_size=3))
    stream = bytearray(b"".join(mqtt.encode(packet, version) for packet in packets))
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
    st.just(mqtt.NO_PROPERTIES),
    st.fixed_dictionaries({}, optional=VALUES).map(mqtt.Properties.of),
    st.sampled_from(
        (
            mqtt.Properties(authentication_data=b""),
            mqtt.Properties(content_type="\0"),
            mqtt.Properties(content_type="x" * 65536),
            mqtt.Properties(correlation_data=b"x" * 65536),
            mqtt.Properties(maximum_packet_size=0),
            mqtt.Properties(maximum_qos=2),
            mqtt.Properties(message_expiry_interval=-1),
            mqtt.Properties(message_expiry_interval=1 << 32),
            mqtt.Properties(payload_format_indicator=2),
            mqtt.Properties(receive_maximum=0),
            mqtt.Properties(response_topic=""),
            mqtt.Properties(response_topic="a/#"),
            mqtt.Properties(subscription_identifiers=(0,)),
            mqtt.Properties(subscription_identifiers=(1 << 28,)),
            mqtt.Properties(subscription_identifiers=(1, 2)),
            mqtt.Properties(topic_alias=0),
            mqtt.Properties(topic_alias=65536),
            mqtt.Properties(user_properties=(("a", "\ud800"),)),
        )
    ),
)
_flags = st.booleans()
_wills = st.builds(mqtt.Will, _strings, _binaries, _integers, _flags, _properties)
_subscriptions = st.builds(mqtt.Subscription, _strings, _integers, _flags, _flags, _integers)
_codes = st.lists(_integers, max_size=2).map(tuple)

packets: st.SearchStrategy[mqtt.Packet] = st.one_of(
    st.builds(
        mqtt.Connect,
        st.sampled_from(mqtt.Version),
        _strings,
        _flags,
        _integers,
        st.none() | _strings,
        st.none() | _binaries,
        st.none() | _wills,
        _properties,
    ),
    st.builds(mqtt.Connack, _flags, _integers, _properties),
    st.builds(mqtt.Publish, _strings, _binaries, _integers, _flags, _flags, st.none() | _integers, _properties),
    st.builds(mqtt.Puback, _integers, _integers, _properties),
    st.builds(mqtt.Subscribe, _integers, st.lists(_subscriptions, max_size=2).map(tuple), _properties),
    st.builds(mqtt.Suback, _integers, _codes, _properties),
    st.builds(mqtt.Unsubscribe, _integers, st.lists(_strings, max_size=2).map(tuple), _properties),
    st.builds(mqtt.Unsuback, _integers, _codes, _properties),
    st.builds(mqtt.Disconnect, _integers, _properties),
)
