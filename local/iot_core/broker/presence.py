"""Publishes events of connections and subscriptions on `$aws/events/…` (developer guide, "Lifecycle events").

Each method returns effects: the message of an event, and a report for the feed. `now` is in seconds since 1970.
The message is made only while a subscription or a topic rule may get it: it would be a tenth of the work for a
connection.
"""

import json
import uuid
from collections.abc import Sequence

from iot_core.broker.client import Client
from iot_core.broker.effects import Effect, Publication, Report
from iot_core.broker.message import Message
from iot_core.broker.router import Router
from iot_core.broker.rule_filters import RuleFilters
from iot_core.broker.session import DisconnectReason, Session

_FIRST_LEVEL = "$aws"
"""Of each event's topic. No wildcard matches it."""


class PresenceEvents:
    """Makes the events, while a subscription or a topic rule may get them."""

    def __init__(self, router: Router[Session], rules: RuleFilters) -> None:
        self._router = router
        self._rules = rules

    def connected(self, client: Client, now: float) -> list[Effect]:
        """Returns the event of a client that connected."""
        event = self._of_client(
            "presence",
            "connected",
            client,
            now,
            ipAddress=client.origin.source[0],
            versionNumber=client.version_number,
        )
        return [*event, Report("presence", {"event": "connected", "client_id": client.session.client_id})]

    def connect_failed(self, client_id: str, principal_id: str, ip_address: str, now: float) -> list[Effect]:
        """Returns the event of a client with valid credentials whose policy denies its CONNECT or Will."""
        if not self._is_heard(client_id):
            return []
        event = _event(
            "presence",
            "connect_failed",
            client_id,
            now,
            connectFailureReason="AUTHORIZATION_FAILED",
            principalIdentifier=principal_id,
            sessionIdentifier=str(uuid.uuid4()),
            ipAddress=ip_address,
        )
        return [event]

    def disconnected(self, client: Client, reason: DisconnectReason, explanation: str, now: float) -> list[Effect]:
        """Returns the event of a connection that ended. Only the report has the explanation."""
        event = self._of_client(
            "presence",
            "disconnected",
            client,
            now,
            clientInitiatedDisconnect=reason is DisconnectReason.CLIENT_INITIATED_DISCONNECT,
            disconnectReason=reason.value,
            versionNumber=client.version_number,
        )
        fields = {
            "event": "disconnected",
            "client_id": client.session.client_id,
            "disconnect_reason": reason.value,
            "detail": explanation,
        }
        return [*event, Report("presence", fields)]

    def subscribed(self, client: Client, topic_filters: Sequence[str], now: float) -> list[Effect]:
        """Returns the event of a client that subscribed to some filters."""
        return self._subscriptions("subscribed", client, topic_filters, now)

    def unsubscribed(self, client: Client, topic_filters: Sequence[str], now: float) -> list[Effect]:
        """Returns the event of a client that unsubscribed from some filters."""
        return self._subscriptions("unsubscribed", client, topic_filters, now)

    def _subscriptions(self, event: str, client: Client, topic_filters: Sequence[str], now: float) -> list[Effect]:
        topics = list(topic_filters)
        message = self._of_client("subscriptions", event, client, now, topics=topics)
        return [
            *message,
            Report("subscriptions", {"event": event, "client_id": client.session.client_id, "topics": topics}),
        ]

    def _of_client(self, kind: str, event: str, client: Client, now: float, **fields: object) -> list[Publication]:
        client_id = client.session.client_id
        if not self._is_heard(client_id):
            return []
        made = _event(
            kind,
            event,
            client_id,
            now,
            sessionIdentifier=client.session_identifier,
            principalIdentifier=client.session.principal_id,
            **fields,
        )
        return [made]

    def _is_heard(self, client_id: str) -> bool:
        """Whether an event is made. A client ID with a wildcard has none, because no topic can name it."""
        heard = self._rules.any or self._router.has_filters(_FIRST_LEVEL)
        return heard and "+" not in client_id and "#" not in client_id


def _event(kind: str, event: str, client_id: str, now: float, **fields: object) -> Publication:
    content = {"clientId": client_id, "timestamp": round(now * 1000), "eventType": event, **fields}
    return Publication(Message(f"$aws/events/{kind}/{event}/{client_id}", json.dumps(content).encode(), 1))
