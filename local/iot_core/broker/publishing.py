"""PUBLISH: the checks of a message that a client publishes, and its delivery to all subscribers.

The rules of the checks (MQTT 5.0, section 3.3; developer guide, "MQTT"; AWS General Reference, message broker quotas):
- QoS 2, an invalid topic, too much payload or too many properties end the connection.
- So does a topic or a RETAIN flag that the policy does not allow.
- A topic alias replaces the topic until the connection ends, or until the client gives it another topic.
- A message over the limit per second, or one more retained message than there is room for, is dropped. MQTT 5 answers
  with QUOTA_EXCEEDED. MQTT 3.1.1 has no answer for it.

The rules of the delivery (MQTT 5.0, sections 3.3.1.3 and 3.8.3.1):
- A message with RETAIN is retained first. If there is no room for it, it is still delivered.
- It goes to each subscriber with the lower of its own QoS and the subscription's.
- A subscription with No Local does not get the messages of its own client.
- RETAIN stays set only for a subscription with Retain As Published.
- An absent client gets it later, if its session is persistent and the QoS is 1.
- Each group of a shared subscription gets it once.
- Topic rules whose filters match get it too. With basic ingest, only one rule gets it, and no subscriber.
"""

from collections.abc import Callable

from iot_core.broker.delivery import deliver, keep
from iot_core.broker.effects import Effect, drop_report
from iot_core.broker.limits import BrokenRule, Limits, RateLimit
from iot_core.broker.message import Message, properties_size
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.router import Router
from iot_core.broker.rule_filters import RuleFilters
from iot_core.broker.session import Session
from iot_core.broker.shared_subscriptions import SharedSubscriptions
from iot_core.broker.topics import (
    EVENTS_ARE_RESERVED,
    NOT_RETAINED,
    RULES,
    InvalidTopic,
    check_topic_name,
    is_event,
    is_reserved,
)
from iot_core.mqtt import NO_PROPERTIES, Properties, ProtocolError, Publish, ReasonCode
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason

_KNOWN_TOPICS = 1024
"""Valid topics that a connection remembers."""


class Publisher:
    """The publishing side of one connection. It remembers topic aliases and valid topics."""

    __slots__ = ("_aliases", "_clock", "_limits", "_rate", "_retained", "known_topics")

    def __init__(self, limits: Limits, clock: Callable[[], float], retained: RetainedMessages) -> None:
        """`clock` returns seconds since 1970."""
        self._limits = limits
        self._clock = clock
        self._retained = retained
        self._aliases: dict[int, str] = {}
        self.known_topics: dict[str, None] = {}
        """Valid topics that were published to, which are not checked again. An empty set would be larger."""
        per_second = limits.publishes_per_second
        self._rate = None if per_second is None else RateLimit(per_second, clock)

    def accept(self, packet: Publish, permissions: Permissions) -> Message | IotCoreReason:
        """Returns the message to publish, or the reason to drop it. Raises MqttError if the connection must end."""
        topic = packet.topic
        if packet.properties is not NO_PROPERTIES:
            topic = self._read(packet.properties, topic)
        self._check(packet, topic, permissions)
        if self._rate is not None and not self._rate.take():
            return IotCoreReason.THROTTLED
        if packet.retain and not self._retained.has_room(topic, packet.payload):
            return IotCoreReason.TOO_MANY_RETAINED
        return Message.published(packet, topic, self._limits, self._clock)

    def _read(self, properties: Properties, topic: str) -> str:
        """Checks the properties, and returns the topic, which may be that of an alias."""
        if properties.subscription_identifiers:
            raise ProtocolError("a client's PUBLISH must not have a subscription identifier [MQTT-3.3.4-6]")
        check_properties(properties, self._limits)
        alias = properties.topic_alias
        if alias is None:
            return topic
        most = self._limits.topic_aliases
        if alias > most:
            raise BrokenRule(
                f"topic alias {alias} is over the maximum of {most} [MQTT-3.3.2-9]", ReasonCode.TOPIC_ALIAS_INVALID
            )
        if topic:
            self._aliases[alias] = topic
        elif alias not in self._aliases:
            raise ProtocolError(f"topic alias {alias} has no topic yet (MQTT 5.0, section 3.3.2.3.4)")
        return self._aliases[alias]

    def _check(self, packet: Publish, topic: str, permissions: Permissions) -> None:
        limits = self._limits
        if packet.qos > 1:
            raise BrokenRule("IoT Core does not support QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
        if len(packet.payload) > limits.payload:
            raise BrokenRule(f"a payload has at most {limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
        if topic not in self.known_topics:
            check_topic(topic, limits)
            if len(self.known_topics) >= _KNOWN_TOPICS:
                self.known_topics.clear()
            self.known_topics[topic] = None
        if packet.retain or not permissions.may_publish(topic):
            check_permission(topic, packet.retain, permissions)


class FanOut:
    """Delivers messages by the subscriptions of a router."""

    def __init__(
        self,
        router: Router[Session],
        retained: RetainedMessages,
        shared: SharedSubscriptions,
        rules: RuleFilters,
        limits: Limits,
    ) -> None:
        self._router = router
        self._retained = retained
        self._shared = shared
        self._rules = rules
        self._limits = limits

    def deliver(
        self, message: Message, publisher: Session | None, principal_id: str | None = None, hops: int = 0
    ) -> list[Effect]:
        """Delivers a message to all subscribers. Returns what was dropped, and what topic rules get.

        It writes to the outlets itself: a returned object for each packet would make fan-out slower.
        """
        ingested = message.topic.startswith(RULES)
        has_rules = ingested or self._rules.any
        effects: list[Effect] = [*self._rules.inputs(message, publisher, principal_id, hops)] if has_rules else []
        if ingested:
            return effects
        if message.retain and not self._retained.keep(message):
            effects.append(drop_report(IotCoreReason.TOO_MANY_RETAINED))
        routes = self._router.routes(message.topic)
        for session, subscription in routes.each:
            if subscription.no_local and session is publisher:
                continue
            qos = min(message.qos, subscription.qos)
            retain = message.retain and subscription.retain_as_published
            link = session.link
            if link is not None:
                dropped = deliver(session, link, message, qos, retain)
            elif qos and session.persistent:
                dropped = keep(session, message, retain, self._limits)
            else:
                continue
            if dropped is not None:
                effects.append(dropped)
        for group in routes.groups:  # A loop: generators would cost each message 0.3 microseconds.
            dropped = self._shared.deliver(group, message)
            if dropped is not None:
                effects.append(dropped)
        return effects


def check_topic(topic: str, limits: Limits) -> None:
    """Checks the topic that a client publishes to. Raises BrokenRule."""
    try:
        check_topic_name(topic, limits)
    except InvalidTopic as error:
        raise BrokenRule(str(error), ReasonCode.TOPIC_NAME_INVALID) from None
    if is_event(topic):
        raise BrokenRule(EVENTS_ARE_RESERVED, ReasonCode.NOT_AUTHORIZED)


def check_properties(properties: Properties, limits: Limits) -> None:
    """Checks the properties of a PUBLISH or a Will. Raises BrokenRule.

    A response topic is a topic name [MQTT-3.3.2-14]. unmeasured (check response-topic): that IoT Core's limits for
    topics hold for a response topic (assumed: its receiver could not publish to it otherwise).
    """
    if properties_size(properties) > limits.properties:
        raise BrokenRule(f"a message's properties have at most {limits.properties} bytes", ReasonCode.PACKET_TOO_LARGE)
    if properties.response_topic is not None:
        try:
            check_topic_name(properties.response_topic, limits)
        except InvalidTopic as error:
            raise BrokenRule(f"the response topic: {error}", ReasonCode.TOPIC_NAME_INVALID) from None


def check_permission(topic: str, retain: bool, permissions: Permissions) -> None:
    """Checks that the policy allows a publish. Raises BrokenRule."""
    if not permissions.may_publish(topic):
        raise BrokenRule("the policy does not allow this publish", ReasonCode.NOT_AUTHORIZED)
    if not retain:
        return
    if is_reserved(topic):
        raise BrokenRule(NOT_RETAINED, ReasonCode.RETAIN_NOT_SUPPORTED)
    if not permissions.may_retain(topic):
        raise BrokenRule("the policy does not allow this retained publish", ReasonCode.NOT_AUTHORIZED)
