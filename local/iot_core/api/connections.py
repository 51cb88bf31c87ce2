"""GetConnection, ListSubscriptions and DeleteConnection (API_iotdata_…)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import invalid_member, not_found
from iot_core.api.parameters import invalid_next_token, label, page, query_boolean, query_integer
from iot_core.broker.client import Client
from iot_core.broker.session import Session
from iot_core.core import IotCore

_MOST_CLIENT_ID = 128
_RESULTS, _MOST_RESULTS = 20, 200


class ConnectionOperations:
    """The operations on clients and their sessions."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def get(self, request: Request) -> Response:
        """GetConnection, also of a disconnected client that has a session. Raises ApiError."""
        session = self._session(request)
        with_sockets = query_boolean(request, "includeSocketInformation")
        client = self._core.broker.client(session.client_id)
        members = _disconnected(session) if client is None else _connected(client, session, with_sockets)
        return JSONResponse(
            {
                "clientId": session.client_id,
                "connected": session.connected,
                "cleanSession": not session.persistent,
                "sessionExpiry": session.expiry_interval,
                **members,
            }
        )

    async def subscriptions(self, request: Request) -> Response:
        """ListSubscriptions. Raises ApiError."""
        session = self._session(request)
        size = query_integer(request, "maxResults", 1, _MOST_RESULTS) or _RESULTS
        shown, following = page(
            session.subscriptions.values(),
            lambda subscription: subscription.topic_filter,
            size,
            request.query_params.get("nextToken"),
            invalid_next_token(),
        )
        subscriptions = [{"topicFilter": one.topic_filter, "qos": one.qos} for one in shown]
        return JSONResponse({"subscriptions": subscriptions, "nextToken": following})

    async def delete(self, request: Request) -> Response:
        """DeleteConnection. Raises ApiError."""
        client_id = client_id_of(request)
        ended = self._core.broker.disconnect(
            client_id,
            clean_session=query_boolean(request, "cleanSession"),
            prevent_will=query_boolean(request, "preventWillMessage"),
        )
        if not ended:
            raise not_found("No client with that client ID is connected")
        self._core.commit()
        return Response()

    def _session(self, request: Request) -> Session:
        session = self._core.broker.session(client_id_of(request))
        if session is None:
            raise not_found("No client with that client ID is connected or has a session")
        return session


def client_id_of(request: Request) -> str:
    """The client ID in the path of a request. Raises ApiError."""
    client_id = label(request, "clientId")
    if client_id.startswith("$"):
        raise invalid_member("clientId", "Member must satisfy regular expression pattern: ^[^$].*")
    if len(client_id) > _MOST_CLIENT_ID:
        raise invalid_member("clientId", f"Member must have length less than or equal to {_MOST_CLIENT_ID}")
    return client_id


def _connected(client: Client, session: Session, with_sockets: bool) -> dict[str, object]:
    members: dict[str, object] = {
        "keepAliveDuration": client.keep_alive,
        "connectedSince": round(session.connected_since * 1000),
    }
    if with_sockets:
        (source_ip, source_port), (target_ip, target_port) = client.origin.source, client.origin.target
        members |= {"sourceIp": source_ip, "sourcePort": source_port, "targetIp": target_ip, "targetPort": target_port}
    return members


def _disconnected(session: Session) -> dict[str, object]:
    since = session.disconnected_since
    return {
        "disconnectedSince": None if since is None else round(since * 1000),
        "disconnectReason": session.disconnect_reason,
    }
