"""SUBSCRIBE and UNSUBSCRIBE, with IoT Core's limits and the policy."""

from dataclasses import replace
from typing import TYPE_CHECKING

from local.broker.broken_rule import BrokenRule
from local.broker.topic_rules import InvalidTopic, check_topic_filter
from local.mqtt import (
    ReasonCode,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    encode,
)

if TYPE_CHECKING:
    from local.broker.broker import Broker
    from local.broker.client import Client

_FAILURE = 0x80
"""All that MQTT 3.1.1 can say [MQTT-3.9.3-2]."""


def subscribe(broker: "Broker", client: "Client", packet: Subscribe) -> None:
    """Subscribes, answers, and sends what is retained under exactly one of the filters.

    Raises MqttError for what ends the connection.
    """
    if len(packet.subscriptions) > broker.limits.filters_per_subscribe:
        raise BrokenRule(
            f"a SUBSCRIBE has at most {broker.limits.filters_per_subscribe} topic filters", ReasonCode.QUOTA_EXCEEDED
        )
    if any(subscription.qos > 1 for subscription in packet.subscriptions):
        raise BrokenRule("IoT Core takes no QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if packet.properties.subscription_identifiers:
        raise BrokenRule(
            "IoT Core takes no subscription identifiers", ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        )
    known = set(client.session.subscriptions)
    codes = [_accept(broker, client, subscription) for subscription in packet.subscriptions]
    shown = codes if client.version == Version.MQTT_5 else [min(code, _FAILURE) for code in codes]
    client.outlet.write(encode(Suback(packet.packet_id, tuple(shown)), client.version))
    accepted = [each for each, code in zip(packet.subscriptions, codes, strict=True) if code < _FAILURE]
    if accepted:
        broker.presence.subscribed(client, [each.topic_filter for each in accepted])
    for subscription in accepted:
        _send_retained(broker, client, subscription, new=subscription.topic_filter not in known)


def unsubscribe(broker: "Broker", client: "Client", packet: Unsubscribe) -> None:
    """Unsubscribes and answers."""
    session = client.session
    gone: list[str] = []
    codes: list[int] = []
    for topic_filter in packet.topic_filters:
        if session.subscriptions.pop(topic_filter, None) is None:
            codes.append(ReasonCode.NO_SUBSCRIPTION_EXISTED)
            continue
        broker.router.remove(session, topic_filter)
        if session.persistent:
            broker.storage.forget_subscription(session.client_id, topic_filter)
        gone.append(topic_filter)
        codes.append(ReasonCode.SUCCESS)
    client.outlet.write(encode(Unsuback(packet.packet_id, tuple(codes)), client.version))
    if gone:
        broker.presence.unsubscribed(client, gone)


def _accept(broker: "Broker", client: "Client", subscription: Subscription) -> int:
    """The reason code for one filter, which is subscribed then, or is not."""
    topic_filter = subscription.topic_filter
    session = client.session
    try:
        check_topic_filter(topic_filter, broker.limits)
    except InvalidTopic:
        return ReasonCode.TOPIC_FILTER_INVALID
    if not client.permissions.may_subscribe(topic_filter):
        return ReasonCode.NOT_AUTHORIZED
    if topic_filter not in session.subscriptions and len(session.subscriptions) >= broker.limits.subscriptions:
        return ReasonCode.QUOTA_EXCEEDED
    kept = replace(subscription, retain_handling=0)
    session.subscriptions[topic_filter] = kept
    broker.router.add(session, kept)
    if session.persistent:
        broker.storage.keep_subscription(session.client_id, kept)
    return subscription.qos


def _send_retained(broker: "Broker", client: "Client", subscription: Subscription, *, new: bool) -> None:
    """Sends what is retained under this very topic: a filter with wildcards, or a shared one, gets none."""
    if subscription.retain_handling == 2 or (subscription.retain_handling == 1 and not new):
        return
    found = broker.retained.get(subscription.topic_filter)
    if found is not None:
        client.send(found.message, min(found.message.qos, subscription.qos), True)
