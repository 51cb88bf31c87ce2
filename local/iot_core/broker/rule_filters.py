"""Which topic rules get a message.

- A rule gets the messages whose topics match its filter, by the rules for subscriptions (`router.py`). unmeasured: that
  a wildcard at the start of a rule's filter does not match a topic that starts with `$` is assumed from MQTT.
- Basic ingest (developer guide, "Reducing messaging costs with Basic Ingest"): a message to `$aws/rules/NAME/TOPIC`
  is for the rule NAME only, with any filter, and its topic is TOPIC.
"""

from collections.abc import Mapping

from iot_core.broker.effects import RuleInput
from iot_core.broker.message import Message
from iot_core.broker.router import Router
from iot_core.broker.session import Session
from iot_core.broker.topics import RULES
from iot_core.mqtt import Subscription


class RuleFilters:
    """The topic filters of rules."""

    def __init__(self) -> None:
        self._router: Router[str] = Router()
        self.any = False
        """Whether there are any. It is an attribute, because each publish reads it."""

    def replace(self, filters: Mapping[str, str]) -> None:
        """Puts the rules with these topic filters, by name, in place of all others."""
        self._router = Router()
        for name, topic_filter in filters.items():
            self._router.add(name, Subscription(topic_filter, 1))
        self.any = bool(filters)

    def inputs(
        self, message: Message, publisher: Session | None, principal_id: str | None, hops: int
    ) -> list[RuleInput]:
        """What rules get of a message that `hops` rules have republished: one input or none."""
        topic = message.topic
        if topic.startswith(RULES):
            name, _, topic = topic.removeprefix(RULES).partition("/")
            names: tuple[str, ...] = (name,)
        else:
            names = tuple(name for name, _ in self._router.routes(topic).each)
        if not names:
            return []
        if publisher is not None:
            return [RuleInput(names, topic, message.payload, publisher.client_id, publisher.principal_id)]
        return [RuleInput(names, topic, message.payload, None, principal_id, hops)]
