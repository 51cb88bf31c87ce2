"""Will messages: at the end of a connection, or after their Will Delay (MQTT 5.0, section 3.1.3.2.2)."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from local.broker.broken_rule import BrokenRule
from local.broker.publishing import check_permission, check_properties, check_topic
from local.mqtt import Publish, Will

if TYPE_CHECKING:
    from local.broker.broker import Broker
    from local.broker.client import Client
    from local.broker.session import Session


class DelayedWill(NamedTuple):
    """A Will to be published unless its session goes on before."""

    due: float
    """Seconds of the broker's clock."""
    will: Will
    session: "Session"


class Wills:
    """The Wills of all whose connection ended; at most one a client ID waits."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self._delayed: dict[str, DelayedWill] = {}

    def leave(self, client: "Client", will: Will) -> None:
        """Publishes a Will now or later, where the client may publish it."""
        try:
            check_topic(will.topic, self._broker.limits)
            check_properties(will.properties, self._broker.limits)
            check_permission(will.topic, will.retain, client.permissions)
        except BrokenRule:
            return
        session = client.session
        delay = will.properties.will_delay_interval
        if delay and session.persistent:
            self._delayed[session.client_id] = DelayedWill(self._broker.clock() + delay, will, session)
        else:
            self._publish(will, session)

    def revoke(self, client_id: str) -> None:
        """A session goes on: its Will is not published [MQTT-3.1.3-9]."""
        self._delayed.pop(client_id, None)

    def session_ended(self, client_id: str) -> None:
        """A session ended, and with it the delay of its Will."""
        delayed = self._delayed.pop(client_id, None)
        if delayed is not None:
            self._publish(delayed.will, delayed.session)

    def publish_due(self, now: float) -> None:
        """Publishes those whose delay is over."""
        for client_id in [client_id for client_id, delayed in self._delayed.items() if delayed.due <= now]:
            self.session_ended(client_id)

    def _publish(self, will: Will, session: "Session") -> None:
        """The time of a message expiry begins here (developer guide, "Message expiry")."""
        properties = will.properties
        if properties.will_delay_interval is not None:
            properties = replace(properties, will_delay_interval=None)
        packet = Publish(will.topic, will.payload, will.qos, will.retain, False, None, properties)
        self._broker.publish(self._broker.message(packet, will.topic), session)
