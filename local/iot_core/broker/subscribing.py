"""SUBSCRIBE and UNSUBSCRIBE.

The rules (MQTT 5.0, sections 3.8 and 3.10; developer guide, "MQTT"; AWS General Reference, message broker quotas):
- Too many filters in one packet, QoS 2 and subscription identifiers end the connection.
- An invalid filter, one subscription too many and a filter that the policy does not allow have a failure code in the
  SUBACK.
- unmeasured (reported, https://github.com/aws-greengrass/aws-greengrass-lite/issues/1176, 21 September 2026; check
  subscription-51): that one subscription too many has a failure code, and the connection stays.
- unmeasured (reported, https://github.com/telefonicaid/iotagent-json/issues/875, 15 May 2025; check nine-filters): that
  a SUBSCRIBE with too many filters fails as a whole; that it ends the connection is assumed.
- unmeasured (reported otherwise, https://github.com/aws-greengrass/aws-greengrass-nucleus/issues/1107, 5 October 2021;
  checks subscribe-refused-3, subscribe-refused-5): that a filter that the policy does not allow has a failure code in
  MQTT 3.1.1, too. The guide says so; that report has a closed connection.
- MQTT 3.1 has no failure code: such a filter ends the connection.
- A new subscription replaces the client's one with the same filter.
- The retained message of a topic is sent after the SUBACK, only to a filter that is exactly this topic: a filter with
  wildcards and a shared one get none.
"""

from dataclasses import replace

from iot_core.broker.client import Client
from iot_core.broker.delivery import deliver
from iot_core.broker.effects import Dropped, Effect, Report
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.presence import PresenceEvents
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.session import Sessions
from iot_core.broker.topics import InvalidTopic, check_topic_filter
from iot_core.mqtt import SUBSCRIBE_FAILURE, ReasonCode, Suback, Subscribe, Subscription, Unsuback, Unsubscribe, Version
from iot_core.reasons import IotCoreReason


class Subscriptions:
    """Takes clients' SUBSCRIBE and UNSUBSCRIBE packets."""

    def __init__(
        self, sessions: Sessions, retained: RetainedMessages, presence: PresenceEvents, limits: Limits
    ) -> None:
        self._sessions = sessions
        self._retained = retained
        self._presence = presence
        self._limits = limits

    def subscribe(self, client: Client, packet: Subscribe, now: float) -> list[Effect]:
        """Subscribes, answers, and sends retained messages. `now` in seconds since 1970.

        Raises MqttError if the connection must end.
        """
        _check(packet, self._limits)
        codes: list[int] = []
        accepted: list[Subscription] = []
        wanting_retained: list[Subscription] = []
        effects: list[Effect] = []
        for subscription in packet.subscriptions:
            known = subscription.topic_filter in client.session.subscriptions
            code = self._accept(client, subscription, effects)
            codes.append(code if client.link.version is Version.MQTT_5 else min(code, SUBSCRIBE_FAILURE))
            if code < SUBSCRIBE_FAILURE:
                accepted.append(subscription)
                if subscription.retain_handling == 0 or (subscription.retain_handling == 1 and not known):
                    wanting_retained.append(subscription)
        if client.link.version is Version.MQTT_3_1 and len(accepted) < len(codes):
            # unmeasured (check session-old-mqtt): what IoT Core answers to a refused SUBSCRIBE of MQTT 3.1 (assumed: it
            # disconnects; a client that believes it is subscribed would wait forever).
            raise BrokenRule("MQTT 3.1 has no SUBACK for a refused topic filter", ReasonCode.NOT_AUTHORIZED)
        client.send(Suback(packet.packet_id, tuple(codes)))
        if accepted:
            effects += self._presence.subscribed(client, [each.topic_filter for each in accepted], now)
        return [*effects, *self._send_retained(client, wanting_retained)]

    def unsubscribe(self, client: Client, packet: Unsubscribe, now: float) -> list[Effect]:
        """Unsubscribes and answers. `now` in seconds since 1970. Raises MqttError if the connection must end."""
        removed: list[str] = []
        codes: list[int] = []
        for topic_filter in packet.topic_filters:
            if self._sessions.unsubscribe(client.session, topic_filter):
                removed.append(topic_filter)
                codes.append(ReasonCode.SUCCESS)
            else:
                codes.append(ReasonCode.NO_SUBSCRIPTION_EXISTED)
        client.send(Unsuback(packet.packet_id, tuple(codes)))
        return self._presence.unsubscribed(client, removed, now) if removed else []

    def _accept(self, client: Client, subscription: Subscription, effects: list[Effect]) -> int:
        """Subscribes to one filter if that is allowed. Returns its SUBACK code."""
        subscriptions, topic_filter = client.session.subscriptions, subscription.topic_filter
        most = self._limits.subscriptions
        try:
            check_topic_filter(topic_filter, self._limits)
        except InvalidTopic as error:
            effects.append(_refusal(client, topic_filter, IotCoreReason.INVALID_TOPIC_FILTER, str(error)))
            return ReasonCode.TOPIC_FILTER_INVALID
        if topic_filter not in subscriptions and len(subscriptions) >= most:
            detail = f"a connection has at most {most} subscriptions"
            effects.append(_refusal(client, topic_filter, IotCoreReason.TOO_MANY_SUBSCRIPTIONS, detail))
            return ReasonCode.QUOTA_EXCEEDED
        if not client.link.permissions.may_subscribe(topic_filter):
            return ReasonCode.NOT_AUTHORIZED
        self._sessions.subscribe(client.session, replace(subscription, retain_handling=0))
        return subscription.qos

    def _send_retained(self, client: Client, subscriptions: list[Subscription]) -> list[Dropped]:
        dropped: list[Dropped] = []
        for subscription in subscriptions:
            found = self._retained.get(subscription.topic_filter)
            if found is None:
                continue
            qos = min(found.message.qos, subscription.qos)
            effect = deliver(client.session, client.link, found.message, qos, True)
            if effect is not None:
                dropped.append(effect)
                if effect.too_slow:
                    break
        return dropped


def _check(packet: Subscribe, limits: Limits) -> None:
    """Checks what ends the connection without a SUBACK. Raises BrokenRule."""
    if len(packet.subscriptions) > limits.filters_per_subscribe:
        raise BrokenRule(
            f"a SUBSCRIBE has at most {limits.filters_per_subscribe} topic filters", ReasonCode.QUOTA_EXCEEDED
        )
    if any(subscription.qos > 1 for subscription in packet.subscriptions):
        raise BrokenRule("IoT Core does not support QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if packet.properties.subscription_identifiers:
        raise BrokenRule(
            "IoT Core does not support subscription identifiers", ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        )


def _refusal(client: Client, topic_filter: str, reason: IotCoreReason, detail: str) -> Report:
    """Returns the report of a filter that is refused before the policy is asked."""
    return Report(
        "decision",
        {
            "action": "subscribe",
            "resource": topic_filter,
            "allowed": False,
            "reason": reason,
            "detail": detail,
            "client_id": client.client_id,
        },
    )
