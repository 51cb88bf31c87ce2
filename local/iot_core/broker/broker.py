"""The message broker: sessions, clients and messages in one topic space.

How control flows:
- A public operation changes one thing, by the parts below. The parts return effects; they never call the broker.
- At once, the broker reports drops and ends clients that are too slow. Messages that this brings about, as Wills and
  presence events, become pending.
- The operation then ends with `_settle`, the only loop: it publishes what is pending in its order, then hands out the
  queues of shared subscriptions, then ends the oldest sessions without a connection if there are too many. It repeats
  this until nothing is left.
- So each message reaches all its subscribers before the next one is published, and no operation begins inside another.
"""

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from iot_core.broker.client import Client, Origin, connack, keep_alive, open_link, session_expiry
from iot_core.broker.delivery import acknowledge, drain
from iot_core.broker.direct_messages import DirectMessages
from iot_core.broker.effects import Dropped, Effect, Publication, Report, RuleInput, drop_report
from iot_core.broker.limits import IOT_CORE, BrokenRule, Limits
from iot_core.broker.message import Message
from iot_core.broker.presence import PresenceEvents
from iot_core.broker.publishing import FanOut, Publisher
from iot_core.broker.resending import RefusedMessages
from iot_core.broker.retained import RetainedMessages
from iot_core.broker.router import Router
from iot_core.broker.rule_filters import RuleFilters
from iot_core.broker.session import Delivery, DisconnectReason, Outlet, Session, Sessions
from iot_core.broker.shared_subscriptions import SharedSubscriptions
from iot_core.broker.storage import Storage
from iot_core.broker.subscribing import Subscriptions
from iot_core.broker.wills import Wills
from iot_core.mqtt import (
    Connect,
    Disconnect,
    MqttError,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolError,
    Puback,
    Publish,
    ReasonCode,
    Subscribe,
    Unsubscribe,
    UnsupportedVersion,
    Version,
    encode,
)
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason

_PINGRESP = encode(Pingresp(), Version.MQTT_3_1_1)
_REPORTED = 100
"""The first of so many drops of one session is reported."""

_logger = logging.getLogger(__name__)


class Broker:
    """Serves authorized clients. It runs on one thread, and nothing in it waits."""

    def __init__(
        self,
        storage: Storage,
        *,
        limits: Limits = IOT_CORE,
        clock: Callable[[], float] = time.time,
        report: Callable[..., object] = lambda *_, **__: None,
        trigger: Callable[[RuleInput], object] = lambda _: None,
    ) -> None:
        """Loads what the storage has. Raises StorageError.

        `clock` returns seconds since 1970. `report` takes records for the feed: their kind, and fields by name.
        `trigger` takes the messages for topic rules; it must not call the broker before the event loop's next turn.
        """
        self.storage = storage
        self.limits = limits
        self.retained = RetainedMessages(storage, limits, clock)
        self._clock = clock
        self._report = report
        self._trigger = trigger
        self.router: Router[Session] = Router()
        """All subscriptions."""
        self._sessions = Sessions(storage, self.router)
        self._clients: dict[str, Client] = {}
        self._shared = SharedSubscriptions(self.router, storage, limits, clock)
        self.rule_filters = RuleFilters()
        """Which topic rules get which messages."""
        self._presence = PresenceEvents(self.router, self.rule_filters)
        self._subscriptions = Subscriptions(self._sessions, self.retained, self._presence, limits)
        self._fan_out = FanOut(self.router, self.retained, self._shared, self.rule_filters, limits)
        self._refused_messages = RefusedMessages()
        self._wills = Wills(storage, limits, clock)
        self.direct_messages = DirectMessages(self._sessions, clock)
        self._version_numbers = itertools.count(round(clock() * 1000))
        """Each is higher than all before it, also across restarts."""
        self._pending: deque[Publication] = deque()
        self._hand_out_due = False
        """Whether members of shared subscriptions may have room for messages in the queues of their groups."""
        self._restore()
        self.tick()

    def session(self, client_id: str) -> Session | None:
        """Returns the session of a client ID, or None."""
        return self._sessions.get(client_id)

    def sessions(self) -> Iterator[Session]:
        """Iterates over all sessions."""
        return iter(self._sessions)

    def client(self, client_id: str) -> Client | None:
        """Returns the connected client with a client ID, or None."""
        return self._clients.get(client_id)

    def clients(self) -> Iterator[Client]:
        """Iterates over all connected clients. Clients may connect and disconnect during it."""
        return iter(list(self._clients.values()))

    def connect(
        self,
        connect: Connect,
        client_id: str,
        permissions: Permissions,
        outlet: Outlet,
        origin: Origin,
        principal_id: str,
    ) -> Client:
        """Ends another client with this client ID, answers the CONNECT, and sends what is queued for the client.

        `client_id` is the one of the CONNECT, or one that was assigned.
        """
        if (other := self._clients.get(client_id)) is not None:
            self.end(other, DisconnectReason.DUPLICATE_CLIENTID, ReasonCode.SESSION_TAKEN_OVER)
        session, present = self._session_for(connect, client_id)
        session.principal_id = principal_id
        publisher, now = Publisher(self.limits, self._clock, self.retained), self._clock()
        session.expiry_interval = session_expiry(connect, self.limits)
        link = open_link(connect, session, permissions, outlet, self.limits, self._clock)
        seconds = keep_alive(connect, self.limits)
        client = Client(session, link, publisher, origin, connect.will, seconds, next(self._version_numbers))
        answer = encode(connack(connect, client_id, self.limits, session_present=present), connect.version)
        self._clients[client_id] = client
        try:
            outlet.write(answer)
            self._sessions.attach(session, link, now)
            self._take(self._presence.connected(client, now))
            if session.queue.deliveries:
                drain(session, link)
            self._hand_out_due = True
            self._settle()
        except BaseException:  # Its caller has no client to end.
            self._end(client, DisconnectReason.SERVER_ERROR, with_will=False)
            raise
        return client

    def connect_failed(self, client_id: str, principal_id: str, ip_address: str) -> None:
        """Publishes the event of a client that has valid credentials, and whose policy denies its CONNECT or Will."""
        self._take(self._presence.connect_failed(client_id, principal_id, ip_address, self._clock()))
        self._settle()

    def receive(self, client: Client, packet: Packet) -> None:
        """Takes a packet from a client. Raises MqttError if the connection must end."""
        if not client.connected:
            return
        if isinstance(packet, Publish):
            self._receive_publish(client, packet)
        elif isinstance(packet, Puback):
            was_queued = bool(client.session.queue.deliveries)
            acknowledge(client.session, client.link, packet.packet_id)
            if was_queued and self._shared.queues:  # Not for each PUBACK: all groups are asked then.
                self._drained(client)
        elif isinstance(packet, Subscribe):
            self._change(self._subscriptions.subscribe(client, packet, self._clock()))
        elif isinstance(packet, Unsubscribe):
            self._change(self._subscriptions.unsubscribe(client, packet, self._clock()))
        elif isinstance(packet, Pingreq):
            client.link.outlet.write(_PINGRESP)
        elif isinstance(packet, Disconnect):
            self._receive_disconnect(client, packet)
        else:
            raise ProtocolError(f"{type(packet).__name__.upper()} is not expected here")

    def drain(self, client: Client) -> None:
        """Sends what is queued for a client. Call this when its outlet is no longer slow."""
        drain(client.session, client.link)
        self._drained(client)

    def end(self, client: Client, reason: DisconnectReason, reason_code: ReasonCode | None = None) -> None:
        """Ends a connection. With a reason code, a client of MQTT 5 gets a DISCONNECT first."""
        self._end(client, reason, reason_code)
        self._settle()

    def fail(self, client: Client, error: MqttError) -> None:
        """Ends the connection of a client that broke a rule."""
        code = error.reason_code
        if isinstance(error, UnsupportedVersion):  # A second CONNECT is a protocol error in any version [MQTT-3.1.0-2].
            code = ReasonCode.PROTOCOL_ERROR
        forbidden = code == ReasonCode.NOT_AUTHORIZED
        reason = DisconnectReason.FORBIDDEN_ACCESS if forbidden else DisconnectReason.CLIENT_ERROR
        self._end(client, reason, code, explanation=str(error))
        self._settle()

    def publish(self, message: Message, principal_id: str | None = None, hops: int = 0) -> None:
        """Publishes a message that came over HTTP from a principal, or one that `hops` topic rules have republished."""
        self._pending.append(Publication(message, None, principal_id, hops))
        self._settle()

    def message(self, packet: Publish, topic: str) -> Message:
        """Returns the message of a PUBLISH to a topic."""
        return Message.published(packet, topic, self.limits, self._clock)

    def disconnect(self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False) -> bool:
        """Ends a client's connection, as DeleteConnection does. False if it has neither a connection nor a session.

        `clean_session` ends the session too, even if it has no connection.
        """
        session = self._sessions.get(client_id)
        if session is None:
            return False
        if prevent_will:
            self._wills.revoke(client_id)
        if clean_session:
            session.expiry_interval = 0
        client = self._clients.get(client_id)
        if client is not None:
            reason, code = DisconnectReason.API_INITIATED_DISCONNECT, ReasonCode.ADMINISTRATIVE_ACTION
            self._end(client, reason, code, with_will=not prevent_will)
        elif clean_session:
            self._forget(session)
        self._settle()
        return True

    def tick(self) -> None:
        """Publishes the delayed Wills that are due, and removes what is expired. Call this about once a second."""
        now = self._clock()
        self._take(self._wills.publish_due(now))
        self.direct_messages.end_due(now)
        for session in self._sessions:
            if session.is_expired(now):
                self._forget(session)
        self.retained.delete_expired()
        self._hand_out_due = True
        self._settle()

    def close(self) -> None:
        """Ends all connections. If ending one fails, the others still end."""
        for client in self.clients():
            try:
                self.end(client, DisconnectReason.SERVER_INITIATED_DISCONNECT, ReasonCode.SERVER_SHUTTING_DOWN)
            except Exception:
                _logger.exception("a connection could not be ended")

    def _receive_publish(self, client: Client, packet: Publish) -> None:
        try:
            accepted = client.publisher.accept(packet, client.link.permissions)
        except BrokenRule as error:
            raise self._refused_messages.refusal(client.session.client_id, packet, error, self._clock()) from None
        if not isinstance(accepted, Message):
            self._drop(Dropped(client.session, accepted))
            if packet.packet_id is not None and client.link.version is Version.MQTT_5:
                client.send(Puback(packet.packet_id, ReasonCode.QUOTA_EXCEEDED))
            return
        effects = self._fan_out.deliver(accepted, client.session)
        if effects:
            self._take(effects)
            self._settle()
        packet_id = packet.packet_id
        # The message may have ended its own publisher, if that is too slow a subscriber: nothing follows a DISCONNECT.
        if packet_id is not None and client.connected:
            client.link.outlet.write(b"\x40\x02" + packet_id.to_bytes(2))

    def _receive_disconnect(self, client: Client, packet: Disconnect) -> None:
        session = client.session
        expiry = packet.properties.session_expiry_interval
        if expiry is not None:
            if expiry and not session.persistent:
                raise ProtocolError(
                    "a DISCONNECT must not set a session expiry if the CONNECT set none (MQTT 5.0, section 3.14.2.2.2)"
                )
            session.expiry_interval = min(expiry, self.limits.most_session_expiry)
        # Any reason code but 0 publishes the Will [MQTT-3.14.4-3].
        with_will = packet.reason_code != ReasonCode.NORMAL_DISCONNECTION
        self._end(client, DisconnectReason.CLIENT_INITIATED_DISCONNECT, with_will=with_will)
        self._settle()

    def _drained(self, client: Client) -> None:
        """Hands out messages of shared subscriptions if the queue of a client is empty."""
        if not client.session.queue.deliveries:
            self._hand_out_due = True
            self._settle()

    def _change(self, effects: Iterable[Effect]) -> None:
        """Settles the effects of changed subscriptions: groups may have other members now."""
        self._take(effects)
        self._hand_out_due = True
        self._settle()

    def _take(self, effects: Iterable[Effect]) -> None:
        """Takes the effects of one step: publications become pending, all others happen at once."""
        for effect in effects:
            if isinstance(effect, Publication):
                self._pending.append(effect)
            elif isinstance(effect, Report):
                self._report(effect.kind, **effect.fields)
            elif isinstance(effect, RuleInput):
                self._trigger(effect)
            else:
                self._drop(effect)

    def _settle(self) -> None:
        """Does everything that is pending."""
        while True:
            if self._pending:
                self._take(self._fan_out.deliver(*self._pending.popleft()))
            elif self._hand_out_due and self._shared.queues:
                self._hand_out_due = False
                self._take(self._shared.hand_out())
            elif len(self._sessions.absent) > self.limits.absent_sessions:
                session = next(iter(self._sessions.absent.values()))
                count = len(session.queue.deliveries)
                self._take([drop_report(IotCoreReason.TOO_MANY_SESSIONS, client_id=session.client_id, count=count)])
                self._forget(session)
            else:
                return

    def _drop(self, dropped: Dropped) -> None:
        """Counts a dropped message, and ends the client if it is too slow."""
        session, reason, too_slow = dropped
        session.dropped += 1
        if session.dropped % _REPORTED == 1:
            self._take([drop_report(reason, client_id=session.client_id, count=session.dropped)])
        client = self._clients.get(session.client_id)
        if too_slow and client is not None:
            self._end(client, DisconnectReason.THROTTLED, ReasonCode.QUOTA_EXCEEDED)

    def _end(
        self,
        client: Client,
        reason: DisconnectReason,
        reason_code: ReasonCode | None = None,
        *,
        explanation: str = "",
        with_will: bool = True,
    ) -> None:
        """Closes a connection, and keeps or ends its session. Its event and its Will become pending."""
        if not client.connected:
            return
        client.close(reason_code)
        session, now = client.session, self._clock()
        del self._clients[session.client_id]
        released = session.detach(now, reason)
        self._take(self._presence.disconnected(client, reason, explanation, now))
        if with_will and client.will is not None:
            self._take(self._wills.leave(session, client.will, client.link.permissions))
        if not session.persistent:
            self._forget(session)
        elif reason is not DisconnectReason.DUPLICATE_CLIENTID:  # That one gets its next connection at once.
            self._sessions.mark_absent(session)
        if released:
            self._shared.take_back(released)
            self._hand_out_due = True

    def _forget(self, session: Session) -> None:
        """Ends a session. Its delayed Will becomes pending."""
        self._sessions.remove(session)
        self._hand_out_due = True
        self._take(self._wills.session_ended(session.client_id))

    def _session_for(self, connect: Connect, client_id: str) -> tuple[Session, bool]:
        """Returns the session that a CONNECT asks for, and whether it existed [MQTT-3.1.2-4] [MQTT-3.1.2-5]."""
        session = self._sessions.get(client_id)
        if session is not None:
            resumed = not connect.clean_start and session.version is connect.version
            if resumed and not session.is_expired(self._clock()):
                self._wills.revoke(client_id)
                return session, True
            self._forget(session)
        return self._sessions.add(client_id, connect.version), False

    def _restore(self) -> None:
        """Loads sessions, queues and Wills from the storage. Raises StorageError."""
        self._sessions.restore(self._clock())
        for row, client_id, shared, message, retain in self.storage.queued():
            delivery = Delivery(message, retain, row)
            if client_id is not None:
                self._sessions.restore_delivery(client_id, delivery)
            elif shared is not None:
                self._shared.restore(shared, delivery)
        self._wills.restore(self._sessions.get)
