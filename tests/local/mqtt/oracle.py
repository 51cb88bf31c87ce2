"""Converts our packets to those of mqtt5, another implementation of MQTT 5. Its defaults are None in ours."""

from collections.abc import Callable, Mapping
from typing import Any

import mqtt5

from iot_core import mqtt

Convert = Callable[[Any], mqtt5.Packet]

_NAMES = {
    "assigned_client_identifier": "assigned_client_id",
    "maximum_packet_size": "max_packet_size",
    "maximum_qos": "max_qos",
    "reason_string": "reason_str",
    "receive_maximum": "receive_max",
    "request_problem_information": "request_problem_info",
    "request_response_information": "request_response_info",
    "response_information": "response_info",
    "subscription_identifier_available": "subscription_id_available",
    "subscription_identifiers": "subscription_ids",
    "topic_alias_maximum": "topic_alias_max",
}


def to_oracle(packet: mqtt.Packet) -> mqtt5.Packet:
    """Make the same packet of the other implementation."""
    return _CONVERSIONS[type(packet)](packet)


def _given(properties: mqtt.Properties) -> dict[str, Any]:
    """The properties that are set, as keyword arguments."""
    named = {_NAMES.get(name, name): value for name, value in vars(properties).items() if value not in (None, ())}
    if "max_qos" in named:
        named["max_qos"] = mqtt5.QoS(named["max_qos"])
    return {name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}


def _will(will: mqtt.Will) -> mqtt5.Will:
    return mqtt5.Will(
        will.topic, payload=will.payload, qos=mqtt5.QoS(will.qos), retain=will.retain, **_given(will.properties)
    )


def _connect(packet: mqtt.Connect) -> mqtt5.ConnectPacket:
    return mqtt5.ConnectPacket(
        packet.client_id,
        username=packet.user_name,
        password=packet.password,
        clean_start=packet.clean_start,
        will=None if packet.will is None else _will(packet.will),
        keep_alive=packet.keep_alive,
        **_given(packet.properties),
    )


def _publish(packet: mqtt.Publish) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(
        packet.topic,
        packet.payload,
        qos=mqtt5.QoS(packet.qos),
        retain=packet.retain,
        packet_id=packet.packet_id,
        duplicate=packet.duplicate,
        **_given(packet.properties),
    )


def _subscribe(packet: mqtt.Subscribe) -> mqtt5.SubscribePacket:
    filters = [
        mqtt5.TopicFilter(
            each.topic_filter,
            max_qos=mqtt5.QoS(each.qos),
            no_local=each.no_local,
            retain_as_published=each.retain_as_published,
            retain_handling=mqtt5.RetainHandling(each.retain_handling),
        )
        for each in packet.subscriptions
    ]
    given = _given(packet.properties)
    if identifiers := given.pop("subscription_ids", None):
        (given["subscription_id"],) = identifiers
    return mqtt5.SubscribePacket(packet.packet_id, filters, **given)


def _unsubscribe(packet: mqtt.Unsubscribe) -> mqtt5.UnsubscribePacket:
    return mqtt5.UnsubscribePacket(packet.packet_id, list(packet.topic_filters), **_given(packet.properties))


def _with_code(make: Callable[..., mqtt5.Packet], code: Callable[[int], object], *fields: str) -> Convert:
    """Converts a packet with one reason code and these other fields."""
    return lambda packet: make(
        **{name: getattr(packet, name) for name in fields},
        reason_code=code(packet.reason_code),
        **_given(packet.properties),
    )


def _with_codes(make: Callable[..., mqtt5.Packet], code: Callable[[int], object]) -> Convert:
    """Converts an answer with a reason code for each topic filter."""
    return lambda packet: make(
        packet.packet_id, [code(each) for each in packet.reason_codes], **_given(packet.properties)
    )


_CONVERSIONS: Mapping[type, Convert] = {
    mqtt.Connect: _connect,
    mqtt.Connack: _with_code(mqtt5.ConnAckPacket, mqtt5.ConnAckReasonCode, "session_present"),
    mqtt.Publish: _publish,
    mqtt.Puback: _with_code(mqtt5.PubAckPacket, mqtt5.PubAckReasonCode, "packet_id"),
    mqtt.Subscribe: _subscribe,
    mqtt.Suback: _with_codes(mqtt5.SubAckPacket, mqtt5.SubAckReasonCode),
    mqtt.Unsubscribe: _unsubscribe,
    mqtt.Unsuback: _with_codes(mqtt5.UnsubAckPacket, mqtt5.UnsubAckReasonCode),
    mqtt.Pingreq: lambda _: mqtt5.PingReqPacket(),
    mqtt.Pingresp: lambda _: mqtt5.PingRespPacket(),
    mqtt.Disconnect: _with_code(mqtt5.DisconnectPacket, mqtt5.DisconnectReasonCode),
}
