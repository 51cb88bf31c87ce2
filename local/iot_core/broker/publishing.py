"""PUBLISH, with IoT Core's limits and the policy."""

from typing import TYPE_CHECKING

from iot_core.broker.broken_rule import BrokenRule
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message, properties_size
from iot_core.broker.permissions import Permissions
from iot_core.broker.rate_limit import RateLimit
from iot_core.broker.topic_rules import InvalidTopic, check_topic_name, is_event, is_reserved
from iot_core.mqtt import NO_PROPERTIES, Properties, ProtocolError, Puback, Publish, ReasonCode, Version
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker
    from iot_core.broker.client import Client

_KNOWN_TOPICS = 1024


class Publisher:
    """One connection as a publisher: it remembers the topics that were used, and their aliases."""

    __slots__ = ("_aliases", "_broker", "_known", "_rate", "permissions")

    def __init__(self, broker: "Broker", permissions: Permissions) -> None:
        limits = broker.limits
        self._broker = broker
        self._aliases: dict[int, str] = {}
        self._known: set[str] = set()
        per_second = limits.publishes_per_second
        self._rate = None if per_second is None else RateLimit(per_second, broker.clock)
        self.permissions = permissions
        """Replaced at a refresh."""

    def receive(self, client: "Client", packet: Publish) -> None:
        """Publishes a message, and answers. Raises MqttError for what ends the connection."""
        broker = self._broker
        topic = packet.topic
        if packet.properties is not NO_PROPERTIES:
            topic = self._read(packet.properties, topic)
        self._check(packet, topic)
        if self._rate is not None and not self._rate.take():
            self._refuse(client, packet, IotCoreReason.THROTTLED)
            return
        if packet.retain and not broker.retained.has_room(topic, packet.payload):
            self._refuse(client, packet, IotCoreReason.TOO_MANY_RETAINED)
            return
        broker.publish(Message.published(packet, topic, broker.limits, broker.clock), client.session)
        packet_id = packet.packet_id
        # The message may have ended its own publisher, as a slow subscriber: nothing follows a DISCONNECT.
        if packet_id is not None and client.connected:
            client.outlet.write(b"\x40\x02" + packet_id.to_bytes(2))

    def _refuse(self, client: "Client", packet: Publish, reason: IotCoreReason) -> None:
        """Drops a message that is one too many. MQTT 3.1.1 has no answer for that."""
        self._broker.dropped.add(client.session, reason)
        if packet.packet_id is not None and client.version is Version.MQTT_5:
            client.answer(Puback(packet.packet_id, ReasonCode.QUOTA_EXCEEDED))

    def _read(self, properties: Properties, topic: str) -> str:
        """The topic, where an alias may stand for it."""
        if properties.subscription_identifiers:
            raise ProtocolError("a client's PUBLISH has no subscription identifier [MQTT-3.3.4-6]")
        check_properties(properties, self._broker.limits)
        alias = properties.topic_alias
        if alias is None:
            return topic
        if alias > self._broker.limits.topic_aliases:
            raise BrokenRule("a topic alias is over the maximum [MQTT-3.3.2-9]", ReasonCode.TOPIC_ALIAS_INVALID)
        if topic:
            self._aliases[alias] = topic
        elif alias not in self._aliases:
            raise ProtocolError("a topic alias stands for no topic (MQTT 5.0, section 3.3.2.3.4)")
        return self._aliases[alias]

    def _check(self, packet: Publish, topic: str) -> None:
        limits = self._broker.limits
        if packet.qos > 1:
            raise BrokenRule("IoT Core takes no QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
        if len(packet.payload) > limits.payload:
            raise BrokenRule(f"a payload has at most {limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
        if topic not in self._known:
            check_topic(topic, limits)
            if len(self._known) >= _KNOWN_TOPICS:
                self._known.clear()
            self._known.add(topic)
        if packet.retain or not self.permissions.may_publish(topic):
            check_permission(topic, packet.retain, self.permissions)


def check_topic(topic: str, limits: Limits) -> None:
    """Checks the topic that a client publishes to. Raises BrokenRule."""
    try:
        check_topic_name(topic, limits)
    except InvalidTopic as error:
        raise BrokenRule(str(error), ReasonCode.TOPIC_NAME_INVALID) from None
    if is_event(topic):
        raise BrokenRule("only IoT Core publishes events", ReasonCode.NOT_AUTHORIZED)


def check_properties(properties: Properties, limits: Limits) -> None:
    """Checks the properties of a PUBLISH or a Will. Raises BrokenRule."""
    if properties_size(properties) > limits.properties:
        raise BrokenRule(f"a message's properties have at most {limits.properties} bytes", ReasonCode.PACKET_TOO_LARGE)


def check_permission(topic: str, retain: bool, permissions: Permissions) -> None:
    """Checks who publishes. Raises BrokenRule."""
    if not permissions.may_publish(topic):
        raise BrokenRule("the policy does not allow this publish", ReasonCode.NOT_AUTHORIZED)
    if not retain:
        return
    if is_reserved(topic):
        raise BrokenRule("no message to a reserved topic is retained", ReasonCode.RETAIN_NOT_SUPPORTED)
    if not permissions.may_retain(topic):
        raise BrokenRule("the policy does not allow this retained publish", ReasonCode.NOT_AUTHORIZED)
