"""Authorizes HTTP requests.

Rules:
- A request with a signature of AWS (Signature Version 4) is decided by the policy of the principal that signed it,
  for every operation.
- Without a signature, the custom authorizer decides about publishing, direct messages and reading retained messages.
- unmeasured (documented in contradiction; checks direct-arrives, kept-get): that a custom authorizer's policy can allow
  more than to publish. The guide's page "Custom authentication" says that over HTTPS it "only supports publish
  operations"; its newer page "Direct messaging policy examples" has a policy for them. For retained messages, no page
  says it (assumed: allowed if granted).
- If the authorizer has `enableCachingForHttp`, its answer is cached for a client that keeps its HTTP connection: for
  `refreshAfterInSeconds` (API_CreateAuthorizer). `disconnectAfterInSeconds` plays no part there, and no operation ends
  it. It ends with its connection.
- unmeasured (checks http-cached-token, http-cached-refusal): that an answer is for one credential only, so that another
  one on the same connection invokes the function, and that a refusal is not cached (assumed: AWS names only the
  connection and the result).
- A new configuration ends what is cached, so that a saved template takes effect at once. AWS says nothing of that.
- All other operations are open to unsigned requests of everyone who can reach the port, so that
  `aws --no-sign-request` works.
- A refused client gets only the status, 401 or 403. The feed has the reason.
- unmeasured (checks http-wrong-token, http-no-token, http-no-authorizer, http-publish-refused, signed-http-wrong): that
  a client gets 401 if no authorizer authenticates it, and 403 if its policy does not allow the request (assumed).
"""

from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from pydantic import ValidationError
from starlette.requests import Request

from iot_core.api.errors import access_denied, forbidden, unauthorized
from iot_core.api.parameters import invalid_members
from iot_core.api.signed_requests import signed_by
from iot_core.authorizers.event import ConnectionRequest, HttpContext, TlsContext, join_headers
from iot_core.authorizers.invocation import Authorization, Refused
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.core import IotCore
from iot_core.iam.access_keys import IamPrincipal
from iot_policies.connection import Connection

_MOST = 16
"""Answers that are cached for one connection, each for another credential; the oldest is dropped first."""
_OF_THE_MESSAGE = frozenset({"content-length", "content-type", "date", "expect", "transfer-encoding"})
_MQTT_5 = "x-amz-mqtt5-"
_PARAMETERS = frozenset({"qos", "retain", "contentType", "responseTopic", "messageExpiry", "maxResults", "nextToken"})
_PARAMETERS |= {"topic", "confirmation", "timeout"}
_QUESTIONS = {
    "iot:Publish": "publish",
    "iot:RetainPublish": "retain",
    "iot:SendDirectMessage": "send",
    "iot:GetRetainedMessage": "read",
}
"""The template's word for a permission. Templates have none for listing retained messages."""


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """The action that a request asks for."""

    action: str
    """Its name in the feed."""
    resource: str
    """Its resource in the feed: a topic, or for a direct message a client ID and a topic."""
    permissions: tuple[tuple[str, str], ...]
    """The IoT actions that the policy must allow, each with the ARN of its resource."""
    topic: str | None = None
    """The topic of a direct message, which is a condition key."""


class HttpAuthorization:
    """Allows or refuses requests, and reports each decision to the feed."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def require(self, request: Request, requested: RequestedAction) -> Authorization | IamPrincipal:
        """Checks that the sender of a request may do this, and returns who it is. Raises ApiError, 401 or 403."""
        try:
            authorization = signed_by(request) or await self._authorize(request)
        except Refused as refused:
            self._core.decisions.refused(refused, requested.action, requested.resource)
            raise unauthorized() from None
        policy = authorization.evaluator(replace(_connection(request), topic=requested.topic))
        if policy.doubts:
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
        return authorization

    def require_of_signer(self, request: Request, action: str, kind: str, name: str) -> None:
        """Checks that the principal that signed a request may do this. One that is not signed may.

        The resource is a name of a kind, or `*` if the kind is empty. Raises ApiError, 403.
        """
        principal = signed_by(request)
        resource = self._core.arn(kind, name) if kind else "*"
        if principal is None or principal.evaluator(_connection(request)).allows(action, resource):
            return
        asked, missing = f"{request.method} {request.scope['path']}", f"{action} on {resource}"
        self._core.decisions.by_policy(principal, None, "http_request", asked, False, missing=missing)
        raise access_denied(principal.arn, action, resource)

    async def _authorize(self, request: Request) -> Authorization:
        cache = _cache_of(request)
        key = self._key(request)
        cached = cache.pop(key, None)
        if cached is None or not self._is_valid(cached):
            authorization = await self._core.invoker.authorize(connection_request(request))
            cached = self._cached(authorization)
        if cached.until > self._core.clock():
            cache[key] = cached
            if len(cache) > _MOST:
                del cache[next(iter(cache))]
        return cached.authorization

    def _cached(self, authorization: Authorization) -> "_Cached":
        authorizer = self._core.authorizers.get(authorization.call.authorizer)
        is_cached = authorizer is not None and authorizer.enable_caching_for_http
        seconds = authorization.answer.refresh_after_in_seconds if is_cached else 0
        return _Cached(authorization, authorizer, self._core.clock() + seconds / self._core.time_scale)

    def _is_valid(self, cached: "_Cached") -> bool:
        """Whether it has not expired, and the configuration is the one that it was made with."""
        core, authorization = self._core, cached.authorization
        return (
            core.clock() < cached.until
            and core.authorizers.generation == authorization.generation
            and core.authorizers.get(authorization.call.authorizer) == cached.authorizer
        )

    def _key(self, request: Request) -> Hashable:
        """All of a request but its message."""
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name not in _OF_THE_MESSAGE and not name.startswith(_MQTT_5)
        ]
        query = [(name, value) for name, value in request.query_params.multi_items() if name not in _PARAMETERS]
        return self._core.authorizers.default, tuple(headers), tuple(query)


class _Cached(NamedTuple):
    authorization: Authorization
    authorizer: AuthorizerDescription | None
    until: float
    """By IoT Core's clock, in seconds."""


def _cache_of(request: Request) -> MutableMapping[Hashable, _Cached]:
    """The cached answers of the request's connection."""
    return cast("MutableMapping[Hashable, _Cached]", request.scope["state"]["connection"])


def _connection(request: Request) -> Connection:
    """What a policy sees of a request."""
    host = request.client.host if request.client else None
    return Connection(source_ip=host, domain_name=connection_request(request).domain_name)


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
