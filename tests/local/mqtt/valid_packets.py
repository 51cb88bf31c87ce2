"""Strategies for all valid packets, by version and type."""

from collections.abc import Callable, Mapping

import mqtt5
from hypothesis import strategies as st

from iot_core import mqtt
from tests.local.mqtt.valid_values import (
    binaries,
    packet_ids,
    payloads,
    properties,
    qualities,
    strings,
    topic_filters,
    topic_names,
    two_bytes,
)

Strategy = st.SearchStrategy


def codes_of(known: Callable[[int], object]) -> list[int]:
    """The reason codes that another implementation knows for a packet."""
    return [code for code in range(256) if _is_known(known, code)]


def _is_known(known: Callable[[int], object], code: int) -> bool:
    try:
        known(code)
    except ValueError:
        return False
    return True


def connects(version: mqtt.Version) -> Strategy[mqtt.Connect]:
    wills = st.builds(mqtt.Will, topic_names, binaries, qualities, st.booleans(), properties(version, "WILL"))
    made = st.builds(
        mqtt.Connect,
        st.just(version),
        client_id=strings,
        clean_start=st.booleans(),
        keep_alive=two_bytes,
        user_name=st.none() | strings,
        password=st.none() | binaries,
        will=st.none() | wills,
        properties=properties(version, "CONNECT"),
    )
    if version is not mqtt.Version.MQTT_5:
        return made.filter(lambda connect: connect.password is None or connect.user_name is not None)
    return made


def connacks(version: mqtt.Version) -> Strategy[mqtt.Connack]:
    given = properties(version, "CONNACK")
    codes = st.integers(0, 255)
    if version is mqtt.Version.MQTT_5:
        codes = st.sampled_from(codes_of(mqtt5.ConnAckReasonCode))
    return st.builds(mqtt.Connack, st.just(True), st.just(0), given) | st.builds(
        mqtt.Connack, st.just(False), codes, given
    )


def publishes(version: mqtt.Version) -> Strategy[mqtt.Publish]:
    given = properties(version, "PUBLISH")
    names = topic_names if version is mqtt.Version.MQTT_3_1_1 else topic_names | st.just("")
    made = st.one_of(
        st.builds(mqtt.Publish, names, payloads, st.just(0), st.booleans(), properties=given),
        st.builds(mqtt.Publish, names, payloads, st.integers(1, 2), st.booleans(), st.booleans(), packet_ids, given),
    )
    return made.filter(lambda publish: publish.topic != "" or publish.properties.topic_alias is not None)


def pubacks(version: mqtt.Version) -> Strategy[mqtt.Puback]:
    if version is not mqtt.Version.MQTT_5:
        return st.builds(mqtt.Puback, packet_ids)
    return st.builds(
        mqtt.Puback, packet_ids, st.sampled_from(codes_of(mqtt5.PubAckReasonCode)), properties(version, "PUBACK")
    )


def subscribes(version: mqtt.Version) -> Strategy[mqtt.Subscribe]:
    subscriptions = st.builds(mqtt.Subscription, topic_filters, qualities)
    if version is mqtt.Version.MQTT_5:
        subscriptions |= st.builds(
            mqtt.Subscription, topic_filters, qualities, st.booleans(), st.booleans(), st.integers(0, 2)
        ).filter(lambda each: not (each.no_local and each.topic_filter.startswith("$share/")))
    several = st.lists(subscriptions, min_size=1, max_size=4).map(tuple)
    return st.builds(mqtt.Subscribe, packet_ids, several, properties(version, "SUBSCRIBE"))


def unsubscribes(version: mqtt.Version) -> Strategy[mqtt.Unsubscribe]:
    several = st.lists(topic_filters, min_size=1, max_size=4).map(tuple)
    return st.builds(mqtt.Unsubscribe, packet_ids, several, properties(version, "UNSUBSCRIBE"))


def _several(codes: list[int]) -> Strategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(codes), min_size=1, max_size=4).map(tuple)


def subacks(version: mqtt.Version) -> Strategy[mqtt.Suback]:
    codes = [0, 1, 2, 0x80] if version is not mqtt.Version.MQTT_5 else codes_of(mqtt5.SubAckReasonCode)
    return st.builds(mqtt.Suback, packet_ids, _several(codes), properties(version, "SUBACK"))


def unsubacks(version: mqtt.Version) -> Strategy[mqtt.Unsuback]:
    if version is not mqtt.Version.MQTT_5:
        return st.builds(mqtt.Unsuback, packet_ids)
    codes = _several(codes_of(mqtt5.UnsubAckReasonCode))
    return st.builds(mqtt.Unsuback, packet_ids, codes, properties(version, "UNSUBACK"))


def disconnects(version: mqtt.Version) -> Strategy[mqtt.Disconnect]:
    if version is not mqtt.Version.MQTT_5:
        return st.just(mqtt.Disconnect())
    codes = st.sampled_from(codes_of(mqtt5.DisconnectReasonCode))
    return st.builds(mqtt.Disconnect, codes, properties(version, "DISCONNECT"))


def _packets(version: mqtt.Version) -> dict[type, Strategy[mqtt.Packet]]:
    return {
        mqtt.Connect: connects(version),
        mqtt.Connack: connacks(version),
        mqtt.Publish: publishes(version),
        mqtt.Puback: pubacks(version),
        mqtt.Subscribe: subscribes(version),
        mqtt.Suback: subacks(version),
        mqtt.Unsubscribe: unsubscribes(version),
        mqtt.Unsuback: unsubacks(version),
        mqtt.Pingreq: st.just(mqtt.Pingreq()),
        mqtt.Pingresp: st.just(mqtt.Pingresp()),
        mqtt.Disconnect: disconnects(version),
    }


PACKETS: Mapping[mqtt.Version, Mapping[type, Strategy[mqtt.Packet]]] = {
    version: _packets(version) for version in mqtt.Version
}

after_connect: Mapping[mqtt.Version, Strategy[mqtt.Packet]] = {
    version: st.one_of([packets for kind, packets in PACKETS[version].items() if kind is not mqtt.Connect])
    for version in mqtt.Version
}
