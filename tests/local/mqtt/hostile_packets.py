"""Packets whose values are of the right types, and often such that nothing may be written for them."""

from hypothesis import strategies as st

from iot_core.mqtt import (
    NO_PROPERTIES,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from tests.local.mqtt.valid_values import VALUES

versions = st.sampled_from(Version)
integers = st.sampled_from((-1, 0, 1, 2, 3, 128, 255, 256, 65535, 65536))
strings = st.sampled_from(("", "a", "a/b", "#", "a/+", "a\0", "\ud800", "é" * 32768, "$share/g/a"))
binaries = st.sampled_from((b"", b"x", b"x" * 65536))
properties = st.one_of(
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

_wills = st.builds(Will, strings, binaries, integers, st.booleans(), properties)
_subscriptions = st.builds(Subscription, strings, integers, st.booleans(), st.booleans(), integers)
_codes = st.lists(integers, max_size=2).map(tuple)

packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(
        Connect,
        versions,
        strings,
        st.booleans(),
        integers,
        st.none() | strings,
        st.none() | binaries,
        st.none() | _wills,
        properties,
    ),
    st.builds(Connack, st.booleans(), integers, properties),
    st.builds(Publish, strings, binaries, integers, st.booleans(), st.booleans(), st.none() | integers, properties),
    *(st.builds(kind, integers, integers, properties) for kind in (Puback, Pubrec, Pubrel, Pubcomp)),
    st.builds(Subscribe, integers, st.lists(_subscriptions, max_size=2).map(tuple), properties),
    st.builds(Suback, integers, _codes, properties),
    st.builds(Unsubscribe, integers, st.lists(strings, max_size=2).map(tuple), properties),
    st.builds(Unsuback, integers, _codes, properties),
    st.builds(Disconnect, integers, properties),
    st.builds(Auth, integers, properties),
)
