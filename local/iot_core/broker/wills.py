"""Will messages.

The rules (MQTT 5.0, sections 3.1.2.5 and 3.1.3.2.2; developer guide, "Last Will and Testament"):
- A connection's Will is published when the connection ends, unless the client sent DISCONNECT with reason code 0.
- The Will is checked again at that moment: the policy may have changed since the CONNECT.
- A Will with a delay waits if the session is persistent. It is published when the delay has passed or the session
  ends, the earlier of both. It is not published if the client continues the session before that [MQTT-3.1.3-9].
- A client ID has at most one waiting Will. The storage holds it, so it survives a restart.
- The message expiry interval of a Will begins when the Will is published (developer guide, "Message expiry").
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from iot_core.broker.effects import Effect, Publication, drop_report
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.message import Message
from iot_core.broker.publishing import check_permission, check_properties, check_topic
from iot_core.broker.session import Session
from iot_core.broker.storage import Storage
from iot_core.mqtt import Publish, ReasonCode, Will
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason


class DelayedWill(NamedTuple):
    """A Will that waits."""

    due: float
    """Seconds since 1970."""
    will: Will
    session: Session


class Wills:
    """The Wills of connections that ended."""

    def __init__(self, storage: Storage, limits: Limits, clock: Callable[[], float]) -> None:
        """`clock` returns seconds since 1970."""
        self._storage = storage
        self._limits = limits
        self._clock = clock
        self._delayed: dict[str, DelayedWill] = {}
        """By client ID."""

    def leave(self, session: Session, will: Will, permissions: Permissions) -> list[Effect]:
        """Publishes, delays or drops the Will of a connection that ended."""
        try:
            check_topic(will.topic, self._limits)
            check_properties(will.properties, self._limits)
            check_permission(will.topic, will.retain, permissions)
        except BrokenRule as error:
            forbidden = error.reason_code == ReasonCode.NOT_AUTHORIZED
            reason = IotCoreReason.WILL_NOT_ALLOWED if forbidden else IotCoreReason.WILL_NOT_VALID
            return [drop_report(reason, client_id=session.client_id, detail=str(error))]
        delay = will.properties.will_delay_interval
        if delay is not None:
            will = replace(will, properties=replace(will.properties, will_delay_interval=None))
        if not (delay and session.persistent):
            return [self._publication(will, session)]
        if not self._storage.has_room(self._limits):
            return [drop_report(IotCoreReason.QUEUES_FULL, client_id=session.client_id)]
        due = self._clock() + delay
        self._delayed[session.client_id] = DelayedWill(due, will, session)
        self._storage.keep_will(session.client_id, will, due)
        return []

    def revoke(self, client_id: str) -> DelayedWill | None:
        """Removes and returns a waiting Will: the client continues its session."""
        delayed = self._delayed.pop(client_id, None)
        if delayed is not None:
            self._storage.forget_will(client_id)
        return delayed

    def session_ended(self, client_id: str) -> list[Effect]:
        """Publishes the waiting Will of a session that ended."""
        delayed = self.revoke(client_id)
        return [] if delayed is None else [self._publication(delayed.will, delayed.session)]

    def publish_due(self, now: float) -> list[Effect]:
        """Publishes the Wills whose delay has passed. `now` in seconds since 1970."""
        due = [client_id for client_id, delayed in self._delayed.items() if delayed.due <= now]
        return [effect for client_id in due for effect in self.session_ended(client_id)]

    def restore(self, session: Callable[[str], Session | None]) -> None:
        """Loads the waiting Wills from the storage. `session` returns a client ID's session. Raises StorageError."""
        for client_id, will, due in self._storage.wills():
            found = session(client_id)
            if found is not None:
                self._delayed[client_id] = DelayedWill(due, will, found)

    def _publication(self, will: Will, session: Session) -> Publication:
        packet = Publish(will.topic, will.payload, will.qos, will.retain, False, None, will.properties)
        return Publication(Message.published(packet, will.topic, self._limits, self._clock), session)
