"""Authorizes HTTP requests that publish or that read retained messages.

Rules:
- A request with a signature of AWS (Signature Version 4) comes from the account's owner and may do everything. There
  is no IAM here: the signature is not verified, so any credentials work.
- Without a signature, the custom authorizer decides, as for HTTPS on IoT Core.
- An authorization may be cached for a client that keeps its HTTP connection (API_CreateAuthorizer,
  `enableCachingForHttp`), for as long as the authorizer's answer says. A new configuration ends it.
- All other operations are open to everyone who can reach the port, so that `aws --no-sign-request` works.
- A refused client gets only the status, 401 or 403. The feed has the reason.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError
from starlette.requests import Request

from iot_core.api.errors import forbidden, unauthorized
from iot_core.api.parameters import invalid_members
from iot_core.authorizers.event import ConnectionRequest, HttpContext, TlsContext, join_headers
from iot_core.authorizers.invocation import Authorization, Refused
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.core import IotCore
from iot_policies.connection import Connection

_MOST = 1024
"""Cached authorizations. The one that was used least recently is dropped first."""
_OF_THE_MESSAGE = frozenset({"content-length", "content-type", "date", "expect", "transfer-encoding"})
_MQTT_5 = "x-amz-mqtt5-"
_PARAMETERS = frozenset({"qos", "retain", "contentType", "responseTopic", "messageExpiry", "maxResults", "nextToken"})
_SIGNED = "AWS4-HMAC-SHA256"
_QUESTIONS = {"iot:Publish": "publish", "iot:RetainPublish": "retain"}
"""The template's word for a permission. Templates have none for reading retained messages."""


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """The action that a request asks for."""

    action: str
    """Its name in the feed."""
    resource: str
    """Its resource in the feed: a topic."""
    permissions: tuple[tuple[str, str], ...]
    """The IoT actions that the policy must allow, each with the ARN of its resource."""


class HttpAuthorization:
    """Allows or refuses requests, and reports each decision to the feed."""

    def __init__(self, core: IotCore) -> None:
        self._core = core
        self._cache = _AuthorizationCache(core)

    async def require(self, request: Request, requested: RequestedAction) -> None:
        """Checks that the sender of a request may do this. Raises ApiError, 401 or 403."""
        if request.headers.get("authorization", "").startswith(_SIGNED):
            return
        try:
            authorization = await self._authorize(request)
        except Refused as refused:
            self._core.decisions.refused(refused, requested.action, requested.resource)
            raise unauthorized() from None
        host = request.client.host if request.client else None
        domain_name = connection_request(request).domain_name
        policy = authorization.evaluator(Connection(source_ip=host, domain_name=domain_name))
        self._core.decisions.doubts(authorization, None, policy.doubts)
        missing = next((name for name, arn in requested.permissions if not policy.allows(name, arn)), None)
        question = _QUESTIONS.get(missing or requested.permissions[-1][0], "")
        self._core.decisions.by_policy(
            authorization,
            None,
            requested.action,
            requested.resource,
            missing is None,
            question=question,
            missing=missing,
        )
        if missing is not None:
            raise forbidden()

    async def _authorize(self, request: Request) -> Authorization:
        kept = self._cache.get(request)
        if kept is None:
            kept = await self._core.invoker.authorize(connection_request(request))
            self._cache.put(request, kept)
        return kept


def connection_request(request: Request) -> ConnectionRequest:
    """Converts an HTTP request for the authorizer. Raises ApiError if a header or the query string is too long."""
    query = request.scope["query_string"].decode("latin-1")
    state: Mapping[str, object] = request.scope.get("state", {})
    server_name = state.get("server_name")
    try:
        return ConnectionRequest(
            httpContext=HttpContext(
                headers=join_headers(request.headers.items()), queryString=f"?{query}" if query else None
            ),
            tlsContext=TlsContext(serverName=server_name) if isinstance(server_name, str) else None,
        )
    except ValidationError as error:
        raise invalid_members(error) from None


class _Kept(NamedTuple):
    authorization: Authorization
    authorizer: AuthorizerDescription
    until: float


class _AuthorizationCache:
    """Authorizations by connection and credentials.

    A connection is known by the client's address. A later connection from the same port gets no wrong answer: the key
    holds everything of a request except its message.
    """

    def __init__(self, core: IotCore) -> None:
        self._core = core
        self._clock = core.clock
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, request: Request) -> Authorization | None:
        """The cached authorization of a request; None if the authorizer must be asked."""
        key = self._key(request)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock() or not self._is_unchanged(kept):
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept.authorization

    def put(self, request: Request, authorization: Authorization) -> None:
        """Caches an authorization if its authorizer enables that."""
        authorizer = self._core.authorizers.get(authorization.authorizer)
        if authorizer is None or not authorizer.enable_caching_for_http:
            return
        answer = authorization.answer
        seconds = min(answer.refresh_after_in_seconds, answer.disconnect_after_in_seconds)
        self._kept[self._key(request)] = _Kept(authorization, authorizer, self._clock() + seconds)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def _is_unchanged(self, kept: _Kept) -> bool:
        core = self._core
        return (
            core.authorizers.generation == kept.authorization.generation
            and core.authorizers.get(kept.authorizer.name) == kept.authorizer
        )

    def _key(self, request: Request) -> Hashable:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name not in _OF_THE_MESSAGE and not name.startswith(_MQTT_5)
        ]
        query = [(name, value) for name, value in request.query_params.multi_items() if name not in _PARAMETERS]
        return request.client, self._core.authorizers.default, tuple(headers), tuple(query)
