"""Will messages: at the end of a connection, or after their Will Delay (MQTT 5.0, section 3.1.3.2.2)."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from iot_core.broker.broken_rule import BrokenRule
from iot_core.broker.message import properties_size
from iot_core.broker.publishing import check_permission, check_properties, check_topic
from iot_core.broker.stored_queues import PLACE
from iot_core.mqtt import Publish, ReasonCode, Will
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.broker import Broker
    from iot_core.broker.client import Client
    from iot_core.broker.session import Session


class DelayedWill(NamedTuple):
    """A Will to be published unless its session goes on before."""

    due: float
    """Seconds of the broker's clock."""
    will: Will
    session: "Session"


class Wills:
    """The Wills of all whose connection ended; at most one a client ID waits, and outlives this process."""

    def __init__(self, broker: "Broker") -> None:
        self.size = 0
        """Bytes of those that wait."""
        self._broker = broker
        self._delayed: dict[str, DelayedWill] = {}

    def leave(self, client: "Client", will: Will) -> None:
        """Publishes a Will now or later, where the client may publish it. One that is dropped is reported."""
        session = client.session
        try:
            check_topic(will.topic, self._broker.limits)
            check_properties(will.properties, self._broker.limits)
            check_permission(will.topic, will.retain, client.permissions)
        except BrokenRule as error:
            forbidden = error.reason_code == ReasonCode.NOT_AUTHORIZED
            reason = IotCoreReason.WILL_NOT_ALLOWED if forbidden else IotCoreReason.WILL_NOT_VALID
            self._broker.dropped.add_will(session, reason, str(error))
            return
        delay = will.properties.will_delay_interval
        if delay is not None:
            will = replace(will, properties=replace(will.properties, will_delay_interval=None))
        if not (delay and session.persistent):
            self._publish(will, session)
        elif not self._broker.may_keep_more():
            self._broker.dropped.add_will(session, IotCoreReason.QUEUES_FULL)
        else:
            delayed = DelayedWill(self._broker.clock() + delay, will, session)
            self._keep(delayed)
            self._broker.storage.keep_will(session.client_id, will, delayed.due)

    def revoke(self, client_id: str) -> None:
        """A session goes on: its Will is not published [MQTT-3.1.3-9]."""
        self._take(client_id)

    def session_ended(self, client_id: str) -> None:
        """A session ended, and with it the delay of its Will."""
        delayed = self._take(client_id)
        if delayed is not None:
            self._publish(delayed.will, delayed.session)

    def publish_due(self, now: float) -> None:
        """Publishes those whose delay is over."""
        for client_id in [client_id for client_id, delayed in self._delayed.items() if delayed.due <= now]:
            self.session_ended(client_id)

    def restore(self) -> None:
        """Takes up what the storage has, once the sessions are there. Raises StorageError."""
        for client_id, will, due in self._broker.storage.wills():
            session = self._broker.sessions.get(client_id)
            if session is not None:
                self._keep(DelayedWill(due, will, session))

    def _keep(self, delayed: DelayedWill) -> None:
        self._delayed[delayed.session.client_id] = delayed
        self.size += _size(delayed.will)

    def _take(self, client_id: str) -> DelayedWill | None:
        delayed = self._delayed.pop(client_id, None)
        if delayed is not None:
            self.size -= _size(delayed.will)
            self._broker.storage.forget_will(client_id)
        return delayed

    def _publish(self, will: Will, session: "Session") -> None:
        """The time of a message expiry begins here (developer guide, "Message expiry")."""
        packet = Publish(will.topic, will.payload, will.qos, will.retain, False, None, will.properties)
        self._broker.publish(self._broker.message(packet, will.topic), session)


def _size(will: Will) -> int:
    return len(will.payload) + properties_size(will.properties) + PLACE
