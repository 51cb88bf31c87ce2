"""Fan-out: the delivery of one message to all its subscribers.

The rules (MQTT 5.0, sections 3.3.1.3 and 3.8.3.1):
- A message with RETAIN is retained first. If there is no room for it, it is still delivered.
- It goes to each subscriber with the lower of its own QoS and the subscription's.
- A subscription with No Local does not get the messages of its own client.
- RETAIN stays set only for a subscription with Retain As Published.
- An absent client gets it later, if its session is persistent and the QoS is 1.
- Each group of a shared subscription gets it once.
"""

from iot_core.broker.delivery import deliver, keep
from iot_core.broker.effects import Effect, drop_report
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.router import Router
from iot_core.broker.session import Session
from iot_core.broker.shared_subscriptions import SharedSubscriptions
from iot_core.reasons import IotCoreReason


class FanOut:
    """Delivers messages by the subscriptions of a router."""

    def __init__(
        self, router: Router[Session], retained: RetainedMessages, shared: SharedSubscriptions, limits: Limits
    ) -> None:
        self._router = router
        self._retained = retained
        self._shared = shared
        self._limits = limits

    def deliver(self, message: Message, publisher: Session | None) -> list[Effect]:
        """Deliver a message to all subscribers. Returns what was dropped.

        It writes to the outlets itself: a returned object for each packet would make fan-out slower.
        """
        effects: list[Effect] = []
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
        for group in routes.groups:
            dropped = self._shared.deliver(group, message)
            if dropped is not None:
                effects.append(dropped)
        return effects
