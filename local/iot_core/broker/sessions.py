"""All sessions, and what they subscribe to."""

from collections import OrderedDict
from collections.abc import Iterator

from iot_core.broker.message import Delivery
from iot_core.broker.presence import DisconnectReason
from iot_core.broker.router import Router
from iot_core.broker.session import Session
from iot_core.broker.storage import Storage
from iot_core.mqtt import Subscription, Version


class Sessions:
    """At most one session a client ID."""

    def __init__(self, storage: Storage, router: Router[Session]) -> None:
        self._storage = storage
        self._router = router
        self._sessions: dict[str, Session] = {}
        self._absent: OrderedDict[str, Session] = OrderedDict()
        """The persistent ones without a connection, the one that was left first in front."""

    def __iter__(self) -> Iterator[Session]:
        """All that are there now, whatever is added and removed on the way."""
        return iter(list(self._sessions.values()))

    def get(self, client_id: str) -> Session | None:
        """The session of a client ID, connected or not; None where there is none."""
        return self._sessions.get(client_id)

    def add(self, client_id: str, version: Version) -> Session:
        """A new session."""
        session = self._sessions[client_id] = Session(client_id, version, self._storage)
        return session

    def remove(self, session: Session) -> None:
        """Forgets a session, its subscriptions, and all that is stored of it."""
        del self._sessions[session.client_id]
        self._absent.pop(session.client_id, None)
        for topic_filter in session.subscriptions:
            self._router.remove(session, topic_filter)
        session.unstore()

    def came(self, session: Session) -> None:
        """A session has a connection."""
        session.store()
        self._absent.pop(session.client_id, None)

    def left(self, session: Session) -> None:
        """A persistent session has no connection any more."""
        session.store()
        self._absent[session.client_id] = session

    def longest_absent(self, limit: int) -> Session | None:
        """The one that was left first, where more than `limit` persistent sessions have no connection; else None."""
        return next(iter(self._absent.values())) if len(self._absent) > limit else None

    def subscribe(self, session: Session, subscription: Subscription) -> None:
        """Adds a subscription, or puts it in the place of the one with the same filter."""
        session.subscriptions[subscription.topic_filter] = subscription
        self._router.add(session, subscription)
        if session.persistent:
            self._storage.keep_subscription(session.client_id, subscription)

    def unsubscribe(self, session: Session, topic_filter: str) -> bool:
        """Removes a subscription. False where there is none."""
        if session.subscriptions.pop(topic_filter, None) is None:
            return False
        self._router.remove(session, topic_filter)
        if session.stored:
            self._storage.forget_subscription(session.client_id, topic_filter)
        return True

    def restore(self, now: float) -> None:
        """Takes up what the storage has; a session that was connected when the process ended is left from now on.

        Raises StorageError.
        """
        for stored in sorted(self._storage.sessions(), key=lambda stored: stored.disconnected_at or now):
            session = self.add(stored.client_id, stored.version)
            session.expiry_interval, session.principal_id = stored.expiry_interval, stored.principal_id
            session.disconnected_since, session.disconnect_reason = stored.disconnected_at, stored.disconnect_reason
            if session.disconnected_since is None:
                session.disconnected_since, session.disconnect_reason = now, DisconnectReason.SERVER_ERROR
            self.left(session)
        for client_id, subscription in self._storage.subscriptions():
            session = self._sessions[client_id]
            session.subscriptions[subscription.topic_filter] = subscription
            self._router.add(session, subscription)

    def restore_delivery(self, client_id: str, delivery: Delivery) -> None:
        """Takes up what waits for a client, one after the other."""
        delivery.duplicate = True  # Nobody knows any more whether it was sent.
        self._sessions[client_id].queue.put(delivery)
