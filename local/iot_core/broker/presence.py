"""Who comes and goes, on `$aws/events/…` (developer guide, "Lifecycle events")."""

import json
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from iot_core.broker.disconnect_reason import DisconnectReason
from iot_core.broker.message import Message
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.broker.client import Client

Report = Callable[..., object]
"""Is told what happens: the kind, and fields by name."""


class Presence:
    """Publishes the events, and reports them."""

    def __init__(self, publish: Callable[[Message], None], clock: Callable[[], float], report: Report) -> None:
        """`clock` gives seconds since 1970."""
        self._publish = publish
        self._clock = clock
        self._report = report

    def connected(self, client: "Client") -> None:
        """A client is connected."""
        self._send(
            "presence", "connected", client, ipAddress=client.origin.source[0], versionNumber=client.version_number
        )
        self._report("presence", event="connected", client_id=client.client_id)

    def connect_failed(self, client_id: str, principal_id: str, ip_address: str) -> None:
        """A client that proved who it is may not connect, or not leave its Will."""
        self._publish_event(
            "presence",
            "connect_failed",
            client_id,
            connectFailureReason="AUTHORIZATION_FAILED",
            principalIdentifier=principal_id,
            sessionIdentifier=str(uuid.uuid4()),
            ipAddress=ip_address,
        )

    def disconnected(self, client: "Client", reason: DisconnectReason, explanation: str) -> None:
        """A connection ended; the explanation is for the report alone."""
        self._send(
            "presence",
            "disconnected",
            client,
            clientInitiatedDisconnect=reason is DisconnectReason.CLIENT_INITIATED_DISCONNECT,
            disconnectReason=reason.value,
            versionNumber=client.version_number,
        )
        self._report(
            "presence",
            event="disconnected",
            client_id=client.client_id,
            disconnect_reason=reason.value,
            detail=explanation,
        )

    def subscribed(self, client: "Client", topic_filters: Sequence[str]) -> None:
        """A client subscribed."""
        self._subscriptions("subscribed", client, list(topic_filters))

    def unsubscribed(self, client: "Client", topic_filters: Sequence[str]) -> None:
        """A client unsubscribed."""
        self._subscriptions("unsubscribed", client, list(topic_filters))

    def subscription_refused(self, client: "Client", topic_filter: str, reason: IotCoreReason, detail: str) -> None:
        """A filter is refused which the policy was not asked about: that is no event, and reported alone."""
        self._report(
            "decision",
            action="subscribe",
            resource=topic_filter,
            allowed=False,
            reason=reason,
            detail=detail,
            client_id=client.client_id,
        )

    def _subscriptions(self, event: str, client: "Client", topics: list[str]) -> None:
        self._send("subscriptions", event, client, topics=topics)
        self._report("subscriptions", event=event, client_id=client.client_id, topics=topics)

    def _send(self, kind: str, event: str, client: "Client", **fields: object) -> None:
        identifiers = {
            "sessionIdentifier": client.session_identifier,
            "principalIdentifier": client.session.principal_id,
        }
        self._publish_event(kind, event, client.client_id, **identifiers, **fields)

    def _publish_event(self, kind: str, event: str, client_id: str, **fields: object) -> None:
        """Client IDs with a wildcard get no events, since no topic can name them."""
        if "+" in client_id or "#" in client_id:
            return
        timestamp = round(self._clock() * 1000)
        content = {"clientId": client_id, "timestamp": timestamp, "eventType": event, **fields}
        self._publish(Message(f"$aws/events/{kind}/{event}/{client_id}", json.dumps(content).encode(), 1))
