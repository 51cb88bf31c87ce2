"""SUBSCRIBE and UNSUBSCRIBE, with IoT Core's limits and the policy."""

from dataclasses import replace
from typing import TYPE_CHECKING

from iot_core.broker.broken_rule import BrokenRule
from iot_core.broker.limits import Limits
from iot_core.broker.topic_rules import InvalidTopic, check_topic_filter
from iot_core.mqtt import ReasonCode, Suback, Subscribe, Subscription, Unsuback, Unsubscribe, Version
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.client import Client

_FAILURE = 0x80
"""All that MQTT 3.1.1 can say [MQTT-3.9.3-2]; in MQTT 5, failures begin there."""


def subscribe(client: "Client", packet: Subscribe) -> None:
    """Subscribes, answers, and sends what is retained under exactly one of the filters.

    Raises MqttError for what ends the connection.
    """
    broker = client.broker
    _check(packet, broker.limits)
    codes: list[int] = []
    accepted: list[Subscription] = []
    wanting_retained: list[Subscription] = []
    for subscription in packet.subscriptions:
        known = subscription.topic_filter in client.session.subscriptions
        code = _accept(client, subscription)
        codes.append(code if client.version is Version.MQTT_5 else min(code, _FAILURE))
        if code < _FAILURE:
            accepted.append(subscription)
            if subscription.retain_handling == 0 or (subscription.retain_handling == 1 and not known):
                wanting_retained.append(subscription)
    client.answer(Suback(packet.packet_id, tuple(codes)))
    if accepted:
        broker.presence.subscribed(client, [each.topic_filter for each in accepted])
        broker.shared.hand_out()
    for subscription in wanting_retained:
        _send_retained(client, subscription)


def unsubscribe(client: "Client", packet: Unsubscribe) -> None:
    """Unsubscribes and answers."""
    gone: list[str] = []
    codes: list[int] = []
    for topic_filter in packet.topic_filters:
        if client.broker.sessions.unsubscribe(client.session, topic_filter):
            gone.append(topic_filter)
            codes.append(ReasonCode.SUCCESS)
        else:
            codes.append(ReasonCode.NO_SUBSCRIPTION_EXISTED)
    client.answer(Unsuback(packet.packet_id, tuple(codes)))
    if gone:
        client.broker.presence.unsubscribed(client, gone)
        client.broker.shared.hand_out()


def _check(packet: Subscribe, limits: Limits) -> None:
    """Checks what ends the connection, without a SUBACK. Raises BrokenRule."""
    if len(packet.subscriptions) > limits.filters_per_subscribe:
        raise BrokenRule(
            f"a SUBSCRIBE has at most {limits.filters_per_subscribe} topic filters", ReasonCode.QUOTA_EXCEEDED
        )
    if any(subscription.qos > 1 for subscription in packet.subscriptions):
        raise BrokenRule("IoT Core takes no QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if packet.properties.subscription_identifiers:
        raise BrokenRule(
            "IoT Core takes no subscription identifiers", ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        )


def _accept(client: "Client", subscription: Subscription) -> int:
    """The reason code for one filter, which is subscribed then, or is not."""
    broker, subscriptions = client.broker, client.session.subscriptions
    topic_filter = subscription.topic_filter
    most = broker.limits.subscriptions
    try:
        check_topic_filter(topic_filter, broker.limits)
    except InvalidTopic as error:
        broker.presence.subscription_refused(client, topic_filter, IotCoreReason.INVALID_TOPIC_FILTER, str(error))
        return ReasonCode.TOPIC_FILTER_INVALID
    if topic_filter not in subscriptions and len(subscriptions) >= most:
        broker.presence.subscription_refused(
            client, topic_filter, IotCoreReason.TOO_MANY_SUBSCRIPTIONS, f"a connection has at most {most}"
        )
        return ReasonCode.QUOTA_EXCEEDED
    if not client.permissions.may_subscribe(topic_filter):
        return ReasonCode.NOT_AUTHORIZED
    broker.sessions.subscribe(client.session, replace(subscription, retain_handling=0))
    return subscription.qos


def _send_retained(client: "Client", subscription: Subscription) -> None:
    """Sends what is retained under this very topic: a filter with wildcards, or a shared one, gets none."""
    found = client.broker.retained.get(subscription.topic_filter)
    if found is not None and client.connected:
        client.sender.send(found.message, min(found.message.qos, subscription.qos), True)
