"""The message broker: clients, sessions and messages in one topic space."""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

from local.broker.client import Client, Origin, Outlet, Permissions
from local.broker.disconnect_reason import DisconnectReason
from local.broker.limits import IOT_CORE, Limits
from local.broker.message import Delivery, Message
from local.broker.presence import Presence, Report
from local.broker.retained import RetainedMessages
from local.broker.router import Group, Router
from local.broker.session import Session
from local.broker.storage import Storage
from local.broker.wills import DelayedWills
from local.mqtt import Connack, Connect, Properties, Publish, ReasonCode, Version, Will, encode


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
        """`clock` gives seconds since 1970; `report` is told of presence, subscriptions and dropped messages."""
        self.storage = storage
        self.limits = limits
        self.clock = clock
        self.router: Router[Session] = Router()
        self.retained = RetainedMessages(storage, limits, clock)
        self.presence = Presence(self.publish, clock, report)
        self.dropped_messages = 0
        """Messages that were not delivered because a client was too slow, away for too long, or sent too many."""
        self.ended_slow_clients = 0
        """Connections that were ended because QoS 1 messages piled up."""
        self._report = report
        self._sessions: dict[str, Session] = {}
        self._wills = DelayedWills()
        self._versions = itertools.count(round(clock() * 1000))
        self._restore()

    def session(self, client_id: str) -> Session | None:
        """The session of a client ID, connected or not; None where there is none."""
        return self._sessions.get(client_id)

    def clients(self) -> Iterator[Client]:
        """All that are connected."""
        return (session.client for session in list(self._sessions.values()) if session.client is not None)

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
        other = self._sessions.get(client_id)
        if other is not None and other.client is not None:
            other.client.end(DisconnectReason.DUPLICATE_CLIENTID, ReasonCode.SESSION_TAKEN_OVER)
        session, present = self._session_for(connect, client_id)
        session.principal_id = principal_id
        client = Client(self, session, connect, permissions, outlet, origin)
        session.client = client
        session.connected_since, session.disconnected_since = self.clock(), None
        if session.persistent:
            session.store()
        outlet.write(encode(self._connack(client, connect, present), connect.version))
        self.presence.connected(client)
        client.drain()
        return client

    def publish(self, message: Message, publisher: Session | None = None) -> None:
        """Keeps a message that is to be retained, and delivers it to all whose subscriptions it matches."""
        if message.retain and not self.retained.keep(message):
            self._report("dropped", reason="too_many_retained", count=1)
        routes = self.router.routes(message.topic)
        for session, subscription in routes.each:
            if subscription.no_local and session is publisher:
                continue
            self._deliver(
                session,
                message,
                min(message.qos, subscription.qos),
                message.retain and subscription.retain_as_published,
            )
        for group in routes.groups:
            self._deliver_to_one(group, message)

    def message(self, packet: Publish, topic: str) -> Message:
        """The message in a PUBLISH to a topic, which the packet may name by an alias."""
        properties = packet.properties
        expiry = properties.message_expiry_interval
        if expiry is None and properties.topic_alias is None:
            return Message(topic, packet.payload, packet.qos, packet.retain, properties)
        properties = replace(properties, message_expiry_interval=None, topic_alias=None)
        expires_at = None if expiry is None else self.clock() + expiry
        return Message(topic, packet.payload, packet.qos, packet.retain, properties, expires_at)

    def disconnect(self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False) -> bool:
        """Ends a client's connection, as DeleteConnection does. False where there is none.

        `clean_session` ends its session too.
        """
        session = self._sessions.get(client_id)
        if session is None or session.client is None:
            return False
        if clean_session:
            session.expiry_interval = 0
        session.client.end(
            DisconnectReason.API_INITIATED_DISCONNECT, ReasonCode.ADMINISTRATIVE_ACTION, with_will=not prevent_will
        )
        return True

    def tick(self) -> None:
        """Does what is due: delayed Wills, and sessions that expired. To be called about once a second."""
        now = self.clock()
        for message in self._wills.take_due(now):
            self.publish(message)
        for session in [session for session in self._sessions.values() if session.is_expired(now)]:
            self._forget(session)

    def close(self) -> None:
        """Ends all connections."""
        for client in self.clients():
            client.end(DisconnectReason.SERVER_INITIATED_DISCONNECT, ReasonCode.SERVER_SHUTTING_DOWN)

    def keep_alive(self, connect: Connect) -> int:
        """The keep alive of a connection in seconds, within IoT Core's bounds: 0 is the most."""
        limits = self.limits
        wanted = connect.keep_alive or limits.most_keep_alive
        return min(max(wanted, limits.least_keep_alive), limits.most_keep_alive)

    def new_version_number(self) -> int:
        """A number that is higher than all before."""
        return next(self._versions)

    def new_identifier(self) -> str:
        """An identifier that no other has."""
        return str(uuid.uuid4())

    def dropped(self, session: Session, reason: str) -> None:
        """Counts a message that was not delivered, and reports the first of each session, then each hundredth."""
        self.dropped_messages += 1
        session.dropped += 1
        if session.dropped % 100 == 1:
            self._report("dropped", client_id=session.client_id, reason=reason, count=session.dropped)

    def disconnected(self, client: Client, will: Will | None, reason: DisconnectReason, explanation: str) -> None:
        """Keeps or ends the session of a connection that ended, and sees to its Will."""
        session = client.session
        session.client = None
        session.disconnected_since = self.clock()
        session.disconnect_reason = reason
        session.requeue()
        if reason is DisconnectReason.THROTTLED:
            self.ended_slow_clients += 1
        self.presence.disconnected(client, reason, explanation)
        if will is not None:
            self._leave_will(client, will)
        if session.persistent:
            session.store()
        else:
            self._forget(session)

    def _deliver(self, session: Session, message: Message, qos: int, retain: bool) -> None:
        if session.client is not None:
            session.client.send(message, qos, retain)
        elif qos > 0:
            if session.is_full(self.limits):
                self.dropped(session, "queue_full")
            else:
                session.enqueue(message, retain)

    def _deliver_to_one(self, group: Group[Session], message: Message) -> None:
        """Delivers to one of a shared subscription, in turns: to one that is connected and may receive it, if any."""
        members = list(group)
        ready = [
            member
            for member in members
            if (client := member[0].client) and client.permissions.may_receive(message.topic)
        ]
        away = [member for member in members if member[0].client is None]
        for session, subscription in (ready or away)[:1]:
            while group[-1][0] is not session:
                group.rotate(-1)
            qos = min(message.qos, subscription.qos)
            self._deliver(session, message, qos, message.retain and subscription.retain_as_published)

    def _session_for(self, connect: Connect, client_id: str) -> tuple[Session, bool]:
        """The session that a CONNECT asks for, and whether it was there before [MQTT-3.1.2-4] [MQTT-3.1.2-5]."""
        session = self._sessions.get(client_id)
        present = session is not None and not connect.clean_start and not session.is_expired(self.clock())
        if session is not None and not present:
            self._forget(session)
            session = None
        if session is None:
            session = self._sessions[client_id] = Session(client_id, self.storage)
        self._wills.take(client_id)
        session.expiry_interval = self._expiry_interval(connect)
        return session, present

    def _expiry_interval(self, connect: Connect) -> int:
        if connect.version == Version.MQTT_5:
            return min(connect.properties.session_expiry_interval or 0, self.limits.most_session_expiry)
        return 0 if connect.clean_start else self.limits.default_session_expiry

    def _connack(self, client: Client, connect: Connect, present: bool) -> Connack:
        if connect.version != Version.MQTT_5:
            return Connack(present, 0)
        limits, asked = self.limits, connect.properties
        expiry = client.session.expiry_interval
        properties = Properties(
            session_expiry_interval=expiry if expiry != (asked.session_expiry_interval or 0) else None,
            receive_maximum=limits.receive_maximum,
            maximum_qos=1,
            retain_available=True,
            maximum_packet_size=limits.packet,
            assigned_client_identifier=None if connect.client_id else client.client_id,
            topic_alias_maximum=limits.topic_aliases,
            wildcard_subscription_available=True,
            subscription_identifier_available=False,
            shared_subscription_available=True,
            server_keep_alive=client.keep_alive if client.keep_alive != connect.keep_alive else None,
        )
        return Connack(present, ReasonCode.SUCCESS, properties)

    def _leave_will(self, client: Client, will: Will) -> None:
        """Publishes a Will now or later, where the policy allows it."""
        permissions = client.permissions
        if not permissions.may_publish(will.topic) or (will.retain and not permissions.may_retain(will.topic)):
            return
        packet = Publish(will.topic, will.payload, will.qos, will.retain, False, None, will.properties)
        delay = min(will.properties.will_delay_interval or 0, client.session.expiry_interval)
        packet.properties = replace(will.properties, will_delay_interval=None)
        message = self.message(packet, will.topic)
        if delay:
            self._wills.delay(client.client_id, self.clock() + delay, message)
        else:
            self.publish(message)

    def _forget(self, session: Session) -> None:
        """Ends a session."""
        del self._sessions[session.client_id]
        for topic_filter in session.subscriptions:
            self.router.remove(session, topic_filter)
        session.unstore()
        will = self._wills.take(session.client_id)
        if will is not None:
            self.publish(will)

    def _restore(self) -> None:
        """Takes up what the storage has; a session that was connected when the process ended is left from now on."""
        now = self.clock()
        for stored in self.storage.sessions():
            session = Session(stored.client_id, self.storage)
            session.expiry_interval, session.principal_id = stored.expiry_interval, stored.principal_id
            session.disconnected_since = now if stored.disconnected_at is None else stored.disconnected_at
            session.disconnect_reason = DisconnectReason.SERVER_ERROR
            self._sessions[stored.client_id] = session
            for subscription in stored.subscriptions:
                session.subscriptions[subscription.topic_filter] = subscription
                self.router.add(session, subscription)
            session.store()
        for row, client_id, message, retain in self.storage.queued():
            session = self._sessions[client_id]
            session.put(Delivery(message, retain, row))
