"""The message broker: clients, sessions and messages in one topic space."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial

from iot_core.broker.client import Client, Origin
from iot_core.broker.disconnect_reason import DisconnectReason
from iot_core.broker.dropped_messages import DroppedMessages
from iot_core.broker.fan_out import FanOut
from iot_core.broker.limits import IOT_CORE, Limits
from iot_core.broker.message import Delivery, Message
from iot_core.broker.negotiation import connack, session_expiry
from iot_core.broker.outlet import Outlet
from iot_core.broker.permissions import Permissions
from iot_core.broker.presence import Presence, Report
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.router import Router
from iot_core.broker.session import Session
from iot_core.broker.sessions import Sessions
from iot_core.broker.shared_subscriptions import SharedSubscriptions
from iot_core.broker.storage import Storage
from iot_core.broker.wills import Wills
from iot_core.mqtt import Connect, Publish, ReasonCode, Will, encode
from iot_core.reasons import IotCoreReason

_logger = logging.getLogger(__name__)


class Broker:
    """Everything behind the authorization of a CONNECT. All of it runs on one thread, and nothing waits."""

    def __init__(
        self,
        storage: Storage,
        *,
        limits: Limits = IOT_CORE,
        clock: Callable[[], float] = time.time,
        report: Report = lambda *_, **__: None,
    ) -> None:
        """Takes up what the storage has; raises StorageError.

        `clock` gives seconds since 1970; `report` is told of presence, subscriptions and dropped messages.
        """
        self.storage = storage
        self.limits = limits
        self.clock = clock
        self.router: Router[Session] = Router()
        self.retained = RetainedMessages(storage, limits, clock)
        self.shared = SharedSubscriptions(self)
        self.presence = Presence(self.publish, clock, report)
        self.version_numbers = itertools.count(round(clock() * 1000))
        """Each is higher than all before."""
        self.dropped = DroppedMessages(report)
        self._fan_out = FanOut(self)
        self._wills = Wills(self)
        self.sessions = Sessions(storage, self.router)
        self._restore()
        self.tick()

    def session(self, client_id: str) -> Session | None:
        """The session of a client ID, connected or not; None where there is none."""
        return self.sessions.get(client_id)

    def clients(self) -> Iterator[Client]:
        """All that are connected."""
        return (session.client for session in self.sessions if session.client is not None)

    def connect(
        self,
        connect: Connect,
        client_id: str,
        permissions: Permissions,
        outlet: Outlet,
        origin: Origin,
        principal_id: str,
    ) -> Client:
        """Lets a client in: takes over from one with the same client ID, answers, and sends what waits.

        `client_id` is the client's own, or the one it was given.
        """
        other = self.sessions.get(client_id)
        if other is not None and other.client is not None:
            other.client.end(DisconnectReason.DUPLICATE_CLIENTID, ReasonCode.SESSION_TAKEN_OVER)
        session, present = self._session_for(connect, client_id)
        session.expiry_interval = session_expiry(connect, self.limits)
        session.principal_id = principal_id
        session.connected_since, session.disconnected_since = self.clock(), None
        session.client = client = Client(self, session, connect, permissions, outlet, origin)
        self.sessions.came(session)
        outlet.write(encode(connack(connect, client_id, self.limits, session_present=present), connect.version))
        self.presence.connected(client)
        client.drain()
        self.shared.hand_out()
        return client

    def publish(self, message: Message, publisher: Session | None = None) -> None:
        """Keeps a message that is to be retained, and delivers it to all whose subscriptions it matches.

        One that is published while another is delivered, as a slow client's Will is, follows after that.
        """
        self._fan_out.publish(message, publisher)

    def may_keep_more(self) -> bool:
        """Whether there is room for one more message that waits for a client that is away."""
        return self.storage.queued_bytes + self._wills.size < self.limits.stored_bytes

    def message(self, packet: Publish, topic: str) -> Message:
        """The message in a PUBLISH to a topic, which the packet may name by an alias."""
        return Message.published(packet, topic, self.limits, self.clock)

    def disconnect(self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False) -> bool:
        """Ends a client's connection, as DeleteConnection does. False where there is neither one nor a session.

        `clean_session` ends the session too, also one that has no connection.
        """
        session = self.sessions.get(client_id)
        if session is None:
            return False
        if prevent_will:
            self._wills.revoke(client_id)
        if clean_session:
            session.expiry_interval = 0
        if session.client is not None:
            session.client.end(
                DisconnectReason.API_INITIATED_DISCONNECT, ReasonCode.ADMINISTRATIVE_ACTION, with_will=not prevent_will
            )
        elif clean_session:
            self._forget(session)
        return True

    def tick(self) -> None:
        """Does what is due: delayed Wills, and what expired. To be called about once a second."""
        now = self.clock()
        self._wills.publish_due(now)
        for session in [session for session in self.sessions if session.is_expired(now)]:
            if self.sessions.get(session.client_id) is session:  # The Will of one before may have ended it already.
                self._forget(session)
        self._end_longest_absent()
        self.retained.forget_expired()
        self.shared.hand_out()

    def close(self) -> None:
        """Ends all connections. One that can't be ended keeps none of the others."""
        for client in self.clients():
            try:
                client.end(DisconnectReason.SERVER_INITIATED_DISCONNECT, ReasonCode.SERVER_SHUTTING_DOWN)
            except Exception:
                _logger.exception("a connection could not be ended")

    def disconnected(self, client: Client, will: Will | None, reason: DisconnectReason, explanation: str) -> None:
        """Keeps or ends the session of a connection that ended, and sees to its Will."""
        session = client.session
        session.client = None
        session.disconnected_since = self.clock()
        session.disconnect_reason = reason
        session.requeue()
        self.presence.disconnected(client, reason, explanation)
        if will is not None:
            self._wills.leave(client, will)
        released = session.release_shared()
        if session.persistent:
            self.sessions.left(session)
        else:
            self._forget(session)
        if released:
            self._fan_out.then(partial(self.shared.deliver_again, released))
        if reason is not DisconnectReason.DUPLICATE_CLIENTID:  # There the session has its next connection at once.
            self._fan_out.then(self._end_longest_absent)

    def _session_for(self, connect: Connect, client_id: str) -> tuple[Session, bool]:
        """The session that a CONNECT asks for, and whether it was there before [MQTT-3.1.2-4] [MQTT-3.1.2-5]."""
        session = self.sessions.get(client_id)
        if session is not None:
            resumed = not connect.clean_start and session.version is connect.version
            if resumed and not session.is_expired(self.clock()):
                self._wills.revoke(client_id)
                return session, True
            self._forget(session)
        return self.sessions.add(client_id, connect.version), False

    def _forget(self, session: Session) -> None:
        """Ends a session."""
        self.sessions.remove(session)
        self.shared.hand_out()
        self._wills.session_ended(session.client_id)

    def _end_longest_absent(self) -> None:
        """Makes room for sessions that were left later, as if those before had expired."""
        while (session := self.sessions.longest_absent(self.limits.absent_sessions)) is not None:
            self.dropped.add_session(session, IotCoreReason.TOO_MANY_SESSIONS)
            self._forget(session)

    def _restore(self) -> None:
        """Takes up what the storage has. Raises StorageError."""
        self.sessions.restore(self.clock())
        for row, client_id, shared, message, retain in self.storage.queued():
            delivery = Delivery(message, retain, row)
            if client_id is not None:
                self.sessions.restore_delivery(client_id, delivery)
            elif shared is not None:
                self.shared.restore(shared, delivery)
        self._wills.restore()
