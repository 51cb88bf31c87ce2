"""What a client may publish: IoT Core's rules for a PUBLISH, whoever may do what."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from local.broker.broken_rule import BrokenRule
from local.broker.limits import Limits
from local.broker.rate_limit import RateLimit
from local.broker.topic_rules import InvalidTopic, check_topic_name, is_reserved
from local.mqtt import Publish, ReasonCode

if TYPE_CHECKING:
    from local.broker.client import Permissions

_KNOWN_TOPICS = 1024
_EVENTS = "$aws/events/"


class PublishRules:
    """The rules for one connection, which remember the topics that it used."""

    __slots__ = ("_known", "_limits", "_rate")

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._known: set[str] = set()
        self._rate = None if limits.publishes_per_second is None else RateLimit(limits.publishes_per_second, clock)

    def check(self, packet: Publish, topic: str, permissions: "Permissions") -> bool:
        """Whether a message is within the limit a second; what is not is not delivered.

        Raises MqttError for what ends the connection.
        """
        if packet.qos > 1:
            raise BrokenRule("IoT Core takes no QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
        if len(packet.payload) > self._limits.payload:
            raise BrokenRule(f"a payload has at most {self._limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
        if topic not in self._known:
            self._learn(topic)
        if not permissions.may_publish(topic):
            raise BrokenRule("the policy does not allow this publish", ReasonCode.NOT_AUTHORIZED)
        if packet.retain:
            check_retained(topic, permissions)
        return self._rate is None or self._rate.take()

    def _learn(self, topic: str) -> None:
        try:
            check_topic_name(topic, self._limits)
        except InvalidTopic as error:
            raise BrokenRule(str(error), ReasonCode.TOPIC_NAME_INVALID) from None
        if topic.startswith(_EVENTS):
            raise BrokenRule("only IoT Core publishes events", ReasonCode.NOT_AUTHORIZED)
        if len(self._known) >= _KNOWN_TOPICS:
            self._known.clear()
        self._known.add(topic)


def check_retained(topic: str, permissions: "Permissions") -> None:
    """Checks a message to be retained. Raises MqttError."""
    if is_reserved(topic):
        raise BrokenRule("no message to a reserved topic is retained", ReasonCode.RETAIN_NOT_SUPPORTED)
    if not permissions.may_retain(topic):
        raise BrokenRule("the policy does not allow this retained publish", ReasonCode.NOT_AUTHORIZED)
