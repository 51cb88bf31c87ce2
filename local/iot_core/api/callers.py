"""Who calls, and may they?

A request that is signed as AWS's clients sign (Signature Version 4) counts as the account's owner, who may do all:
there is no IAM here, so any credentials do, and the signature is not looked at. Without one, publishing and reading
retained messages is a client's business, authorized by the custom authorizer as over HTTPS on IoT Core. Everything
else is for whoever can reach the port, so that `aws --no-sign-request` works.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.requests import Request

from iot_core.api.authorization_cache import AuthorizationCache
from iot_core.api.errors import forbidden, unauthorized
from iot_core.api.members import invalid_members
from iot_core.authorizers.event import ConnectionRequest, HttpContext, TlsContext
from iot_core.authorizers.invocation import Authorization
from iot_core.authorizers.refused import Refused
from iot_core.core import IotCore
from iot_policies.evaluator import Connection

_SIGNED = "AWS4-HMAC-SHA256"
_QUESTIONS = {"iot:Publish": "publish", "iot:RetainPublish": "retain"}
"""What a template's entries say of a permission, in one word; of reading retained messages they say nothing."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a request is about to do."""

    action: str
    """As the feed calls it."""
    resource: str
    """As the feed calls it: a topic."""
    permissions: tuple[tuple[str, str], ...]
    """The actions of a policy that it takes, each with its resource's ARN."""


class Callers:
    """Lets requests through or not, and tells the feed."""

    def __init__(self, core: IotCore) -> None:
        self._core = core
        self._cache = AuthorizationCache(core)

    async def require(self, request: Request, intent: Intent) -> None:
        """Checks that whoever sent a request may do this. Raises ApiError: 401 or 403, which say nothing of why."""
        if request.headers.get("authorization", "").startswith(_SIGNED):
            return
        try:
            authorization = await self._authorize(request)
        except Refused as refused:
            self._core.decisions.refused(refused, intent.action, intent.resource)
            raise unauthorized() from None
        policy = authorization.evaluator(Connection(source_ip=request.client.host if request.client else None))
        missing = next((action for action, arn in intent.permissions if not policy.allows(action, arn)), None)
        question = _QUESTIONS.get(missing or intent.permissions[-1][0], "")
        self._core.decisions.by_policy(
            authorization, None, intent.action, intent.resource, missing is None, question=question, missing=missing
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
    """A request as the gateway takes it. Raises ApiError where a header or the query string is too long."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = request.scope["query_string"].decode("latin-1")
    state: Mapping[str, object] = request.scope.get("state", {})
    server_name = state.get("server_name")
    try:
        return ConnectionRequest(
            httpContext=HttpContext(headers=headers, queryString=f"?{query}" if query else None),
            tlsContext=TlsContext(serverName=server_name) if isinstance(server_name, str) else None,
        )
    except ValidationError as error:
        raise invalid_members(error) from None
