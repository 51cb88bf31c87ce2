"""The registry of sessions, with their subscriptions in the router and in the storage."""

from collections import OrderedDict
from collections.abc import Iterator

from iot_core.broker.presence import DisconnectReason
from iot_core.broker.router import Router
from iot_core.broker.session import Delivery, Session
from iot_core.broker.storage import Storage
from iot_core.mqtt import Subscription, Version


class Sessions:
    """All sessions: at most one for each client ID."""

    def __init__(self, storage: Storage, router: Router[Session]) -> None:
        self._storage = storage
        self._router = router
        self._sessions: dict[str, Session] = {}
        self.absent: OrderedDict[str, Session] = OrderedDict()
        """The persistent ones without a connection. The one that lost its connection first is first."""

    def __iter__(self) -> Iterator[Session]:
        """Iterate over the present sessions. Sessions may be added and removed meanwhile."""
        return iter(list(self._sessions.values()))

    def get(self, client_id: str) -> Session | None:
        """Return the session of a client ID, or None."""
        return self._sessions.get(client_id)

    def add(self, client_id: str, version: Version) -> Session:
        """Create a session."""
        session = self._sessions[client_id] = Session(client_id, version, self._storage)
        return session

    def remove(self, session: Session) -> None:
        """Remove a session with its subscriptions, also from the storage."""
        del self._sessions[session.client_id]
        self.absent.pop(session.client_id, None)
        for topic_filter in session.subscriptions:
            self._router.remove(session, topic_filter)
        session.unstore()

    def mark_connected(self, session: Session) -> None:
        """Note that a session has a connection."""
        session.store()
        self.absent.pop(session.client_id, None)

    def mark_absent(self, session: Session) -> None:
        """Note that a persistent session has no connection any more."""
        session.store()
        self.absent[session.client_id] = session

    def subscribe(self, session: Session, subscription: Subscription) -> None:
        """Add a subscription, or replace the session's one with the same filter."""
        session.subscriptions[subscription.topic_filter] = subscription
        self._router.add(session, subscription)
        if session.expiry_interval:
            self._storage.keep_subscription(session.client_id, subscription)

    def unsubscribe(self, session: Session, topic_filter: str) -> bool:
        """Remove a subscription. False if the session has none with this filter."""
        if session.subscriptions.pop(topic_filter, None) is None:
            return False
        self._router.remove(session, topic_filter)
        if session.stored:
            self._storage.forget_subscription(session.client_id, topic_filter)
        return True

    def restore(self, now: float) -> None:
        """Load all sessions from the storage. Raises StorageError.

        A session that was connected when the process ended counts as disconnected at `now`.
        """
        for stored in sorted(self._storage.sessions(), key=lambda stored: stored.disconnected_at or now):
            session = self.add(stored.client_id, stored.version)
            session.expiry_interval, session.principal_id = stored.expiry_interval, stored.principal_id
            session.disconnected_since, session.disconnect_reason = stored.disconnected_at, stored.disconnect_reason
            if session.disconnected_since is None:
                session.disconnected_since, session.disconnect_reason = now, DisconnectReason.SERVER_ERROR
            self.mark_absent(session)
        for client_id, subscription in self._storage.subscriptions():
            session = self._sessions[client_id]
            session.subscriptions[subscription.topic_filter] = subscription
            self._router.add(session, subscription)

    def restore_delivery(self, client_id: str, delivery: Delivery) -> None:
        """Queue a stored delivery behind those that were restored before."""
        delivery.duplicate = True  # It may have been sent before the restart.
        self._sessions[client_id].queue.put(delivery)
