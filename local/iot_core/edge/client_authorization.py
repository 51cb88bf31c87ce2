"""Authorizes the client of a CONNECT: by its authorizer, and by the policy that the authorizer answered.

1. The authorizer is asked with all that IoT Core knows of the connection: CONNECT, WebSocket request, TLS handshake.
   No authorizer is asked about a signed WebSocket connection: the policy is that of the principal that signed its URL.
2. The policy must allow iot:Connect for the client ID, and publishing the Will.
3. The answer sets when the authorizer is asked again (refresh), and when the connection ends. A refresh replaces the
   policy and the time of the next refresh, never the end.
4. A signed connection ends after 24 hours, also if its credentials expire before (AWS General Reference, message broker
   quotas). It is refreshed only if the policy of its role changes, such as that of guests with a saved template.
   unmeasured: how soon IoT Core notices a changed role for a connection that exists already.
   unmeasured (reported, https://github.com/aws/aws-iot-device-sdk-python-v2/issues/283, 18 March 2022): that IoT Core
   closes a signed connection after 24 hours. An older report, of 2018, says that it stays open and gets nothing more.
5. Anything but an explicit allow is a refusal, an exception in this process too.
"""

import base64
import logging
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from iot_core.authorizers.event import ConnectionRequest, HttpContext, MqttContext, TlsContext, query_of
from iot_core.authorizers.invocation import (
    NAME_KEY,
    SIGNATURE_KEY,
    Asked,
    Authorization,
    AuthorizerInvoker,
    Forbidden,
    Refused,
)
from iot_core.broker.client import Origin
from iot_core.broker.session import DisconnectReason
from iot_core.feed import Decisions
from iot_core.iam.access_keys import Documents, IamPrincipal
from iot_core.identifiers import new_uuid
from iot_core.mqtt import Connect, Version, Will
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason
from iot_policies.connection import Connection

_LONGEST_WEB_SOCKET = 86_400
"""Seconds that a signed WebSocket connection lasts."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NetworkContext:
    """The facts about a connection before its CONNECT."""

    origin: Origin
    http: HttpContext | None = None
    """The upgrade request of a WebSocket; None for plain MQTT."""
    tls: TlsContext | None = None
    """The TLS handshake; None on the plain port."""
    signed_by: IamPrincipal | None = None
    """The principal that signed the URL of a WebSocket; None if it is not signed."""


@dataclass(slots=True)
class ClientAuthorization:
    """What authorizes one connection. Times in seconds of the clock."""

    connect: Connect
    client_id: str
    """The client's own, or the one that IoT Core assigned."""
    network: NetworkContext
    connection_id: str
    """The ID of the connection in the authorizer's events."""
    authorization: Authorization | IamPrincipal
    """The authorizer's answer, or the principal of a signed connection."""
    permissions: Permissions
    disconnect_at: float
    refresh_at: float
    policies: Documents = ()
    """The policies of the role of a signed connection, as they were when it was last authorized."""

    @property
    def end(self) -> DisconnectReason:
        """Why the connection ends at `disconnect_at`."""
        if isinstance(self.authorization, IamPrincipal):
            return DisconnectReason.WEBSOCKET_TTL_EXPIRATION
        return DisconnectReason.CUSTOMAUTH_TTL_EXPIRATION

    def needs_refresh(self, now: float, generation: int) -> bool:
        """Whether to authorize again: it is time, or other authorizers, or another policy of its role, are in force."""
        if isinstance(self.authorization, IamPrincipal):
            return self.authorization.policies() != self.policies
        return now >= self.refresh_at or self.authorization.generation != generation


class ClientAuthorizer:
    """Asks authorizers about the clients of MQTT connections."""

    def __init__(
        self,
        invoker: AuthorizerInvoker,
        decisions: Decisions,
        arn_prefix: str,
        time_scale: float,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives seconds; the seconds of an answer pass `time_scale` times as fast."""
        self._invoker = invoker
        self._decisions = decisions
        self._arn_prefix = arn_prefix
        self._time_scale = time_scale
        self._clock = clock

    async def authorize(self, connect: Connect, network: NetworkContext) -> ClientAuthorization:
        """Authorizes a client. Raises Refused."""
        started, connection_id = self._clock(), new_uuid()
        client_id = connect.client_id or f"$GEN/{uuid.uuid4()}"
        policies = _policies_of(network.signed_by)
        authorization, permissions = await self._ask(connect, client_id, network, connection_id)
        if connect.will is not None:
            _check_will(permissions, connect.will, client_id, authorization)
        return ClientAuthorization(
            connect=connect,
            client_id=client_id,
            network=network,
            connection_id=connection_id,
            authorization=authorization,
            permissions=permissions,
            disconnect_at=started + _seconds_to_disconnect(authorization) / self._time_scale,
            refresh_at=started + _seconds_to_refresh(authorization) / self._time_scale,
            policies=policies,
        )

    async def refresh(self, client: ClientAuthorization) -> None:
        """Asks the authorizer the same question again, and uses its new answer. Raises Refused."""
        started, client_id = self._clock(), client.client_id
        policies = _policies_of(client.network.signed_by)
        authorization, permissions = await self._ask(client.connect, client_id, client.network, client.connection_id)
        self._decisions.by_policy(authorization, client_id, "refresh", client_id, True)
        client.authorization, client.permissions, client.policies = authorization, permissions, policies
        client.refresh_at = started + _seconds_to_refresh(authorization) / self._time_scale

    async def _ask(
        self, connect: Connect, client_id: str, network: NetworkContext, connection_id: str
    ) -> tuple[Authorization | IamPrincipal, Permissions]:
        try:
            request = connection_request(connect, network)
            attributes = connect_attributes(connect)
            connection = Connection(
                client_id=client_id,
                source_ip=network.origin.source[0],
                connect_attributes=attributes,
                domain_name=request.domain_name,
            )
            authorization: Authorization | IamPrincipal
            if network.signed_by is None:
                authorization = await self._invoker.authorize(request, connection_id=connection_id)
            else:
                authorization = network.signed_by
                _check_user_name(connect.user_name)
            on_decision = partial(self._decisions.by_policy, authorization, client_id)
            evaluator = authorization.evaluator(connection)
            if evaluator.doubts:
                self._decisions.doubts(authorization, client_id, evaluator.doubts)
            permissions = Permissions(evaluator, self._arn_prefix, on_decision)
            if not permissions.may_connect(client_id):
                detail = _asks_for(connect, client_id, attributes)
                denied = Asked("connect", client_id, client_id, attributes)
                raise Forbidden(IotCoreReason.CONNECT_NOT_ALLOWED, detail, authorization, denied)
        except Refused:
            raise
        except Exception as error:
            _logger.exception("a client could not be authorized")
            raise Refused(IotCoreReason.IOT_CORE_ERROR, f"{type(error).__name__}: {error}") from error
        return authorization, permissions


def _policies_of(signed_by: IamPrincipal | None) -> Documents:
    return () if signed_by is None else signed_by.policies()


def connect_attributes(connect: Connect) -> frozenset[str]:
    """The connect attributes of a CONNECT, for the condition key `iot:ConnectAttributes`."""
    # unmeasured (check connect-persistent): whether an MQTT 5 CONNECT with Clean Start 0 and no session expiry, which
    # resumes a session, needs the connect attribute PersistentConnect (assumed: no).
    persistent = (
        not connect.clean_start
        if connect.version is not Version.MQTT_5
        else bool(connect.properties.session_expiry_interval)
    )
    found = ["PersistentConnect"] if persistent else []
    return frozenset(found if connect.will is None else [*found, "LastWill"])


def connection_request(connect: Connect, network: NetworkContext) -> ConnectionRequest:
    """Makes the authorizer's request. What a CONNECT can hold is within the limits of TestInvokeAuthorizer."""
    password = None if connect.password is None else base64.b64encode(connect.password).decode()
    mqtt = MqttContext(username=connect.user_name, password=password, clientId=connect.client_id or None)
    return ConnectionRequest(httpContext=network.http, tlsContext=network.tls, mqttContext=mqtt)


def _seconds_to_disconnect(authorization: Authorization | IamPrincipal) -> float:
    if isinstance(authorization, IamPrincipal):
        return _LONGEST_WEB_SOCKET
    return authorization.answer.disconnect_after_in_seconds


def _seconds_to_refresh(authorization: Authorization | IamPrincipal) -> float:
    return math.inf if isinstance(authorization, IamPrincipal) else authorization.answer.refresh_after_in_seconds


def _check_user_name(user_name: str | None) -> None:
    """Raises Refused if the user name of a signed connection has parameters of a custom authorizer."""
    # unmeasured (check sigv4-user-name-authorizer): what IoT Core does with a signed URL and an authorizer's parameters
    # in the user name (assumed: it refuses them). AWS's SDKs send their name and version there.
    names = (pair.partition("=")[0] for pair in query_of(user_name).split("&"))
    if found := next((name for name in (NAME_KEY, SIGNATURE_KEY) if name in names), None):
        detail = f"the URL is signed, and the user name has {found}: send only one of them"
        raise Refused(IotCoreReason.SIGNED_WITH_AUTHORIZER, detail)


def _asks_for(connect: Connect, client_id: str, attributes: frozenset[str]) -> str:
    """What a CONNECT asks for, in words."""
    wanted = f" with {' and '.join(sorted(attributes))}" if attributes else ""
    if connect.client_id:
        return f"client ID {client_id}{wanted}"
    return f"the CONNECT has no client ID, and the policy does not allow {client_id}{wanted}: set a client ID"


def _check_will(
    permissions: Permissions, will: Will, client_id: str, authorization: Authorization | IamPrincipal
) -> None:
    """Raises Forbidden if the policy does not allow the client to publish its Will."""
    if permissions.may_publish(will.topic) and (not will.retain or permissions.may_retain(will.topic)):
        return
    action = "retain" if will.retain else "publish"
    detail = f"the policy does not allow the client to {action} its Will to {will.topic}"
    raise Forbidden(IotCoreReason.WILL_NOT_ALLOWED, detail, authorization, Asked(action, will.topic, client_id))
