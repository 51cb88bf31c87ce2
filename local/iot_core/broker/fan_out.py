"""From one published message to all whose subscriptions it matches."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from iot_core.broker.message import Message
from iot_core.broker.session import Session
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker


class FanOut:
    """Delivers one message after the other: a delivery may end a slow client, and so bring about more."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self._delivering = False
        self._postponed: deque[Callable[[], None]] = deque()
        """What is to be done because of a delivery, the next one first."""

    def publish(self, message: Message, publisher: Session | None) -> None:
        """Keeps a message that is to be retained, and delivers it.

        One that is published while another is delivered, as a slow client's Will is, follows after that.
        """
        if self._delivering:
            self._postponed.append(partial(self._deliver, message, publisher))
            return
        self._delivering = True
        try:
            self._deliver(message, publisher)
        finally:
            self._delivering = False
        if self._postponed:
            self._do_postponed()

    def then(self, action: Callable[[], None]) -> None:
        """Does something now, or once what is delivered at the moment has reached all."""
        self._postponed.append(action)
        self._do_postponed()

    def _deliver(self, message: Message, publisher: Session | None) -> None:
        broker = self._broker
        if message.retain and not broker.retained.keep(message):
            broker.dropped.add_retained(IotCoreReason.TOO_MANY_RETAINED)
        routes = broker.router.routes(message.topic)
        for session, subscription in routes.each:
            if subscription.no_local and session is publisher:
                continue
            qos = min(message.qos, subscription.qos)
            retain = message.retain and subscription.retain_as_published
            client = session.client
            if client is not None:
                client.sender.send(message, qos, retain)
            elif qos > 0 and session.persistent:
                self._keep(session, message, retain)
        for group in routes.groups:
            broker.shared.deliver(group, message)

    def _keep(self, session: Session, message: Message, retain: bool) -> None:
        """Keeps a message for a client that is away, where there is room."""
        broker = self._broker
        if not broker.may_keep_more():
            broker.dropped.add(session, IotCoreReason.QUEUES_FULL)
        elif not session.enqueue(message, retain, broker.limits):
            broker.dropped.add(session, IotCoreReason.QUEUE_FULL)

    def _do_postponed(self) -> None:
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._postponed:
                self._postponed.popleft()()
        finally:
            self._delivering = False
